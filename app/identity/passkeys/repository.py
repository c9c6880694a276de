"""SQL of passkeys."""

from collections.abc import Sequence

from sqlalchemy import and_, delete, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.identity.models import Passkey


class PasskeyRepository:
    """The passkeys of one session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._db = session

    async def add(self, passkey: Passkey) -> Passkey:
        """Insert the passkey; one that is registered already is refused at once."""
        self._db.add(passkey)
        await self._db.flush()
        return passkey

    async def list_of(self, user_id: int) -> Sequence[Passkey]:
        """The account's passkeys, oldest first."""
        statement = select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)
        return (await self._db.scalars(statement)).all()

    async def count_of(self, user_id: int) -> int:
        """How many the account has."""
        return await self._db.scalar(select(func.count()).where(Passkey.user_id == user_id)) or 0

    async def find_by_credential(self, credential_id: bytes) -> Passkey | None:
        """The passkey with this id of its authenticator's."""
        statement = select(Passkey).where(Passkey.credential_id == credential_id)
        return (await self._db.scalars(statement)).one_or_none()

    async def rename(self, user_id: int, passkey_id: int, name: str) -> Passkey | None:
        """The account's passkey under its new name."""
        statement = (
            update(Passkey)
            .where(Passkey.id == passkey_id, Passkey.user_id == user_id)
            .values(name=name)
            .returning(Passkey)
        )
        return (await self._db.scalars(statement)).one_or_none()

    async def remove(self, user_id: int, passkey_id: int) -> str | None:
        """Delete the account's passkey; its name, or None when there was none."""
        statement = (
            delete(Passkey)
            .where(Passkey.id == passkey_id, Passkey.user_id == user_id)
            .returning(Passkey.name)
        )
        return await self._db.scalar(statement)

    async def use(self, passkey_id: int, sign_count: int) -> bool:
        """Note the use; no when the count did not rise. An authenticator that never counts says 0 for ever."""
        counts_nothing = and_(Passkey.sign_count == 0, literal(sign_count) == 0)
        statement = (
            update(Passkey)
            .where(Passkey.id == passkey_id, or_(Passkey.sign_count < sign_count, counts_nothing))
            .values(sign_count=sign_count, last_used_at=utc_now())
            .returning(Passkey.id)
            .execution_options(synchronize_session=False)
        )
        return await self._db.scalar(statement) is not None
