"""Keeping address books, in which exactly one address is the primary one."""

from collections.abc import Sequence
from typing import Self

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldProblem
from app.core.http.conditional import Precondition
from app.sales.addresses.errors import InvalidAddress, TooManyAddresses, no_address
from app.sales.addresses.repository import AddressRepository
from app.sales.addresses.schemas import Address, AddressIn, AddressPatch
from app.sales.models import SavedAddress

MOST_ADDRESSES = 50


class AddressService:
    """Keeps the address book of one account at a time."""

    def __init__(self, addresses: AddressRepository) -> None:
        self._addresses = addresses

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(AddressRepository(session))

    async def create(self, owner_id: int, request: AddressIn) -> int:
        """Add an address; the first one is the primary one. Its id. Raises TooManyAddresses."""
        book = await self._addresses.lock_all(owner_id)
        if len(book) >= MOST_ADDRESSES:
            raise TooManyAddresses(f"An account has at most {MOST_ADDRESSES} addresses; delete one first.")
        is_primary = request.is_primary or not book
        if is_primary:
            await self._demote(book)
        fields = request.model_dump(exclude={"is_primary"})
        address = SavedAddress(user_id=owner_id, is_primary=is_primary, **fields)
        await self._addresses.add(address)
        return address.id

    async def replace(
        self, owner_id: int, address_id: int, precondition: Precondition, request: AddressIn
    ) -> None:
        """Set every field. Raises AddressNotFound, StaleVersion."""
        book, address = await self._lock(owner_id, address_id, precondition)
        await self._set(book, address, request)

    async def change(
        self, owner_id: int, address_id: int, precondition: Precondition, patch: AddressPatch
    ) -> None:
        """Set what was sent, if the whole is an address then. Raises AddressNotFound, StaleVersion, InvalidAddress."""
        book, address = await self._lock(owner_id, address_id, precondition)
        present = Address.model_validate(address).model_dump()
        try:
            whole = AddressIn.model_validate({**present, **patch.sent()})
        except ValidationError as invalid:
            raise _refusal(invalid) from invalid
        await self._set(book, address, whole)

    async def make_primary(self, owner_id: int, address_id: int, precondition: Precondition) -> None:
        """Make it the account's primary address instead of another one. Raises AddressNotFound, StaleVersion."""
        book, address = await self._lock(owner_id, address_id, precondition)
        await self._promote(book, address)

    async def delete(self, owner_id: int, address_id: int, precondition: Precondition) -> None:
        """Delete it; instead of the primary one the latest other becomes that. Raises AddressNotFound, StaleVersion."""
        book, address = await self._lock(owner_id, address_id, precondition)
        others = [other for other in book if other is not address]
        await self._addresses.delete(address)
        if address.is_primary and others:
            await self._addresses.set_primary(others[-1], is_primary=True)

    async def _lock(
        self, owner_id: int, address_id: int, precondition: Precondition
    ) -> tuple[Sequence[SavedAddress], SavedAddress]:
        book = await self._addresses.lock_all(owner_id)
        address = next((one for one in book if one.id == address_id), None)
        if address is None:
            raise no_address(address_id)
        precondition.check(address.version)
        return book, address

    async def _set(self, book: Sequence[SavedAddress], address: SavedAddress, request: AddressIn) -> None:
        for name, value in request.model_dump(exclude={"is_primary"}).items():
            setattr(address, name, value)
        await self._addresses.flush()
        if request.is_primary:
            await self._promote(book, address)

    async def _promote(self, book: Sequence[SavedAddress], address: SavedAddress) -> None:
        if not address.is_primary:
            await self._demote(book)
            await self._addresses.set_primary(address, is_primary=True)

    async def _demote(self, book: Sequence[SavedAddress]) -> None:
        for primary in book:
            if primary.is_primary:
                await self._addresses.set_primary(primary, is_primary=False)


def _refusal(invalid: ValidationError) -> InvalidAddress:
    errors: list[FieldProblem] = [
        {
            "field": str(error["loc"][0]),
            "message": error["msg"].removeprefix("Value error, "),
            "type": error["type"],
        }
        for error in invalid.errors(include_url=False)
    ]
    told = "; ".join(f"{error['field']}: {error['message']}" for error in errors)
    return InvalidAddress(f"With this change it would be no address: {told}.", errors=errors)
