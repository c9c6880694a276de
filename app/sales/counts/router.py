"""`/api/v1/inventory/counts`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.catalog.categories.errors import UnknownCategory
from app.catalog.goods.errors import ItemNotFound
from app.core.db.paging import Page, PagerDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import INVENTORY_COUNTER, InventoryCounter
from app.sales.counts import queries
from app.sales.counts.deps import CountServiceDep
from app.sales.counts.errors import (
    CountClosed,
    CountFull,
    CountNotFound,
    CountRefused,
    CountTooHigh,
    NotInCount,
)
from app.sales.counts.schemas import (
    CountDetails,
    CountedIn,
    CountFilter,
    CountIn,
    CountLineOut,
    CountOut,
    CountScanIn,
)
from app.sales.scanning.errors import CodeNotFound

router = APIRouter(prefix="/api/v1/inventory/counts", tags=["inventory"], route_class=IdempotentRoute)


@router.post(
    "",
    status_code=201,
    summary="Open a stock-take",
    response_model=CountDetails,
    responses=problems(UnknownCategory),
    dependencies=[IDEMPOTENT],
)
async def open_count(
    wanted: CountIn, actor: InventoryCounter, counts: CountServiceDep, read_back: ReadBackDep
) -> Response:
    """Begin to count everything, a category and those below it, or the items named. Sales go on meanwhile."""
    count_id = await counts.open(actor, wanted)
    location = f"/api/v1/inventory/counts/{count_id}"
    return await read_back(partial(queries.get_count, count_id=count_id), status=201, location=location)


@router.get("", summary="List stock-takes", response_model=Page[CountOut], dependencies=[INVENTORY_COUNTER])
async def list_counts(query: Annotated[CountFilter, Query()], pager: PagerDep, hot: HotDep) -> Response:
    """A page of stock-takes, the latest first."""
    return await hot.answer_private(partial(queries.list_counts, query=query, pager=pager))


@router.get(
    "/{count_id}",
    summary="Read a stock-take",
    response_model=CountDetails,
    responses=problems(CountNotFound),
    dependencies=[INVENTORY_COUNTER],
)
async def get_count(count_id: RowId, hot: HotDep) -> Response:
    """All that was counted, by title, beside what was on hand when it was counted last.

    What is sold or received after that is in `moved_since`, and is no variance.
    """
    return await hot.answer_private(partial(queries.get_count, count_id=count_id))


@router.post(
    "/{count_id}/scan",
    summary="Count some of an item",
    response_model=CountLineOut,
    responses=problems(
        CountNotFound, CountClosed, CodeNotFound, ItemNotFound, NotInCount, CountFull, CountTooHigh
    ),
    dependencies=[IDEMPOTENT],
)
async def scan_into_count(
    count_id: RowId,
    scanned: CountScanIn,
    actor: InventoryCounter,
    counts: CountServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Add to what was counted of an item; any number of devices count at once.

    With an `Idempotency-Key` a scan that is sent again is counted once.
    """
    item_id = await counts.scan(actor, count_id, scanned)
    return await read_back(partial(queries.get_line, count_id=count_id, item_id=item_id))


@router.put(
    "/{count_id}/items/{item_id}",
    summary="Set the count of an item",
    response_model=CountLineOut,
    responses=problems(CountNotFound, CountClosed, ItemNotFound, NotInCount, CountFull),
)
async def set_counted(
    count_id: RowId,
    item_id: RowId,
    counted: CountedIn,
    actor: InventoryCounter,
    counts: CountServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Say how many of an item there are in all, whatever was scanned before."""
    await counts.set(actor, count_id, item_id, counted)
    return await read_back(partial(queries.get_line, count_id=count_id, item_id=item_id))


@router.post(
    "/{count_id}/commit",
    summary="Commit a stock-take",
    response_model=CountDetails,
    responses=problems(CountNotFound, CountClosed, CountRefused),
    dependencies=[IDEMPOTENT],
)
async def commit_count(
    count_id: RowId, actor: InventoryCounter, counts: CountServiceDep, read_back: ReadBackDep
) -> Response:
    """Adjust the stock by every variance, once; what was not counted stays as it is.

    Where one cannot be adjusted, none is: `lines` names those of which fewer were counted than are reserved.
    """
    await counts.apply(actor, count_id)
    return await read_back(partial(queries.get_count, count_id=count_id))


@router.post(
    "/{count_id}/cancel",
    summary="Cancel a stock-take",
    response_model=CountDetails,
    responses=problems(CountNotFound, CountClosed),
    dependencies=[IDEMPOTENT],
)
async def cancel_count(
    count_id: RowId, actor: InventoryCounter, counts: CountServiceDep, read_back: ReadBackDep
) -> Response:
    """End it without any adjustment; what was counted stays to be read."""
    await counts.cancel(actor, count_id)
    return await read_back(partial(queries.get_count, count_id=count_id))
