"""`/api/v1/orders`, the same under `/users/me/orders`, and `/admin/orders`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.core.db.paging import Page, PagerDep
from app.core.http.idempotency import IDEMPOTENCY_KEY_REQUIRED, IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.identity.authentication.deps import ORDER_MANAGER, Buyer, OrderManager, OrderReader
from app.sales.cart.deps import Currency
from app.sales.cart.queries import read_cart
from app.sales.cart.schemas import CartOut
from app.sales.cart.service import account_cart
from app.sales.errors import OrderNotFound
from app.sales.inventory.errors import InsufficientStock
from app.sales.orders import queries
from app.sales.orders.deps import OrderServiceDep, ReorderDep, SeenUserDep
from app.sales.orders.errors import IllegalTransition, NothingToShip, NotYetOnSale, WrongPickupCode
from app.sales.orders.schemas import (
    NoteIn,
    OrderFilter,
    OrderNumber,
    OrderOut,
    OrderTimelineOut,
    PickupIn,
    ShipmentIn,
    StaffOrderFilter,
)

router = APIRouter(prefix="/api/v1", tags=["orders"], route_class=IdempotentRoute)
Filters = Annotated[OrderFilter, Query()]


@router.get("/orders", summary="List one's own orders", response_model=Page[OrderOut])
async def list_orders(query: Filters, caller: OrderReader, pager: PagerDep, hot: HotDep) -> Response:
    """A page of the caller's orders, the latest first unless `sort` says otherwise."""
    own = StaffOrderFilter.model_validate({**query.model_dump(), "user_id": caller.user_id})
    return await hot.answer_private(partial(queries.list_orders, query=own, pager=pager))


@router.get("/users/me/orders", summary="List one's own orders", response_model=Page[OrderOut])
async def list_account_orders(query: Filters, caller: OrderReader, pager: PagerDep, hot: HotDep) -> Response:
    """As `GET /orders`."""
    return await list_orders(query, caller, pager, hot)


@router.get(
    "/admin/orders",
    summary="List everybody's orders",
    response_model=Page[OrderOut],
    dependencies=[ORDER_MANAGER],
)
async def list_all_orders(
    query: Annotated[StaffOrderFilter, Query()], pager: PagerDep, hot: HotDep
) -> Response:
    """A page of all orders, also those sold at the counter."""
    return await hot.answer_private(partial(queries.list_orders, query=query, pager=pager))


@router.get(
    "/orders/{number}", summary="Read an order", response_model=OrderOut, responses=problems(OrderNotFound)
)
async def get_order(number: OrderNumber, user_id: SeenUserDep, hot: HotDep) -> Response:
    """One of the caller's orders; staff read anybody's."""
    return await hot.answer_private(partial(queries.get_order, number=number, user_id=user_id))


@router.get(
    "/users/me/orders/{number}",
    summary="Read one of one's own orders",
    response_model=OrderOut,
    responses=problems(OrderNotFound),
)
async def get_account_order(number: OrderNumber, caller: OrderReader, hot: HotDep) -> Response:
    """As `GET /orders/{number}`, of the caller's own alone."""
    return await hot.answer_private(partial(queries.get_order, number=number, user_id=caller.user_id))


@router.get(
    "/orders/{number}/timeline",
    summary="Read what happened to an order",
    response_model=OrderTimelineOut,
    responses=problems(OrderNotFound),
)
async def get_order_timeline(number: OrderNumber, user_id: SeenUserDep, hot: HotDep) -> Response:
    """What happened, the first first, and what may be done with it now. Buyers see what is public."""
    return await hot.answer_private(partial(queries.get_timeline, number=number, user_id=user_id))


@router.post(
    "/orders/{number}/cancel",
    summary="Cancel an order",
    response_model=OrderOut,
    responses=problems(IllegalTransition),
    dependencies=[IDEMPOTENT],
)
async def cancel_order(
    number: OrderNumber, caller: Buyer, orders: OrderServiceDep, read_back: ReadBackDep
) -> Response:
    """Call it off, before anything of it was sent: stock and discounts are free again, what was paid goes back.

    Buyers cancel their own, staff anybody's.
    """
    await orders.cancel(caller, number)
    return await read_back(partial(queries.get_order, number=number))


@router.post(
    "/orders/{number}/reorder",
    summary="Order the same again",
    response_model=CartOut,
    dependencies=[IDEMPOTENT],
)
async def reorder(
    number: OrderNumber, caller: Buyer, reorders: ReorderDep, currency: Currency, read_back: ReadBackDep
) -> Response:
    """Put what the order had into the cart, at today's prices. What is gone or not for sale is told in `warnings`."""
    await reorders.fill_cart(caller, number)
    return await read_back(partial(read_cart, owner=account_cart(caller.user_id), currency=currency))


@router.post(
    "/orders/{number}/ship",
    summary="Send a parcel",
    response_model=OrderOut,
    responses=problems(IllegalTransition, NothingToShip, NotYetOnSale, InsufficientStock),
    dependencies=[IDEMPOTENCY_KEY_REQUIRED],
)
async def ship_order(
    number: OrderNumber,
    shipment: ShipmentIn,
    actor: OrderManager,
    orders: OrderServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Send what `lines` names, or all that is left; the stock goes with it. Needs an `Idempotency-Key`."""
    await orders.ship(actor, number, shipment)
    return await read_back(partial(queries.get_order, number=number))


@router.post(
    "/orders/{number}/deliver",
    summary="Note that an order arrived",
    response_model=OrderOut,
    responses=problems(IllegalTransition),
    dependencies=[IDEMPOTENT],
)
async def deliver_order(
    number: OrderNumber, actor: OrderManager, orders: OrderServiceDep, read_back: ReadBackDep
) -> Response:
    """Note that everything is with the buyer: the time for returns begins."""
    await orders.deliver(actor, number)
    return await read_back(partial(queries.get_order, number=number))


@router.post(
    "/orders/{number}/ready",
    summary="Lay an order out for its buyer",
    response_model=OrderOut,
    responses=problems(IllegalTransition, NotYetOnSale),
    dependencies=[IDEMPOTENT],
)
async def make_order_ready(
    number: OrderNumber, actor: OrderManager, orders: OrderServiceDep, read_back: ReadBackDep
) -> Response:
    """Of a paid order that its buyer collects: it lies ready, and the buyer is told the code to show."""
    await orders.make_ready(actor, number)
    return await read_back(partial(queries.get_order, number=number))


@router.post(
    "/orders/{number}/pick-up",
    summary="Hand an order over",
    response_model=OrderOut,
    responses=problems(IllegalTransition, WrongPickupCode, NothingToShip, NotYetOnSale, InsufficientStock),
    dependencies=[IDEMPOTENT],
)
async def pick_up_order(
    number: OrderNumber,
    pickup: PickupIn,
    actor: OrderManager,
    orders: OrderServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Hand it over to whoever shows its code, in any case: its stock leaves, and it is delivered."""
    await orders.pick_up(actor, number, pickup.code)
    return await read_back(partial(queries.get_order, number=number))


@router.post(
    "/orders/{number}/notes",
    status_code=201,
    summary="Annotate an order",
    response_model=OrderTimelineOut,
    dependencies=[IDEMPOTENT],
)
async def annotate_order(
    number: OrderNumber, note: NoteIn, actor: OrderManager, orders: OrderServiceDep, read_back: ReadBackDep
) -> Response:
    """Write a note into the timeline; buyers see it only if it is public."""
    await orders.annotate(actor, number, note)
    return await read_back(partial(queries.get_timeline, number=number), status=201)
