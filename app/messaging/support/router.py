"""`/api/v1/orders/{number}/messages`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.core.db.paging import Page, PagerDep
from app.core.http.problems import problems
from app.core.http.responses import HotDep
from app.messaging.support.queries import list_messages
from app.messaging.support.schemas import OfOneOrder, SupportMessageFilter, SupportMessageOut
from app.sales.errors import OrderNotFound
from app.sales.orders.deps import SeenUserDep
from app.sales.orders.schemas import OrderNumber

router = APIRouter(prefix="/api/v1", tags=["orders"])


@router.get(
    "/orders/{number}/messages",
    summary="Read what was written about an order",
    response_model=Page[SupportMessageOut],
    responses=problems(OrderNotFound),
)
async def list_order_messages(
    number: OrderNumber,
    query: Annotated[SupportMessageFilter, Query()],
    user_id: SeenUserDep,
    pager: PagerDep,
    hot: HotDep,
) -> Response:
    """A page of what its buyer and staff wrote to each other on the channel `support:{number}`, the latest first."""
    bound = OfOneOrder.model_validate({**query.model_dump(), "number": number, "user_id": user_id})
    return await hot.answer_private(partial(list_messages, query=bound, pager=pager))
