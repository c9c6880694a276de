"""Reads the addresses of accounts."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, SQLColumnExpression, bindparam, cast, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.paging import Pager
from app.core.db.queries import AnyRow, find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult, version_etag
from app.sales.addresses.errors import no_address
from app.sales.addresses.schemas import Address, AddressFilter, AddressOut
from app.sales.models import SavedAddress

_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    SavedAddress.id,
    SavedAddress.full_name,
    SavedAddress.street_line_1,
    SavedAddress.street_line_2,
    SavedAddress.city,
    SavedAddress.state,
    SavedAddress.zip_code,
    SavedAddress.country,
    SavedAddress.phone,
    SavedAddress.address_type,
    SavedAddress.is_primary,
    SavedAddress.version,
    SavedAddress.created_at,
    SavedAddress.updated_at,
)
_ADDRESS = select(*_COLUMNS, snapshot_text).where(
    SavedAddress.user_id == bindparam("user"), SavedAddress.id == bindparam("address")
)
_PRIMARY_FIRST = Order.by(
    ("-is_primary",), {"is_primary": cast(SavedAddress.is_primary, Integer)}, SavedAddress.id
)


async def get_own_address(connection: AsyncConnection, user_id: int, address_id: int) -> Address:
    """The account's address, for an order to copy. Raises AddressNotFound."""
    return Address.model_validate(await _find(connection, user_id, address_id))


async def get_address(connection: AsyncConnection, user_id: int, address_id: int) -> ReadResult:
    """One address of the account. Raises AddressNotFound."""
    row = await _find(connection, user_id, address_id)
    address = AddressOut.model_validate(row)
    return ReadResult(address, row.snapshot, version_etag(address.version))


async def list_addresses(
    connection: AsyncConnection, user_id: int, query: AddressFilter, pager: Pager
) -> ReadResult:
    """One page of the account's addresses, the primary one first. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(SavedAddress.id).where(SavedAddress.user_id == user_id)
    found = await find_page(connection, matching, _PRIMARY_FIRST, window, _COLUMNS)
    addresses = [AddressOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, addresses), found.snapshot)


async def _find(connection: AsyncConnection, user_id: int, address_id: int) -> AnyRow:
    row = (await connection.execute(_ADDRESS, {"user": user_id, "address": address_id})).one_or_none()
    if row is None:
        raise no_address(address_id)
    return row
