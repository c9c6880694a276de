"""Writes when API keys were last used."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.identity.models import ApiKey


async def record_uses(connection: AsyncConnection, key_ids: Iterable[int], at: datetime) -> None:
    """Note that the keys were used, unless that was noted less than a minute ago.

    A row that somebody else holds is left to them: it waits for nobody and blocks nobody.
    """
    is_due = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= at - timedelta(minutes=1))
    due = select(ApiKey.id).where(ApiKey.id.in_(key_ids), is_due).with_for_update(skip_locked=True)
    await connection.execute(update(ApiKey).where(ApiKey.id.in_(due)).values(last_used_at=at))
