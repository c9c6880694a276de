"""SQL of the figures."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Date, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.queries import AnyRow, snapshot_text
from app.identity.models import User


async def count_users(connection: AsyncConnection) -> Sequence[AnyRow]:
    """How many accounts (`users`) there are of each `role` and `is_active`."""
    columns = (User.role, User.is_active)
    counted = select(*columns, func.count().label("users"), snapshot_text).group_by(*columns)
    return (await connection.execute(counted)).all()


async def count_sign_ups(connection: AsyncConnection, since: datetime) -> Sequence[AnyRow]:
    """How many accounts (`users`) were opened on each `day` in UTC, from `since` on; none is left out."""
    day = cast(func.timezone("UTC", User.created_at), Date).label("day")
    counted = select(day, func.count().label("users")).where(User.created_at >= since).group_by(day)
    return (await connection.execute(counted)).all()
