"""Reading sessions, secrets and locks."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.clock import utc_now
from app.core.db.queries import AnyRow
from app.identity.authentication.queries import find_live_session, is_key_in_force, is_under_way
from app.identity.emails import login_key
from app.identity.models import AuthSession, LoginFailure, TotpSecret, User
from app.identity.principal import Principal
from app.identity.sessions.schemas import SessionOut

MOST_LISTED = 100


async def list_sessions(db: AsyncSession, user_id: int, current: str | None) -> list[SessionOut]:
    """The account's sessions under way, last used first; `current` is the id of the caller's."""
    statement = (
        select(AuthSession)
        .where(AuthSession.user_id == user_id, *is_under_way())
        .order_by(AuthSession.last_used_at.desc(), AuthSession.id.desc())
        .limit(MOST_LISTED)
    )
    return [
        SessionOut(
            id=session.id,
            device=session.device,
            ip=session.ip,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            current=str(session.id) == current,
        )
        for session in await db.scalars(statement)
    ]


async def is_still_logged_in(db: AsyncSession, caller: Principal) -> bool:
    """Whether the caller's session or API key, and account, go on since they were let in.

    To be asked once the account is locked: what takes an account back keeps that lock until it commits, and a request
    that waited for it must not leave anything behind.
    """
    connection = await db.connection()
    if caller.api_key_id is not None:
        return await is_key_in_force(connection, caller.api_key_id)
    return await find_live_session(connection, UUID(caller.session_id), caller.user_id) is not None


async def has_totp(db: AsyncSession, user_id: int) -> bool:
    """Whether logins of this account need a code."""
    statement = select(TotpSecret.user_id).where(
        TotpSecret.user_id == user_id, TotpSecret.confirmed_at.is_not(None)
    )
    return await db.scalar(statement) is not None


async def find_secret_by_login(connection: AsyncConnection, login: str, ip: str) -> AnyRow | None:
    """`id, password_hash, knows_client` of the account with this user name or e-mail address."""
    key = login_key(login)
    statement = _secret(ip).where(or_(User.username == key, User.email_key == key))
    return (await connection.execute(statement)).one_or_none()


async def find_secret(connection: AsyncConnection, user_id: int, ip: str) -> AnyRow | None:
    """`id, password_hash, knows_client` of the account."""
    return (await connection.execute(_secret(ip).where(User.id == user_id))).one_or_none()


async def find_locks(connection: AsyncConnection, names: Collection[str], client: str) -> Sequence[AnyRow]:
    """`account, locked_until` of those of these that are locked for the client."""
    statement = select(LoginFailure.account, LoginFailure.locked_until).where(
        LoginFailure.account.in_(names),
        LoginFailure.client == client,
        LoginFailure.locked_until > utc_now(),
    )
    return (await connection.execute(statement)).all()


def _secret(ip: str) -> Any:
    knows_client = exists().where(AuthSession.user_id == User.id, AuthSession.ip == ip)
    return select(User.id, User.password_hash, knows_client.label("knows_client"))
