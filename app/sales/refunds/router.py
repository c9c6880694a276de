"""`/api/v1/orders/{number}/refunds`."""

from functools import partial

from fastapi import APIRouter, Response

from app.core.http.idempotency import IDEMPOTENCY_KEY_REQUIRED, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.identity.authentication.deps import Refunder
from app.sales.errors import AmountNotInCurrency, OrderNotFound
from app.sales.orders.deps import SeenUserDep
from app.sales.orders.schemas import OrderNumber
from app.sales.payments.deps import RequestKey
from app.sales.refunds import queries
from app.sales.refunds.deps import RefundFlowDep
from app.sales.refunds.errors import PaymentInDispute, RefundExceedsCaptured, RefundExceedsLine
from app.sales.refunds.schemas import RefundIn, RefundOut, RefundsOut
from app.sales.refunds.service import RefundService

router = APIRouter(prefix="/api/v1", tags=["payments"], route_class=IdempotentRoute)


@router.post(
    "/orders/{number}/refunds",
    status_code=201,
    summary="Give money back",
    response_model=RefundOut,
    responses=problems(AmountNotInCurrency, PaymentInDispute, RefundExceedsCaptured, RefundExceedsLine),
    dependencies=[IDEMPOTENCY_KEY_REQUIRED],
)
async def create_refund(
    number: OrderNumber,
    refund: RefundIn,
    actor: Refunder,
    request_key: RequestKey,
    refunds: RefundFlowDep,
    read_back: ReadBackDep,
) -> Response:
    """Give back an amount, or what was paid for pieces of lines, the way it came, and never more than is left of it.

    `pending` is carried out as soon as the provider answers. Large amounts need a proof of who you are that is some
    minutes old at most. Needs an `Idempotency-Key`: nothing is given back twice.
    """
    refund_id = await refunds.refund(
        lambda session, fresh_above: RefundService.build(session).start(
            actor, number, refund, request_key, fresh_above
        )
    )
    location = f"/api/v1/orders/{number}/refunds"
    return await read_back(partial(queries.get_refund, refund_id=refund_id), status=201, location=location)


@router.get(
    "/orders/{number}/refunds",
    summary="List an order's refunds",
    response_model=RefundsOut,
    responses=problems(OrderNotFound),
)
async def list_refunds(number: OrderNumber, user_id: SeenUserDep, hot: HotDep) -> Response:
    """All refunds of your own order, or, with `orders:manage`, of anybody's; and what is left to give back."""
    return await hot.answer_private(partial(queries.list_refunds, number=number, user_id=user_id))
