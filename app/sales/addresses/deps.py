"""What the router of addresses asks for."""

from typing import Annotated

from fastapi import Depends

from app.core.db.transaction import SessionDep
from app.core.errors import refuses
from app.sales.addresses.errors import AddressNotFound, TooManyAddresses
from app.sales.addresses.service import AddressService


@refuses(TooManyAddresses, where=lambda use: use.method == "POST")
@refuses(AddressNotFound, where=lambda use: use.method != "POST")
async def get_address_service(session: SessionDep) -> AddressService:
    """Address books on the request's transaction."""
    return AddressService.build(session)


AddressServiceDep = Annotated[AddressService, Depends(get_address_service, scope="function")]
