"""Reads of prices over time for display."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    DateTime,
    FromClause,
    SQLColumnExpression,
    bindparam,
    case,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.books.errors import no_book
from app.catalog.goods.errors import NotYourItem, no_item
from app.catalog.goods.ownership import may_edit, may_see
from app.catalog.goods.schemas import ItemKind
from app.catalog.models import Item, PriceChange, PriceSchedule
from app.catalog.models.prices import OPEN_STATES
from app.catalog.prices.errors import no_schedule
from app.catalog.prices.schemas import (
    PriceChangeOut,
    PriceHistory,
    PriceOut,
    PriceQuery,
    PriceScheduleOut,
    PriceScheduleQuery,
)
from app.catalog.prices.timetable import OpenSchedule, price_due
from app.core.clock import utc_now
from app.core.db.paging import ListQuery, Pager
from app.core.db.queries import find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult, version_etag
from app.identity.models import User
from app.identity.principal import Principal

_NEWEST_FIRST = Order.by(
    ("-changed_at", "-id"), {"changed_at": PriceChange.changed_at, "id": PriceChange.id}, PriceChange.id
)
_BY_START = Order.by(("starts_at",), {"starts_at": PriceSchedule.starts_at}, PriceSchedule.id)
_PRICE: Sequence[SQLColumnExpression[Any]] = (
    PriceChange.id,
    PriceChange.price,
    PriceChange.currency,
    PriceChange.changed_at,
)
_ACTOR = func.jsonb_build_object("id", PriceChange.actor_id, "username", User.username, type_=JSONB)
_CHANGE: Sequence[SQLColumnExpression[Any]] = (
    *_PRICE,
    PriceChange.source,
    case((PriceChange.actor_id.is_not(None), _ACTOR)).label("changed_by"),
)
_SCHEDULE: Sequence[SQLColumnExpression[Any]] = (
    PriceSchedule.id,
    PriceSchedule.price,
    PriceSchedule.starts_at,
    PriceSchedule.ends_at,
    PriceSchedule.state,
    PriceSchedule.regular_price,
    PriceSchedule.actor_id,
    PriceSchedule.created_at,
    PriceSchedule.version,
)
OPEN_SCHEDULE = (
    PriceSchedule.id,
    PriceSchedule.item_id,
    PriceSchedule.price,
    PriceSchedule.starts_at,
    PriceSchedule.ends_at,
    PriceSchedule.state,
    PriceSchedule.regular_price,
    PriceSchedule.actor_id,
)
_PRICE_THEN = (
    select(PriceChange.price)
    .where(
        PriceChange.item_id == Item.id,
        PriceChange.changed_at <= bindparam("moment", type_=DateTime(timezone=True)),
    )
    .order_by(PriceChange.changed_at.desc(), PriceChange.id.desc())
    .limit(1)
    .scalar_subquery()
)
_PRICED_ITEM = select(
    Item.id, Item.kind, Item.owner_id, Item.is_active, Item.price, _PRICE_THEN, snapshot_text
).where(Item.id == bindparam("item_id"))


class PricedItem(NamedTuple):
    """Whose item it is, what it costs, and what it cost at a moment that has passed."""

    id: int
    kind: str
    owner_id: int
    is_active: bool
    price: Decimal | None
    price_then: Decimal | None
    snapshot: str


async def list_prices(
    connection: AsyncConnection, item_id: int, query: PriceQuery, pager: Pager, kind: ItemKind | None = None
) -> ReadResult:
    """Read one page of prices, the newest first, without the people behind them.

    Raises ItemNotFound, BookNotFound, also of what is off sale, InvalidCursor.
    """
    moment = query.price_as_of or utc_now()
    item = await _find_item(connection, item_id, moment, kind)
    if not item.is_active:
        raise no_book(item_id) if kind is ItemKind.BOOK else no_item(item_id)
    window = pager.window(query)
    matching = select(PriceChange.id).where(PriceChange.item_id == item_id)
    found = await find_page(connection, matching, _NEWEST_FIRST, window, _PRICE)
    page = pager.page(query, window, found, [PriceOut.model_validate(row) for row in found.rows])
    price = None if query.price_as_of is None else await _price_at(connection, item, moment)
    # The oldest snapshot of them: what changes in between must not be kept as if it were seen.
    return ReadResult(PriceHistory(**dict(page), price_as_of=price), item.snapshot)


async def list_changes(
    connection: AsyncConnection, editor: Principal, item_id: int, query: ListQuery, pager: Pager
) -> ReadResult:
    """Read one page of prices, the newest first, with who set them. Raises ItemNotFound, NotYourItem."""
    item = await _find_own(connection, editor, item_id)
    window = pager.window(query)
    matching = select(PriceChange.id).where(PriceChange.item_id == item_id)

    def join(source: FromClause, change_id: ColumnElement[int]) -> FromClause:
        changes = source.outerjoin(PriceChange, PriceChange.id == change_id)
        return changes.outerjoin(User, User.id == PriceChange.actor_id)

    found = await find_page(connection, matching, _NEWEST_FIRST, window, _CHANGE, join)
    changes = [PriceChangeOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, changes), item.snapshot)


async def list_schedules(
    connection: AsyncConnection, editor: Principal, item_id: int, query: PriceScheduleQuery, pager: Pager
) -> ReadResult:
    """Read one page of planned prices, the earliest first. Raises ItemNotFound, NotYourItem."""
    item = await _find_own(connection, editor, item_id)
    window = pager.window(query)
    matching = select(PriceSchedule.id).where(PriceSchedule.item_id == item_id)
    if query.state is not None:
        matching = matching.where(PriceSchedule.state == query.state)
    found = await find_page(connection, matching, _BY_START, window, _SCHEDULE)
    schedules = [PriceScheduleOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, schedules), item.snapshot)


async def get_schedule(
    connection: AsyncConnection, editor: Principal, item_id: int, schedule_id: int
) -> ReadResult:
    """Read one planned price. Raises ItemNotFound, NotYourItem, PriceScheduleNotFound."""
    await _find_own(connection, editor, item_id)
    is_it = (PriceSchedule.id == schedule_id, PriceSchedule.item_id == item_id)
    row = (await connection.execute(select(*_SCHEDULE, snapshot_text).where(*is_it))).one_or_none()
    if row is None:
        raise no_schedule(schedule_id)
    schedule = PriceScheduleOut.model_validate(row)
    return ReadResult(schedule, row.snapshot, version_etag(schedule.version))


async def _find_item(
    connection: AsyncConnection, item_id: int, moment: datetime, kind: ItemKind | None = None
) -> PricedItem:
    found = await connection.execute(_PRICED_ITEM, {"item_id": item_id, "moment": moment})
    row = found.one_or_none()
    if kind is ItemKind.BOOK and (row is None or row.kind != kind):
        raise no_book(item_id)
    if row is None:
        raise no_item(item_id)
    return PricedItem(*row)


async def _find_own(connection: AsyncConnection, editor: Principal, item_id: int) -> PricedItem:
    item = await _find_item(connection, item_id, utc_now())
    if not may_see(editor, item.owner_id, is_active=item.is_active):
        raise no_item(item_id)
    if not may_edit(editor, item.owner_id):
        raise NotYourItem("Only its owner or a moderator may see this.")
    return item


async def _price_at(connection: AsyncConnection, item: PricedItem, moment: datetime) -> Decimal | None:
    if moment <= utc_now():
        return item.price_then
    is_open = (PriceSchedule.item_id == item.id, PriceSchedule.state.in_(OPEN_STATES))
    planned = select(*OPEN_SCHEDULE).where(*is_open).order_by(PriceSchedule.starts_at, PriceSchedule.id)
    schedules = [OpenSchedule(*row) for row in await connection.execute(planned)]
    return price_due(moment, item.price, schedules).price
