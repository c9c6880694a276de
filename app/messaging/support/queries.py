"""Reads what was written about an order."""

from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.db.paging import Pager
from app.core.db.queries import find_page
from app.core.db.sorting import Order as SortOrder
from app.core.http.responses import ReadResult
from app.messaging.support.models import SupportMessage
from app.messaging.support.schemas import Author, OfOneOrder, SupportMessageOut
from app.sales.errors import no_order
from app.sales.models import Order

_AUTHOR = case((SupportMessage.is_staff, Author.STAFF.value), else_=Author.BUYER.value).label("author")
_COLUMNS = (SupportMessage.id, _AUTHOR, SupportMessage.content, SupportMessage.created_at)


async def find_order(
    connection: AsyncConnection | AsyncSession, number: str, user_id: int | None
) -> tuple[int, int | None]:
    """Id and buyer of the order; with `user_id` only if it is theirs. Raises OrderNotFound."""
    wanted = select(Order.id, Order.user_id).where(Order.number == number)
    if user_id is not None:
        wanted = wanted.where(Order.user_id == user_id)
    row = (await connection.execute(wanted)).one_or_none()
    if row is None:
        raise no_order(number)
    return row[0], row[1]


async def list_messages(connection: AsyncConnection, query: OfOneOrder, pager: Pager) -> ReadResult:
    """Read one page of what was written about the order, the latest first. Raises OrderNotFound, InvalidCursor."""
    order_id, _ = await find_order(connection, query.number, query.user_id)
    window = pager.window(query)
    matching = select(SupportMessage.id).where(SupportMessage.order_id == order_id)
    order = SortOrder.by(["-created_at"], {"created_at": SupportMessage.created_at}, SupportMessage.id)
    found = await find_page(connection, matching, order, window, _COLUMNS)
    messages = [SupportMessageOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, messages), found.snapshot)
