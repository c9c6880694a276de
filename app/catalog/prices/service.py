"""Planning prices, and letting planned ones begin and end."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import ITEM, LISTS
from app.catalog.goods.service import GoodsService, record_staff_edit
from app.catalog.models import Item, PriceSchedule, ScheduleState
from app.catalog.models.prices import OPEN_STATES
from app.catalog.prices.errors import (
    PriceScheduleClosed,
    PriceScheduleInPast,
    PriceScheduleStarted,
    TooManyPriceSchedules,
    no_schedule,
)
from app.catalog.prices.repository import LockedItem, PriceScheduleRepository
from app.catalog.prices.schemas import PriceScheduleIn, PriceSchedulePatch
from app.catalog.prices.timetable import price_due
from app.core.audit import Changes, differences
from app.core.cache.hot import EVERYTHING, invalidate
from app.core.clock import utc_now
from app.core.http.conditional import Precondition
from app.identity.principal import Principal

MOST_OPEN = 50
"""Planned prices of one item that are not over."""
MOST_ROUNDS = 50
"""Of one run of the job, so that its transaction and its locks end; the next run does the rest."""
MOST_GROUPS = 500
"""Announcing more items than this costs more than announcing that everything changed."""

_ANY_VERSION = Precondition(None)


class PriceScheduleService:
    """Plans prices."""

    def __init__(
        self, session: AsyncSession, goods: GoodsService, schedules: PriceScheduleRepository
    ) -> None:
        self._session = session
        self._goods = goods
        self._schedules = schedules

    @classmethod
    def build(cls, session: AsyncSession, currency: str) -> Self:
        """Compose it on one session; prices are in `currency` (ISO 4217)."""
        return cls(session, GoodsService.build(session, currency), PriceScheduleRepository(session))

    async def create(self, editor: Principal, item_id: int, request: PriceScheduleIn) -> int:
        """Plan a price; one that begins by now holds at once. Returns the schedule's id.

        Raises ItemNotFound, NotYourItem, PriceSchedulesOverlap, PriceScheduleInPast, TooManyPriceSchedules.
        """
        item = await self._goods.lock(editor, item_id, _ANY_VERSION)
        if await self._schedules.count_open(item_id) >= MOST_OPEN:
            raise TooManyPriceSchedules(f"An item has at most {MOST_OPEN} planned prices; delete one.")
        now = utc_now()
        schedule = PriceSchedule(
            item_id=item_id,
            price=request.price,
            starts_at=max(request.starts_at or now, now),
            ends_at=_in_future(request.ends_at, now),
            actor_id=editor.user_id,
        )
        await self._schedules.add(schedule)
        record_staff_edit(self._session, editor, item, "price_planned", _describe(schedule, is_new=True))
        if schedule.starts_at <= now:
            await self._apply(item, now)
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

        Raises what `cancel` does, and PriceScheduleStarted, PriceSchedulesOverlap, PriceScheduleInPast.
        """
        item, schedule = await self._lock_open(editor, item_id, schedule_id, precondition)
        sent, now = patch.model_fields_set, utc_now()
        if not sent:
            return
        if schedule.state == ScheduleState.ACTIVE and (sent != {"ends_at"} or patch.ends_at is None):
            raise PriceScheduleStarted(
                "This planned price holds already: only ends_at can change, and it must be a moment."
            )
        price = patch.price if "price" in sent else schedule.price
        starts_at = max(patch.starts_at, now) if "starts_at" in sent else schedule.starts_at
        ends_at = _in_future(patch.ends_at if "ends_at" in sent else schedule.ends_at, now)
        if ends_at is not None and ends_at <= starts_at:
            raise _in_past("ends_at", "must be later than starts_at")
        changes = differences(schedule, {"price": price, "starts_at": starts_at, "ends_at": ends_at})
        record_staff_edit(self._session, editor, item, "price_plan_changed", changes)
        schedule.price = price
        schedule.starts_at, schedule.ends_at = starts_at, ends_at
        await self._schedules.flush()
        if starts_at <= now:
            await self._apply(item, now)

    async def cancel(
        self, editor: Principal, item_id: int, schedule_id: int, precondition: Precondition
    ) -> None:
        """Give the plan up; of one that holds the regular price returns now.

        Raises ItemNotFound, NotYourItem, PriceScheduleNotFound, PriceScheduleClosed, StaleVersion.
        """
        item, schedule = await self._lock_open(editor, item_id, schedule_id, precondition)
        record_staff_edit(
            self._session, editor, item, "price_plan_cancelled", _describe(schedule, is_new=False)
        )
        if schedule.state == ScheduleState.ACTIVE:
            # Never before its start, though another machine's clock may have been ahead.
            now = max(utc_now(), schedule.starts_at + timedelta.resolution)
            # Nor after its end: that would reach into the next plan where the job is late.
            schedule.ends_at = min(now, schedule.ends_at or now)
            await self._schedules.flush()
            await self._apply(item, now, editor.user_id)
        await self._schedules.delete(schedule_id)

    async def _lock_open(
        self, editor: Principal, item_id: int, schedule_id: int, precondition: Precondition
    ) -> tuple[Item, PriceSchedule]:
        item = await self._goods.lock(editor, item_id, _ANY_VERSION)
        schedule = await self._schedules.find(item_id, schedule_id)
        if schedule is None:
            raise no_schedule(schedule_id)
        if schedule.state not in OPEN_STATES:
            raise PriceScheduleClosed("This planned price is over, and stays as a record; plan another one.")
        precondition.check(schedule.version)
        return item, schedule

    async def _apply(self, item: Item, now: datetime, actor_id: int | None = None) -> None:
        changed = await _apply_due(self._schedules, [LockedItem(item.id, item.price)], now, actor_id)
        _mark_stale(self._session, changed)


