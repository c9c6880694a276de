"""Reading and writing sessions, their refresh tokens, and failed logins."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, case, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.db.queries import AnyRow
from app.identity.authentication.queries import is_under_way
from app.identity.credentials.repository import end_sessions
from app.identity.models import AuthSession, LoginFailure, RefreshToken, User
from app.identity.principal import Principal
from app.identity.sessions.queries import find_locks, is_still_logged_in
from app.identity.tokens import invalid_token

GRACE = timedelta(seconds=10)
"""How long after its use a refresh token still gets siblings: of two requests at once, both go on."""
MOST_SIBLINGS = 20
MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=30)


class SessionRepository:
    """Sessions and refresh tokens of one database session."""

    def __init__(self, session: AsyncSession) -> None:
        self._db = session

    async def add(self, session: AuthSession) -> AuthSession:
        """Insert the session; its id is the database's."""
        self._db.add(session)
        await self._db.flush()
        return session

    async def flush(self) -> None:
        """Write what was changed now, not at the end."""
        await self._db.flush()

    async def lock_user(self, user_id: int) -> User | None:
        """The account, whose password and role stay as they are until the transaction ends."""
        statement = select(User).where(User.id == user_id).with_for_update(key_share=True)
        return (await self._db.scalars(statement.execution_options(populate_existing=True))).one_or_none()

    async def require_owner(self, caller: Principal) -> User:
        """The caller's account, locked as by `lock_user`. Raises InvalidToken when it, or the session or key, ended meanwhile."""
        user = await self.lock_user(caller.user_id)
        if user is None or not await is_still_logged_in(self._db, caller):
            raise invalid_token("What this request was sent with has ended; log in again.")
        return user

    async def add_refresh_token(self, session_id: UUID, token_hash: bytes, expires_at: datetime) -> None:
        """Keep a refresh token's hash."""
        self._db.add(RefreshToken(session_id=session_id, token_hash=token_hash, expires_at=expires_at))
        await self._db.flush()

    async def use_refresh_token(self, token_hash: bytes) -> UUID | None:
        """Use the token up; its session, or None when it is unknown, expired or used: one caller wins."""
        now = utc_now()
        statement = (
            update(RefreshToken)
            .where(
                RefreshToken.token_hash == token_hash,
                RefreshToken.used_at.is_(None),
                RefreshToken.expires_at > now,
            )
            .values(used_at=now)
            .returning(RefreshToken.session_id)
            .execution_options(synchronize_session=False)
        )
        return await self._db.scalar(statement)

    async def share_refresh_token(self, token_hash: bytes) -> UUID | None:
        """Count a sibling of a token that was used just now; its session, or None when it may have no more."""
        statement = (
            update(RefreshToken)
            .where(
                RefreshToken.token_hash == token_hash,
                RefreshToken.used_at > utc_now() - GRACE,
                RefreshToken.grace_uses < MOST_SIBLINGS,
            )
            .values(grace_uses=RefreshToken.grace_uses + 1)
            .returning(RefreshToken.session_id)
            .execution_options(synchronize_session=False)
        )
        return await self._db.scalar(statement)

    async def find_refresh_token(self, token_hash: bytes) -> AnyRow | None:
        """The token with its session and account, whether the session is under way and the token usable."""
        is_live = and_(User.is_active, *is_under_way())
        is_unused = and_(RefreshToken.used_at.is_(None), RefreshToken.expires_at > utc_now())
        statement = (
            select(
                RefreshToken.session_id,
                RefreshToken.used_at,
                RefreshToken.expires_at,
                RefreshToken.created_at,
                AuthSession.user_id,
                AuthSession.scopes,
                AuthSession.device,
                User.username,
                is_live.label("is_live"),
                and_(is_live, is_unused).label("is_usable"),
            )
            .join(AuthSession, AuthSession.id == RefreshToken.session_id)
            .join(User, User.id == AuthSession.user_id)
            .where(RefreshToken.token_hash == token_hash)
        )
        return (await self._db.execute(statement)).one_or_none()

    async def touch(self, session_id: UUID, ip: str) -> AnyRow | None:
        """Note a use: `user_id, scopes, expires_at, role`; None when session or account is no more."""
        statement = (
            update(AuthSession)
            .where(
                AuthSession.id == session_id,
                AuthSession.user_id == User.id,
                User.is_active,
                *is_under_way(),
            )
            .values(last_used_at=utc_now(), ip=ip)
            .returning(AuthSession.user_id, AuthSession.scopes, AuthSession.expires_at, User.role)
            .execution_options(synchronize_session=False)
        )
        return (await self._db.execute(statement)).one_or_none()

    async def has_session(self, user_id: int, device: str | None = None) -> bool:
        """Whether the account has had any session, ended or not, or any from such a device."""
        seen = exists().where(AuthSession.user_id == user_id)
        if device is not None:
            seen = seen.where(AuthSession.device == device)
        return bool(await self._db.scalar(select(seen)))

    async def end(self, session_id: UUID, user_id: int, reason: str) -> bool:
        """End the account's session; whether it was under way."""
        statement = end_sessions(reason).where(AuthSession.id == session_id, AuthSession.user_id == user_id)
        return await self._db.scalar(statement) is not None

    async def end_oldest(self, user_id: int, most: int, newest: UUID) -> Sequence[UUID]:
        """End what the account has under way beyond the `most` newest sessions, of which `newest` is one; their ids."""
        surplus = (
            select(AuthSession.id)
            .where(AuthSession.user_id == user_id, AuthSession.id != newest, *is_under_way())
            .order_by(AuthSession.created_at.desc(), AuthSession.id.desc())
            .offset(most - 1)
        )
        statement = end_sessions("too_many_sessions").where(AuthSession.id.in_(surplus))
        return (await self._db.scalars(statement)).all()

    async def add_factor(self, session_id: UUID, factor: str) -> None:
        """Let the session count as having shown the factor."""
        await self._db.execute(
            update(AuthSession)
            .where(AuthSession.id == session_id)
            .values(factors=func.array_append(AuthSession.factors, factor))
            .execution_options(synchronize_session=False)
        )

    async def renew(self, session_id: UUID, factor: str | None) -> datetime:
        """Note that the session's owner has proven who they are, by this factor beside the password; when that was."""
        now = utc_now()
        values: dict[str, object] = {"authenticated_at": now}
        if factor is not None:
            values["factors"] = func.array_append(func.array_remove(AuthSession.factors, factor), factor)
        statement = update(AuthSession).where(AuthSession.id == session_id).values(values)
        await self._db.execute(statement.execution_options(synchronize_session=False))
        return now


