"""Writes the addresses of accounts."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.models import User
from app.sales.models import SavedAddress


class AddressRepository:
    """Locks and writes one account's addresses."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock_all(self, owner_id: int) -> Sequence[SavedAddress]:
        """The account's addresses, the oldest first, which nobody else writes until the transaction ends.

        The account itself is locked, since a new address has no row that could be.
        """
        await self._session.execute(
            select(User.id).where(User.id == owner_id).with_for_update(key_share=True)
        )
        theirs = select(SavedAddress).where(SavedAddress.user_id == owner_id).order_by(SavedAddress.id)
        return (await self._session.scalars(theirs)).all()

    async def add(self, address: SavedAddress) -> None:
        """Insert the address, so that its id is known."""
        self._session.add(address)
        await self._session.flush()

    async def flush(self) -> None:
        """Write what changed."""
        await self._session.flush()

    async def set_primary(self, address: SavedAddress, *, is_primary: bool) -> None:
        """Write it at once: the index allows one primary address at a time."""
        address.is_primary = is_primary
        await self._session.flush()

    async def delete(self, address: SavedAddress) -> None:
        """Delete the address."""
        await self._session.delete(address)
        await self._session.flush()