async def apply_schedules(session: AsyncSession, now: datetime) -> int:
    """Begin and end what is due by now; how many items changed their price.

    Safe to run at any time and any number of times at once: items are locked, and what was
    applied is no longer due. However long nothing ran, the prices are those of now afterwards.
    """
    schedules = PriceScheduleRepository(session)
    changed: list[int] = []
    for _ in range(MOST_ROUNDS):
        items = await schedules.lock_due(now)
        if not items:
            break
        changed += await _apply_due(schedules, items, now)
    _mark_stale(session, changed)
    return len(changed)


async def _apply_due(
    schedules: PriceScheduleRepository,
    items: Sequence[LockedItem],
    now: datetime,
    actor_id: int | None = None,
) -> Sequence[int]:
    """Give locked items the prices that are due; ids of those that changed. A second call changes nothing."""
    begun = await schedules.list_begun([item.id for item in items], now)
    planned = {item_id: list(rows) for item_id, rows in groupby(begun, lambda row: row.item_id)}
    due = {item.id: price_due(now, item.price, planned.get(item.id, ())) for item in items}
    due = {item_id: price for item_id, price in due.items() if price.states}
    return await schedules.apply(due, actor_id) if due else []


def _mark_stale(session: AsyncSession, item_ids: Sequence[int]) -> None:
    """Announce what shows the prices of these items."""
    if len(item_ids) > MOST_GROUPS:
        invalidate(session, EVERYTHING)
    elif item_ids:
        invalidate(session, LISTS, *map(ITEM.format, item_ids))


def _describe(schedule: PriceSchedule, *, is_new: bool) -> Changes:
    values = {name: getattr(schedule, name) for name in ("price", "starts_at", "ends_at")}
    return {name: (None, value) if is_new else (value, None) for name, value in values.items()}


def _in_future(ends_at: datetime | None, now: datetime) -> datetime | None:
    if ends_at is not None and ends_at <= now:
        raise _in_past("ends_at", "must lie in the future")
    return ends_at


def _in_past(field: str, message: str) -> PriceScheduleInPast:
    return PriceScheduleInPast(f"{field} {message}.", errors=PriceScheduleInPast.about(field, message))
