"""What the router of shipping methods asks for."""

from typing import Annotated

from fastapi import Depends

from app.core.db.transaction import SessionDep
from app.core.errors import refuses
from app.sales.shipping.errors import ShippingCodeTaken, ShippingMethodNotFound
from app.sales.shipping.service import ShippingMethodService


@refuses(ShippingMethodNotFound, where=lambda use: use.method != "POST")
@refuses(ShippingCodeTaken, where=lambda use: use.method != "DELETE")
async def get_shipping_method_service(session: SessionDep) -> ShippingMethodService:
    """Shipping methods on the request's transaction."""
    return ShippingMethodService.build(session)


ShippingMethodServiceDep = Annotated[
    ShippingMethodService, Depends(get_shipping_method_service, scope="function")
]
