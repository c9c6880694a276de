"""`/items/{item_id}/prices`, `/price-changes` and `/price-schedules`: prices over time."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.catalog.books.errors import BookNotFound
from app.catalog.cache_groups import ITEM
from app.catalog.goods.errors import ItemNotFound, NotYourItem
from app.catalog.goods.schemas import ItemKind
from app.catalog.prices import queries
from app.catalog.prices.deps import PriceScheduleServiceDep
from app.catalog.prices.errors import (
    PriceScheduleInPast,
    PriceScheduleNotFound,
    PriceSchedulesOverlap,
    PriceScheduleStarted,
    TooManyPriceSchedules,
)
from app.catalog.prices.schemas import (
    PriceChangeOut,
    PriceHistory,
    PriceQuery,
    PriceScheduleIn,
    PriceScheduleOut,
    PriceSchedulePatch,
    PriceScheduleQuery,
)
from app.core.db.paging import ListQuery, Page, PagerDep
from app.core.http.conditional import PreconditionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import Seller

router = APIRouter(prefix="/api/v1", tags=["prices"], route_class=IdempotentRoute)

_OWN = (ItemNotFound, NotYourItem)


@dataclass(frozen=True, slots=True)
class ScheduleName:
    """Where a planned price is found."""

    item_id: int
    schedule_id: int


async def get_schedule_name(item_id: RowId, schedule_id: RowId) -> ScheduleName:
    """The item and its planned price, as the path names them."""
    return ScheduleName(item_id, schedule_id)


@router.get(
    "/items/{item_id}/prices",
    summary="List the prices an item had",
    response_model=PriceHistory,
    responses=problems(ItemNotFound),
)
async def list_item_prices(
    item_id: RowId, query: Annotated[PriceQuery, Query()], pager: PagerDep, hot: HotDep
) -> Response:
    """A page of the item's prices, the newest first, beside them the price at `price_as_of`.

    A moment to come counts planned prices. Each price holds from its moment until before the next.
    """
    read = partial(queries.list_prices, item_id=item_id, query=query, pager=pager)
    # Moments are too varied to keep, and what one to come answers depends on the clock besides.
    return await hot.answer(ITEM.format(item_id), read, keep=query.price_as_of is None)


@router.get(
    "/books/{book_id}/prices",
    summary="List the prices a book had",
    response_model=PriceHistory,
    responses=problems(BookNotFound),
)
async def list_book_prices(
    book_id: RowId, query: Annotated[PriceQuery, Query()], pager: PagerDep, hot: HotDep
) -> Response:
    """As `/items/{item_id}/prices`, of a book."""
    read = partial(queries.list_prices, item_id=book_id, query=query, pager=pager, kind=ItemKind.BOOK)
    return await hot.answer(ITEM.format(book_id), read, keep=query.price_as_of is None)


@router.get(
    "/items/{item_id}/price-changes",
    summary="List who changed an item's price",
    response_model=Page[PriceChangeOut],
    responses=problems(*_OWN),
)
async def list_price_changes(
    item_id: RowId, seller: Seller, query: Annotated[ListQuery, Query()], pager: PagerDep, hot: HotDep
) -> Response:
    """A page of the item's prices, the newest first, with who set them and how. For its owner and moderators."""
    read = partial(queries.list_changes, editor=seller, item_id=item_id, query=query, pager=pager)
    return await hot.answer_private(read)


@router.get(
    "/items/{item_id}/price-schedules",
    summary="List planned prices",
    response_model=Page[PriceScheduleOut],
    responses=problems(*_OWN),
)
async def list_price_schedules(
    item_id: RowId,
    seller: Seller,
    query: Annotated[PriceScheduleQuery, Query()],
    pager: PagerDep,
    hot: HotDep,
) -> Response:
    """A page of the item's planned prices, the earliest first, past ones among them. For its owner and moderators."""
    read = partial(queries.list_schedules, editor=seller, item_id=item_id, query=query, pager=pager)
    return await hot.answer_private(read)


@router.post(
    "/items/{item_id}/price-schedules",
    status_code=201,
    summary="Plan a price",
    response_model=PriceScheduleOut,
    responses=problems(PriceSchedulesOverlap, TooManyPriceSchedules, PriceScheduleInPast),
    dependencies=[IDEMPOTENT],
)
async def create_price_schedule(
    item_id: RowId,
    schedule: PriceScheduleIn,
    seller: Seller,
    schedules: PriceScheduleServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Plan a price for a time, or a lasting change. Its owner or a moderator may.

    It begins and ends within a minute of its moments; at the end the regular price returns. Whoever edits
    the price while it holds wins, and ends it.
    """
    schedule_id = await schedules.create(seller, item_id, schedule)
    location = f"/api/v1/items/{item_id}/price-schedules/{schedule_id}"
    read = partial(queries.get_schedule, editor=seller, item_id=item_id, schedule_id=schedule_id)
    return await read_back(read, status=201, location=location)


@router.get(
    "/items/{item_id}/price-schedules/{schedule_id}",
    summary="Read a planned price",
    response_model=PriceScheduleOut,
    responses=problems(*_OWN, PriceScheduleNotFound),
)
async def get_price_schedule(item_id: RowId, schedule_id: RowId, seller: Seller, hot: HotDep) -> Response:
    """A planned price and what became of it. For the item's owner and moderators. Sends an ETag."""
    read = partial(queries.get_schedule, editor=seller, item_id=item_id, schedule_id=schedule_id)
    return await hot.answer_private(read)


@router.patch(
    "/items/{item_id}/price-schedules/{schedule_id}",
    summary="Change a planned price",
    response_model=PriceScheduleOut,
    responses=problems(PriceScheduleStarted, PriceSchedulesOverlap, PriceScheduleInPast),
)
async def change_price_schedule(
    named: Annotated[ScheduleName, Depends(get_schedule_name)],
    patch: PriceSchedulePatch,
    seller: Seller,
    precondition: PreconditionDep,
    schedules: PriceScheduleServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set only what is sent. A sale that holds can be made longer or shorter. Its owner or a moderator may."""
    await schedules.change(seller, named.item_id, named.schedule_id, precondition, patch)
    read = partial(queries.get_schedule, editor=seller, item_id=named.item_id, schedule_id=named.schedule_id)
    return await read_back(read)


@router.delete(
    "/items/{item_id}/price-schedules/{schedule_id}",
    status_code=204,
    summary="Cancel a planned price",
)
async def cancel_price_schedule(
    item_id: RowId,
    schedule_id: RowId,
    seller: Seller,
    precondition: PreconditionDep,
    schedules: PriceScheduleServiceDep,
) -> None:
    """Give a plan up. Of one that holds, the regular price returns at once. Its owner or a moderator may."""
    await schedules.cancel(seller, item_id, schedule_id, precondition)
