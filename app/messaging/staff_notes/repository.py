"""Reads which accounts were opened, and has staff told."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import publish_each
from app.identity.models import User
from app.identity.permissions import Permission, Role, permissions_of
from app.messaging.staff_notes.events import StaffNoteDue

MOST_NAMES = 10
"""In one mail."""
_READERS = [role.value for role in Role if Permission.USERS_READ in permissions_of(role)]


class NewAccounts(NamedTuple):
    """How many accounts were opened in a time, and the names of the first ones."""

    total: int
    names: Sequence[str]


async def find_new_accounts(session: AsyncSession, since: datetime, until: datetime) -> NewAccounts:
    """The accounts of this half-open time, of those that are still there."""
    opened = (
        select(User.username, func.count().over())
        .where(User.created_at >= since, User.created_at < until)
        .order_by(User.created_at, User.id)
        .limit(MOST_NAMES)
    )
    rows = (await session.execute(opened)).all()
    return NewAccounts(rows[0][1] if rows else 0, [name for name, _ in rows])


async def announce_day(session: AsyncSession, day: str) -> int:
    """Publish an event for each member of staff who may read accounts; how many."""
    staff = select(func.jsonb_build_object("user_id", User.id, "day", day)).where(
        User.role.in_(_READERS), User.is_active
    )
    return await publish_each(session, StaffNoteDue, staff)
