"""`/api/v1/orders/{number}/returns`, and `/api/v1/returns` for staff."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.core.db.paging import Page, PagerDep
from app.core.http.idempotency import IDEMPOTENCY_KEY_REQUIRED, IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import ORDER_MANAGER, Buyer, OrderManager, Refunder
from app.sales.errors import AmountNotInCurrency, OrderNotFound
from app.sales.orders.deps import SeenUserDep
from app.sales.orders.schemas import OrderNumber
from app.sales.payments.deps import RequestKey
from app.sales.refunds.deps import RefundFlowDep
from app.sales.refunds.errors import PaymentInDispute, RefundExceedsCaptured, RefundExceedsLine
from app.sales.returns import queries
from app.sales.returns.deps import ReturnDays, ReturnServiceDep
from app.sales.returns.errors import (
    IllegalReturnTransition,
    OrderNotReturnable,
    ReturnExceedsDelivered,
    ReturnNotFound,
    ReturnWindowOver,
)
from app.sales.returns.schemas import (
    ReceivedIn,
    RejectionIn,
    ReturnFilter,
    ReturnIn,
    ReturnOut,
    ReturnRefundIn,
    ReturnsOut,
)
from app.sales.returns.service import ReturnService

router = APIRouter(prefix="/api/v1", tags=["returns"], route_class=IdempotentRoute)
_DECIDED = problems(ReturnNotFound, IllegalReturnTransition)


@router.post(
    "/orders/{number}/returns",
    status_code=201,
    summary="Ask to send goods back",
    response_model=ReturnOut,
    responses=problems(OrderNotFound, OrderNotReturnable, ReturnWindowOver, ReturnExceedsDelivered),
    dependencies=[IDEMPOTENT],
)
async def create_return(
    number: OrderNumber,
    wanted: ReturnIn,
    buyer: Buyer,
    days: ReturnDays,
    returns: ReturnServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Of your own order, once it is delivered and within the shop's days; then wait until it is approved."""
    return_id = await returns.request(buyer, number, wanted, days)
    location = f"/api/v1/orders/{number}/returns"
    return await read_back(partial(queries.get_return, return_id=return_id), status=201, location=location)


@router.get(
    "/orders/{number}/returns",
    summary="List an order's returns",
    response_model=ReturnsOut,
    responses=problems(OrderNotFound),
)
async def list_order_returns(number: OrderNumber, user_id: SeenUserDep, hot: HotDep) -> Response:
    """All returns of your own order, or, with `orders:manage`, of anybody's."""
    return await hot.answer_private(partial(queries.list_order_returns, number=number, user_id=user_id))


@router.get(
    "/returns",
    summary="List all returns",
    response_model=Page[ReturnOut],
    dependencies=[ORDER_MANAGER],
)
async def list_returns(query: Annotated[ReturnFilter, Query()], pager: PagerDep, hot: HotDep) -> Response:
    """A page of them, the latest first."""
    return await hot.answer_private(partial(queries.list_returns, query=query, pager=pager))


@router.post(
    "/returns/{return_id}/approve", summary="Approve a return", response_model=ReturnOut, responses=_DECIDED
)
async def approve_return(
    return_id: RowId, actor: OrderManager, returns: ReturnServiceDep, read_back: ReadBackDep
) -> Response:
    """Let the buyer send it."""
    await returns.approve(actor, return_id)
    return await read_back(partial(queries.get_return, return_id=return_id))


@router.post(
    "/returns/{return_id}/reject", summary="Reject a return", response_model=ReturnOut, responses=_DECIDED
)
async def reject_return(
    return_id: RowId,
    rejection: RejectionIn,
    actor: OrderManager,
    returns: ReturnServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Refuse it, also when it came; the buyer sees why."""
    await returns.reject(actor, return_id, rejection.note)
    return await read_back(partial(queries.get_return, return_id=return_id))


@router.post(
    "/returns/{return_id}/receive",
    summary="Take a return in",
    response_model=ReturnOut,
    responses=problems(ReturnNotFound, IllegalReturnTransition, ReturnExceedsDelivered),
)
async def receive_return(
    return_id: RowId,
    received: ReceivedIn,
    actor: OrderManager,
    returns: ReturnServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Say what came back and how. What is as new is in stock again; what is damaged stands in the ledger alone."""
    await returns.receive(actor, return_id, received)
    return await read_back(partial(queries.get_return, return_id=return_id))


@router.post(
    "/returns/{return_id}/refund",
    summary="Give money back for a return",
    response_model=ReturnOut,
    responses=problems(
        ReturnNotFound,
        IllegalReturnTransition,
        AmountNotInCurrency,
        PaymentInDispute,
        RefundExceedsCaptured,
        RefundExceedsLine,
    ),
    dependencies=[IDEMPOTENCY_KEY_REQUIRED],
)
async def refund_return(
    return_id: RowId,
    wanted: ReturnRefundIn,
    actor: Refunder,
    request_key: RequestKey,
    refunds: RefundFlowDep,
    read_back: ReadBackDep,
) -> Response:
    """Give back what was paid for the pieces that came, or another amount. Needs an `Idempotency-Key`."""
    await refunds.refund(
        lambda session, fresh_above: ReturnService.build(session).refund(
            actor, return_id, wanted, request_key, fresh_above
        )
    )
    return await read_back(partial(queries.get_return, return_id=return_id))
