"""What credentials are looked up by: live sessions and API keys that are in force."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import utc_now
from app.core.db.driver import DriverStatement
from app.core.db.queries import AnyRow, snapshot_text
from app.identity.models import ApiKey, AuthSession, User
from app.identity.permissions import Role

LONGEST_STAFF_KEY = timedelta(days=90)
"""How long a key of anybody above the role `user` lasts, from the moment it was made."""

_owner_role = select(User.role).where(User.id == ApiKey.user_id).correlate(ApiKey).scalar_subquery()
# Not what was written when the key was made: an account that was promoted since had a longer choice.
key_ends_at: ColumnElement[datetime | None] = case(
    (_owner_role == Role.USER.value, ApiKey.expires_at),
    else_=func.least(ApiKey.expires_at, ApiKey.created_at + LONGEST_STAFF_KEY),
).label("ends_at")
"""When a key ends by the clock, as its owner's role has it now; null: never."""

# Constant, and run by the driver: whoever sends keys at random makes it run each time.
_GRANT = DriverStatement(
    select(
        ApiKey.id,
        ApiKey.user_id,
        ApiKey.scopes,
        ApiKey.allowed_ips,
        key_ends_at,
        User.username,
        User.role,
        User.is_verified,
        snapshot_text,
    )
    .join_from(ApiKey, User, User.id == ApiKey.user_id)
    .where(
        ApiKey.revoked_at.is_(None),
        User.is_active,
        ApiKey.key_hash == bindparam("digest"),
        ApiKey.user_id == bindparam("owner_id"),
    )
)


async def find_live_session(connection: AsyncConnection, session_id: UUID, user_id: int) -> AnyRow | None:
    """The session with its account in one statement; None when either is ended, expired or closed."""
    statement = (
        select(
            User.username,
            User.role,
            User.is_verified,
            AuthSession.factors,
            AuthSession.authenticated_at,
            snapshot_text,
        )
        .join(User, User.id == AuthSession.user_id)
        .where(AuthSession.id == session_id, User.id == user_id, User.is_active, *is_under_way())
    )
    return (await connection.execute(statement)).one_or_none()


def is_under_way() -> tuple[ColumnElement[bool], ...]:
    """The conditions of a session that has neither ended nor expired."""
    return AuthSession.ended_at.is_(None), AuthSession.expires_at > utc_now()


async def is_key_in_force(connection: AsyncConnection, key_id: int) -> bool:
    """Whether the key was not revoked, and its account is open."""
    statement = select(ApiKey.id).join(User, User.id == ApiKey.user_id)
    in_force = statement.where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None), User.is_active)
    return await connection.scalar(in_force) is not None


async def find_grant(connection: AsyncConnection, owner_id: int, digest: bytes) -> AnyRow | None:
    """What the key of this hash grants and its owner as they are now, while both are in force."""
    return await _GRANT.one_or_none(connection, digest=digest, owner_id=owner_id)
