"""Reading what everybody may know of an account."""

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.models import Item
from app.catalog.sellers.errors import UserNotFound
from app.catalog.sellers.schemas import PublicProfile
from app.core.db.paging import COUNTED_EXACTLY
from app.core.db.queries import snapshot_text
from app.core.http.responses import ReadResult
from app.identity.models import User

# Counted so far and no further: a shop's importer may own a million books.
_offers = (
    select(Item.id)
    .where(Item.owner_id == bindparam("user_id"), Item.is_active)
    .limit(COUNTED_EXACTLY)
    .subquery()
)
_PROFILE = select(
    User.id,
    User.username,
    User.created_at.label("member_since"),
    select(func.count()).select_from(_offers).scalar_subquery().label("offers"),
    snapshot_text,
).where(User.id == bindparam("user_id"), User.is_active)


async def get_public_profile(connection: AsyncConnection, user_id: int) -> ReadResult:
    """Read the account as everybody sees it. Raises UserNotFound, also for a closed one."""
    row = (await connection.execute(_PROFILE, {"user_id": user_id})).one_or_none()
    if row is None:
        raise UserNotFound(f"There is no user {user_id}.")
    return ReadResult(PublicProfile.model_validate(row), row.snapshot)