class FailureRepository:
    """Failed logins per client: by what was typed, and by account."""

    def __init__(self, session: AsyncSession) -> None:
        self._db = session

    async def add(self, names: Sequence[str], client: str) -> Sequence[AnyRow]:
        """Count a failure under each of these, in this order: `account, failures, locked_until`, the last if it is locked.

        Failures longer ago than a lock lasts are forgotten; during a lock nothing is added to it.
        """
        now = utc_now()
        is_locked = LoginFailure.locked_until > now
        is_over = or_(LoginFailure.last_failed_at < now - LOCKED_FOR, LoginFailure.locked_until <= now)
        count = case((is_over, 1), else_=LoginFailure.failures + 1)
        rows = [{"account": name, "client": client, "last_failed_at": now} for name in names]
        statement = (
            insert(LoginFailure)
            .values(rows)
            .on_conflict_do_update(
                index_elements=[LoginFailure.account, LoginFailure.client],
                set_={
                    "failures": count,
                    "last_failed_at": now,
                    "locked_until": case(
                        (is_locked, LoginFailure.locked_until),
                        (count >= MOST_FAILURES, now + LOCKED_FOR),
                    ),
                },
            )
        )
        columns = (LoginFailure.account, LoginFailure.failures, LoginFailure.locked_until)
        return (await self._db.execute(statement.returning(*columns))).all()

    async def find_locks(self, names: Collection[str], client: str) -> Sequence[AnyRow]:
        """`account, locked_until` of those of these that are locked for the client."""
        return await find_locks(await self._db.connection(), names, client)

    async def clear(self, names: Collection[str], client: str | None = None) -> None:
        """Forget the failures under these from this client, or from all."""
        statement = delete(LoginFailure).where(LoginFailure.account.in_(names))
        if client is not None:
            statement = statement.where(LoginFailure.client == client)
        await self._db.execute(statement.execution_options(synchronize_session=False))
