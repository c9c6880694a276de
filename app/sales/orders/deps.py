"""What the router of orders asks for."""

from typing import Annotated

from fastapi import Depends

from app.core.db.transaction import SessionDep
from app.core.errors import refuses
from app.identity.authentication.deps import OrderReader
from app.sales.errors import OrderNotFound
from app.sales.orders.reorders import ReorderService
from app.sales.orders.service import OrderService, seen_user


@refuses(OrderNotFound)
async def get_order_service(session: SessionDep) -> OrderService:
    """Orders on the request's transaction."""
    return OrderService.build(session)


async def get_seen_user(caller: OrderReader) -> int | None:
    """Whose orders the caller sees: their own; None for staff, who see all."""
    return seen_user(caller)


@refuses(OrderNotFound)
async def get_reorders(session: SessionDep) -> ReorderService:
    """Ordering again, on the request's transaction."""
    return ReorderService.build(session)


OrderServiceDep = Annotated[OrderService, Depends(get_order_service, scope="function")]
ReorderDep = Annotated[ReorderService, Depends(get_reorders, scope="function")]
SeenUserDep = Annotated[int | None, Depends(get_seen_user)]
