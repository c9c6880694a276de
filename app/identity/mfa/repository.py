"""SQL of second factors, and of how often they were tried."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.db.queries import AnyRow
from app.identity.models import AttemptCount, Passkey, RecoveryCode, TotpSecret

_PURGED_AT_ONCE = 100


class SecondFactorRepository:
    """The second factors of one session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._db = session

    async def find_totp(self, user_id: int) -> TotpSecret | None:
        """The account's TOTP secret, confirmed or not."""
        statement = select(TotpSecret).where(TotpSecret.user_id == user_id)
        return (await self._db.scalars(statement)).one_or_none()

    async def get_state(self, user_id: int) -> AnyRow:
        """`totp_enabled_at, recovery_codes_left, passkeys` of the account."""
        codes = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
        passkeys = select(func.count()).where(Passkey.user_id == user_id)
        totp = select(TotpSecret.confirmed_at).where(TotpSecret.user_id == user_id)
        statement = select(
            totp.scalar_subquery().label("totp_enabled_at"),
            codes.scalar_subquery().label("recovery_codes_left"),
            passkeys.scalar_subquery().label("passkeys"),
        )
        return (await self._db.execute(statement)).one()

    async def enrol(self, user_id: int, sealed: str) -> bool:
        """Keep a secret that waits for its first code, in place of an older one; no when one is confirmed."""
        fresh = {"secret": sealed, "created_at": utc_now(), "last_step": 0}
        statement = (
            upsert(TotpSecret)
            .values(user_id=user_id, **fresh)
            .on_conflict_do_update(
                index_elements=[TotpSecret.user_id], set_=fresh, where=TotpSecret.confirmed_at.is_(None)
            )
            .returning(TotpSecret.user_id)
        )
        return await self._db.scalar(statement) is not None

    async def confirm(self, totp: TotpSecret, step: int) -> bool:
        """Turn this very secret on with its first code; no when it is on already or was replaced."""
        statement = (
            update(TotpSecret)
            .where(
                TotpSecret.user_id == totp.user_id,
                TotpSecret.secret == totp.secret,
                TotpSecret.confirmed_at.is_(None),
            )
            .values(confirmed_at=utc_now(), last_step=step)
            .returning(TotpSecret.user_id)
        )
        return await self._db.scalar(statement) is not None

    async def use_step(self, totp: TotpSecret, step: int) -> bool:
        """Use up every step until this one; no when this one was used before."""
        statement = (
            update(TotpSecret)
            .where(
                TotpSecret.user_id == totp.user_id,
                TotpSecret.secret == totp.secret,
                TotpSecret.confirmed_at.is_not(None),
                TotpSecret.last_step < step,
            )
            .values(last_step=step)
            .returning(TotpSecret.user_id)
            .execution_options(synchronize_session=False)
        )
        return await self._db.scalar(statement) is not None

    async def replace_codes(self, user_id: int, hashes: Iterable[bytes]) -> None:
        """These recovery codes, and none of the older ones."""
        await self._db.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
        rows = [{"user_id": user_id, "code_hash": code_hash} for code_hash in hashes]
        await self._db.execute(insert(RecoveryCode), rows)

    async def use_code(self, user_id: int, code_hash: bytes) -> bool:
        """Use up a recovery code; no when there is none such or it was used before."""
        statement = (
            update(RecoveryCode)
            .where(
                RecoveryCode.user_id == user_id,
                RecoveryCode.code_hash == code_hash,
                RecoveryCode.used_at.is_(None),
            )
            .values(used_at=utc_now())
            .returning(RecoveryCode.id)
        )
        return await self._db.scalar(statement) is not None


class AttemptRepository:
    """Counts tries in PostgreSQL. The row stays locked until the transaction ends: tries queue up."""

    def __init__(self, session: AsyncSession) -> None:
        self._db = session

    async def take(self, key: bytes, limit: int, until: datetime) -> int | None:
        """Count a try under the key: the how manieth it is, or None when `limit` of them were counted.

        A count ends at the `until` of its first try.
        """
        is_over = AttemptCount.expires_at <= utc_now()
        fresh = {"tries": 1, "expires_at": until}
        counted: dict[str, ColumnElement[int] | ColumnElement[datetime]] = {
            "tries": case((is_over, 1), else_=AttemptCount.tries + 1),
            "expires_at": case((is_over, until), else_=AttemptCount.expires_at),
        }
        statement = (
            upsert(AttemptCount)
            .values(key=key, **fresh)
            .on_conflict_do_update(
                index_elements=[AttemptCount.key],
                set_=counted,
                where=or_(is_over, AttemptCount.tries < limit),
            )
            .returning(AttemptCount.tries)
        )
        tries = await self._db.scalar(statement)
        await self._purge()
        return tries

    async def use_up(self, key: bytes, limit: int) -> None:
        """Let no further try be counted under the key."""
        await self._db.execute(update(AttemptCount).where(AttemptCount.key == key).values(tries=limit))

    async def forget(self, key: bytes) -> None:
        """Begin to count anew."""
        await self._db.execute(delete(AttemptCount).where(AttemptCount.key == key))

    async def find_end(self, key: bytes) -> datetime | None:
        """When the count under the key ends."""
        statement = select(AttemptCount.expires_at).where(AttemptCount.key == key)
        return await self._db.scalar(statement)

    async def _purge(self) -> None:
        # Locked rows are passed over: two transactions that purge never wait for each other.
        old = (
            select(AttemptCount.key)
            .where(AttemptCount.expires_at < utc_now() - timedelta(hours=1))
            .limit(_PURGED_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        await self._db.execute(
            delete(AttemptCount).where(AttemptCount.key.in_(old)).execution_options(synchronize_session=False)
        )
