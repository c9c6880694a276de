"""Prices over time: what they were, what they will be, and planning them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.books.errors import no_book
from app.catalog.cache_groups import LISTS, item_group
from app.catalog.goods.errors import NotYourItem, no_item
from app.catalog.goods.schemas import ItemKind
from app.catalog.goods.service import GoodsService, may_edit, record_staff_edit
from app.catalog.models import Item, PriceSchedule, ScheduleState
from app.catalog.models.prices import OPEN_STATES
from app.catalog.prices.errors import (
    PriceScheduleClosed,
    PriceScheduleInPast,
    PriceScheduleNotFound,
    PriceScheduleStarted,
    TooManyPriceSchedules,
)
from app.catalog.prices.repository import (
    PriceScheduleRepository,
    find_priced_item,
    find_schedule,
    list_changes,
    list_open_schedules,
    list_schedules,
)
from app.catalog.prices.schemas import (
    Actor,
    PriceChangeOut,
    PriceHistory,
    PriceOut,
    PriceQuery,
    PriceScheduleIn,
    PriceScheduleOut,
    PriceSchedulePatch,
    PriceScheduleQuery,
)
from app.catalog.prices.timetable import price_at
from app.core.audit import Changes, differences
from app.core.cache.hot import EVERYTHING, invalidate
from app.core.clock import utc_now
from app.core.db.paging import ListQuery, Pager
from app.core.db.queries import AnyRow
from app.core.errors import FieldProblem
from app.core.http.conditional import Precondition, version_etag
from app.core.http.responses import ReadResult
from app.identity.principal import Principal

MOST_OPEN = 50
MOST_CHUNKS = 50
MOST_GROUPS = 500
"""Announcing more items than this costs more than announcing that everything changed."""

_ANY_VERSION = Precondition(None)


class PriceCatalogue:
    """Reads prices for display."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def history(
        self, item_id: int, query: PriceQuery, pager: Pager, kind: ItemKind | None = None
    ) -> ReadResult:
        """One page of prices without the people behind them. ItemNotFound, BookNotFound, InvalidCursor."""
        moment = query.price_as_of or utc_now()
        item = await self._find(item_id, moment, kind)
        window = pager.window(query)
        found = await list_changes(self._connection, item_id, window, has_names=False)
        page = pager.page(query, window, found, [PriceOut.model_validate(row) for row in found.rows])
        price = None if query.price_as_of is None else await self._price_at(item, moment)
        # The oldest snapshot of them: what changes in between must not be kept as if it were seen.
        return ReadResult(PriceHistory(**dict(page), price_as_of=price), item.snapshot)

    async def changes(self, editor: Principal, item_id: int, query: ListQuery, pager: Pager) -> ReadResult:
        """One page of prices with who set them, for the owner and staff. ItemNotFound, NotYourItem."""
        item = await self._find_own(editor, item_id)
        window = pager.window(query)
        found = await list_changes(self._connection, item_id, window, has_names=True)
        return ReadResult(
            pager.page(query, window, found, [_change_out(row) for row in found.rows]), item.snapshot
        )

    async def schedules(
        self, editor: Principal, item_id: int, query: PriceScheduleQuery, pager: Pager
    ) -> ReadResult:
        """One page of planned prices, for the owner and staff. ItemNotFound, NotYourItem."""
        item = await self._find_own(editor, item_id)
        window = pager.window(query)
        found = await list_schedules(self._connection, item_id, query.state, window)
        schedules = [PriceScheduleOut.model_validate(row) for row in found.rows]
        return ReadResult(pager.page(query, window, found, schedules), item.snapshot)

    async def schedule(self, editor: Principal, item_id: int, schedule_id: int) -> ReadResult:
        """One planned price. ItemNotFound, NotYourItem, PriceScheduleNotFound."""
        await self._find_own(editor, item_id)
        row = await find_schedule(self._connection, item_id, schedule_id)
        if row is None:
            raise _no_schedule(schedule_id)
        schedule = PriceScheduleOut.model_validate(row)
        return ReadResult(schedule, row.snapshot, version_etag(schedule.version))

    async def _find(self, item_id: int, moment: datetime, kind: ItemKind | None = None) -> AnyRow:
        item = await find_priced_item(self._connection, item_id, moment)
        if kind is ItemKind.BOOK and (item is None or item.kind != kind):
            raise no_book(item_id)
        if item is None:
            raise no_item(item_id)
        return item

    async def _find_own(self, editor: Principal, item_id: int) -> AnyRow:
        item = await self._find(item_id, utc_now())
        if not may_edit(editor, item.owner_id):
            raise NotYourItem("Only its owner or a moderator may see this.")
        return item

    async def _price_at(self, item: AnyRow, moment: datetime) -> Decimal | None:
        if moment <= utc_now():
            past: Decimal | None = item.price_then
            return past
        return price_at(moment, item.price, await list_open_schedules(self._connection, item.id))


