"""`/api/v1/orders/{number}/transactions`."""

from functools import partial

from fastapi import APIRouter, Response

from app.core.http.problems import problems
from app.core.http.responses import HotDep
from app.sales.errors import OrderNotFound
from app.sales.orders.deps import SeenUserDep
from app.sales.orders.schemas import OrderNumber
from app.sales.transactions import queries
from app.sales.transactions.schemas import TransactionsOut

router = APIRouter(prefix="/api/v1/orders/{number}", tags=["orders"])


@router.get(
    "/transactions",
    summary="List an order's transactions",
    response_model=TransactionsOut,
    responses=problems(OrderNotFound),
)
async def list_transactions(
    number: OrderNumber,
    user_id: SeenUserDep,
    hot: HotDep,
) -> Response:
    """Payments that were captured and refunds that went out, of one's own order or, for staff, of anybody's."""
    return await hot.answer_private(partial(queries.list_transactions, number=number, user_id=user_id))
