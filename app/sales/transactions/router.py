"""`/api/v1/orders/{number}/transactions`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.core.http.problems import problems
from app.core.http.responses import HotDep
from app.identity.authentication.deps import OrderReader
from app.sales.errors import OrderNotFound
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
    number: Annotated[str, Path(pattern=r"^ORD-\d{8}$", examples=["ORD-00000042"])],
    reader: OrderReader,
    hot: HotDep,
) -> Response:
    """Payments that were captured and refunds that went out, of one's own order or, for staff, of anybody's."""
    return await hot.answer_private(partial(queries.list_transactions, number=number, reader=reader))
