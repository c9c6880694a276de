"""`/api/v1/users/me/addresses`: one's own address book."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.core.db.paging import Page, PagerDep
from app.core.http.conditional import PreconditionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import ProfileEditor, ProfileReader
from app.sales.addresses import queries
from app.sales.addresses.deps import AddressServiceDep
from app.sales.addresses.errors import AddressNotFound, InvalidAddress
from app.sales.addresses.schemas import AddressFilter, AddressIn, AddressOut, AddressPatch

router = APIRouter(prefix="/api/v1/users/me/addresses", tags=["addresses"], route_class=IdempotentRoute)


@router.get("", summary="List one's addresses", response_model=Page[AddressOut])
async def list_addresses(
    query: Annotated[AddressFilter, Query()], owner: ProfileReader, pager: PagerDep, hot: HotDep
) -> Response:
    """A page of one's own addresses: the primary one, then the latest first."""
    return await hot.answer_private(
        partial(queries.list_addresses, user_id=owner.user_id, query=query, pager=pager)
    )


@router.post(
    "", status_code=201, summary="Add an address", response_model=AddressOut, dependencies=[IDEMPOTENT]
)
async def create_address(
    address: AddressIn, owner: ProfileEditor, addresses: AddressServiceDep, read_back: ReadBackDep
) -> Response:
    """Add an address; the first is the primary one, at most 50 are kept.

    Names of states become codes where there are codes, and cities in one case get title case. One for
    shipping is no PO box.
    """
    address_id = await addresses.create(owner.user_id, address)
    read = partial(queries.get_address, user_id=owner.user_id, address_id=address_id)
    return await read_back(read, status=201, location=f"/api/v1/users/me/addresses/{address_id}")


@router.get(
    "/{address_id}",
    summary="Read one's address",
    response_model=AddressOut,
    responses=problems(AddressNotFound),
)
async def get_address(address_id: RowId, owner: ProfileReader, hot: HotDep) -> Response:
    """One of one's own addresses. Sends an ETag for `If-Match`."""
    return await hot.answer_private(
        partial(queries.get_address, user_id=owner.user_id, address_id=address_id)
    )


@router.put("/{address_id}", summary="Replace one's address", response_model=AddressOut)
async def replace_address(
    address_id: RowId,
    address: AddressIn,
    owner: ProfileEditor,
    precondition: PreconditionDep,
    addresses: AddressServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set every field; what is left out becomes empty. Orders keep the address that they were made with."""
    await addresses.replace(owner.user_id, address_id, precondition, address)
    return await read_back(partial(queries.get_address, user_id=owner.user_id, address_id=address_id))


@router.patch(
    "/{address_id}",
    summary="Change one's address",
    response_model=AddressOut,
    responses=problems(InvalidAddress),
)
async def change_address(
    address_id: RowId,
    patch: AddressPatch,
    owner: ProfileEditor,
    precondition: PreconditionDep,
    addresses: AddressServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set only what is sent; null empties a field that may be empty. The whole must be an address afterwards."""
    await addresses.change(owner.user_id, address_id, precondition, patch)
    return await read_back(partial(queries.get_address, user_id=owner.user_id, address_id=address_id))


@router.put("/{address_id}/primary", summary="Make an address the primary one", response_model=AddressOut)
async def make_address_primary(
    address_id: RowId,
    owner: ProfileEditor,
    precondition: PreconditionDep,
    addresses: AddressServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Start with this address from now on; the one that was the primary one is no longer."""
    await addresses.make_primary(owner.user_id, address_id, precondition)
    return await read_back(partial(queries.get_address, user_id=owner.user_id, address_id=address_id))


@router.delete("/{address_id}", status_code=204, summary="Delete one's address")
async def delete_address(
    address_id: RowId, owner: ProfileEditor, precondition: PreconditionDep, addresses: AddressServiceDep
) -> None:
    """Delete an address; instead of the primary one the latest other becomes that. Orders keep their copies."""
    await addresses.delete(owner.user_id, address_id, precondition)