class PriceScheduleService:
    """Plans prices."""

    def __init__(
        self, session: AsyncSession, items: GoodsService, schedules: PriceScheduleRepository
    ) -> None:
        self._session = session
        self._items = items
        self._schedules = schedules

    @classmethod
    def build(cls, session: AsyncSession, currency: str) -> Self:
        """The service on one session; prices are in `currency` (ISO 4217)."""
        return cls(session, GoodsService.build(session, currency), PriceScheduleRepository(session))

    async def create(self, editor: Principal, item_id: int, request: PriceScheduleIn) -> int:
        """Plan a price; one that begins by now holds at once. Returns the schedule's id.

        ItemNotFound, NotYourItem, PriceSchedulesOverlap, PriceScheduleInPast, TooManyPriceSchedules.
        """
        item = await self._items.lock(editor, item_id, _ANY_VERSION)
        if await self._schedules.count_open(item_id) >= MOST_OPEN:
            raise TooManyPriceSchedules(f"An item has at most {MOST_OPEN} planned prices; delete one.")
        now = utc_now()
        schedule = PriceSchedule(
            item_id=item_id,
            price=request.price,
            starts_at=max(request.starts_at or now, now),
            ends_at=_to_come(request.ends_at, now),
            actor_id=editor.user_id,
        )
        await self._schedules.add(schedule)
        record_staff_edit(self._session, editor, item, "price_planned", _told(schedule, is_new=True))
        if schedule.starts_at <= now:
            await self._apply(item_id, now)
        return schedule.id

    async def change(
        self,
        editor: Principal,
        item_id: int,
        schedule_id: int,
        precondition: Precondition,
        patch: PriceSchedulePatch,
    ) -> None:
        """Change a plan; of one that holds already only the end can move, and it keeps one.

        Errors of `cancel`, and PriceScheduleStarted, PriceSchedulesOverlap, PriceScheduleInPast.
        """
        item, schedule = await self._lock_open(editor, item_id, schedule_id, precondition)
        values, now = patch.sent(), utc_now()
        if not values:
            return
        if schedule.state == ScheduleState.ACTIVE and (
            values.keys() - {"ends_at"} or None in values.values()
        ):
            raise PriceScheduleStarted(
                "This planned price holds already: only ends_at can change, and it must be a moment."
            )
        if "starts_at" in values:
            values["starts_at"] = max(values["starts_at"], now)
        values["ends_at"] = _to_come(values.get("ends_at", schedule.ends_at), now)
        if values["ends_at"] is not None and values["ends_at"] <= values.get("starts_at", schedule.starts_at):
            raise _in_past("ends_at", "must be later than starts_at")
        record_staff_edit(self._session, editor, item, "price_plan_changed", differences(schedule, values))
        await self._schedules.set(schedule, values)
        if schedule.starts_at <= now:
            await self._apply(item_id, now)

    async def cancel(
        self, editor: Principal, item_id: int, schedule_id: int, precondition: Precondition
    ) -> None:
        """Give the plan up; of one that holds the regular price returns now.

        ItemNotFound, NotYourItem, PriceScheduleNotFound, PriceScheduleClosed, StaleVersion.
        """
        item, schedule = await self._lock_open(editor, item_id, schedule_id, precondition)
        record_staff_edit(self._session, editor, item, "price_plan_cancelled", _told(schedule, is_new=False))
        if schedule.state == ScheduleState.ACTIVE:
            # Never before its start, though another machine's clock may have been ahead.
            now = max(utc_now(), schedule.starts_at + timedelta.resolution)
            # Nor after its end: that would reach into the next plan where the job is late.
            await self._schedules.set(schedule, {"ends_at": min(now, schedule.ends_at or now)})
            await self._apply(item_id, now, editor.user_id)
        await self._schedules.delete(schedule_id)

    async def _lock_open(
        self, editor: Principal, item_id: int, schedule_id: int, precondition: Precondition
    ) -> tuple[Item, PriceSchedule]:
        item = await self._items.lock(editor, item_id, _ANY_VERSION)
        schedule = await self._schedules.find(item_id, schedule_id)
        if schedule is None:
            raise _no_schedule(schedule_id)
        if schedule.state not in OPEN_STATES:
            raise PriceScheduleClosed("This planned price is over, and stays as a record; plan another one.")
        precondition.check(schedule.version)
        return item, schedule

    async def _apply(self, item_id: int, now: datetime, actor_id: int | None = None) -> None:
        _announce(self._session, await self._schedules.apply([item_id], now, actor_id))


async def apply_schedules(session: AsyncSession, now: datetime) -> int:
    """Begin and end what is due by now; how many items changed their price.

    Safe to run at any time and any number of times at once: items are locked, and what was
    applied is no longer due. However long nothing ran, the prices are those of now afterwards.
    """
    schedules = PriceScheduleRepository(session)
    changed: list[int] = []
    for _ in range(MOST_CHUNKS):
        due = await schedules.lock_due(now)
        if not due:
            break
        changed += await schedules.apply(due, now)
    _announce(session, changed)
    return len(changed)


def _announce(session: AsyncSession, item_ids: Sequence[int]) -> None:
    """Mark as stale what shows the prices of these items."""
    if len(item_ids) > MOST_GROUPS:
        invalidate(session, EVERYTHING)
    elif item_ids:
        invalidate(session, LISTS, *map(item_group, item_ids))


def _change_out(row: AnyRow) -> PriceChangeOut:
    by = None if row.actor_id is None else Actor(id=row.actor_id, username=row.actor_name)
    return PriceChangeOut.model_validate({**row._asdict(), "changed_by": by})


def _told(schedule: PriceSchedule, *, is_new: bool) -> Changes:
    values = {name: getattr(schedule, name) for name in ("price", "starts_at", "ends_at")}
    return {name: (None, value) if is_new else (value, None) for name, value in values.items()}


def _to_come(ends_at: datetime | None, now: datetime) -> datetime | None:
    if ends_at is not None and ends_at <= now:
        raise _in_past("ends_at", "must lie in the future")
    return ends_at


def _in_past(field: str, message: str) -> PriceScheduleInPast:
    problem: FieldProblem = {"field": field, "message": message, "type": PriceScheduleInPast.code}
    return PriceScheduleInPast(f"{field} {message}.", errors=[problem])


def _no_schedule(schedule_id: int) -> PriceScheduleNotFound:
    return PriceScheduleNotFound(f"The item has no planned price {schedule_id}.")
