"""Writes of planned prices, and of what they do to the prices of items."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Text,
    and_,
    any_,
    case,
    cast,
    column,
    delete,
    func,
    insert,
    literal,
    select,
    union,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.goods.repository import attribute_prices
from app.catalog.models import Item, PriceChange, PriceSchedule, PriceSource, ScheduleState
from app.catalog.models.prices import OPEN_STATES
from app.catalog.prices.queries import OPEN_SCHEDULE
from app.catalog.prices.timetable import DuePrice, OpenSchedule
from app.core.db.models import MONEY

LOCKED_AT_ONCE = 1000
"""Items whose prices one round of the job changes."""


class LockedItem(NamedTuple):
    """A locked item and its price."""

    id: int
    price: Decimal | None


class PriceScheduleRepository:
    """Planned prices of one transaction. Whoever writes them holds the item's lock."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, schedule: PriceSchedule) -> None:
        """Insert the schedule; one that overlaps another is refused by the database."""
        self._session.add(schedule)
        await self._session.flush()

    async def find(self, item_id: int, schedule_id: int) -> PriceSchedule | None:
        """One planned price of the item."""
        schedule = await self._session.get(PriceSchedule, schedule_id, populate_existing=True)
        return schedule if schedule is not None and schedule.item_id == item_id else None

    async def count_open(self, item_id: int) -> int:
        """How many are still planned for the item."""
        is_open = PriceSchedule.state.in_(OPEN_STATES)
        statement = select(func.count()).where(PriceSchedule.item_id == item_id, is_open)
        return await self._session.scalar(statement) or 0

    async def flush(self) -> None:
        """Write what changed; a schedule that then overlaps another is refused by the database."""
        await self._session.flush()

    async def delete(self, schedule_id: int) -> None:
        """Forget the schedule; the prices that it made stay in the history."""
        await self._session.execute(delete(PriceSchedule).where(PriceSchedule.id == schedule_id))

    async def lock_due(self, now: datetime) -> Sequence[LockedItem]:
        """Lock some items whose schedules begin or end by now, until the transaction ends.

        Items that somebody else has locked are left for the next time, so that nobody waits long.
        """
        begins = and_(PriceSchedule.state == ScheduleState.PENDING, PriceSchedule.starts_at <= now)
        ends = and_(PriceSchedule.state == ScheduleState.ACTIVE, PriceSchedule.ends_at <= now)
        # Two statements, each of which reads a partial index of its state.
        item_id = select(PriceSchedule.item_id)
        due = union(item_id.where(begins), item_id.where(ends)).subquery()
        some = (
            select(due.c.item_id)
            .order_by(due.c.item_id)
            .limit(LOCKED_AT_ONCE)
            .cte()
            .prefix_with("MATERIALIZED")
        )
        statement = (
            select(Item.id, Item.price)
            .join(some, some.c.item_id == Item.id)
            .order_by(Item.id)
            .with_for_update(of=Item, skip_locked=True)
        )
        return [LockedItem(*row) for row in await self._session.execute(statement)]

    async def list_begun(self, item_ids: Sequence[int], now: datetime) -> Sequence[OpenSchedule]:
        """What is planned for these items and has begun by now, item by item in the order of their start."""
        is_theirs = PriceSchedule.item_id == any_(cast(item_ids, ARRAY(BigInteger)))
        statement = (
            select(*OPEN_SCHEDULE)
            .where(is_theirs, PriceSchedule.state.in_(OPEN_STATES), PriceSchedule.starts_at <= now)
            .order_by(PriceSchedule.item_id, PriceSchedule.starts_at, PriceSchedule.id)
        )
        return [OpenSchedule(*row) for row in await self._session.execute(statement)]

    async def apply(self, due: Mapping[int, DuePrice], actor_id: int | None = None) -> Sequence[int]:
        """Give locked items these prices, and their schedules the states that go with them.

        Ids of the items whose price is another one now. The entries of the history name who planned
        the price, unless `actor_id` does.
        """
        await attribute_prices(self._session, PriceSource.SCHEDULE, actor_id)
        await self._set_states(list(due.values()))
        new = (
            func.unnest(
                cast(list(due), ARRAY(BigInteger)),
                cast([one.price for one in due.values()], ARRAY(MONEY)),
                cast([actor_id or one.actor_id for one in due.values()], ARRAY(BigInteger)),
            )
            .table_valued(
                column("item_id", BigInteger), column("price", MONEY), column("actor_id", BigInteger)
            )
            .render_derived(name="new")
        )
        changed = (
            update(Item)
            .where(Item.id == new.c.item_id, Item.price.is_distinct_from(new.c.price))
            .values(price=new.c.price, version=Item.version + 1, updated_at=func.clock_timestamp())
            .returning(Item.id, Item.price, Item.currency, new.c.actor_id)
            .cte("changed")
        )
        # The trigger on items leaves these entries out: their planners differ from row to row.
        entries = select(
            changed.c.id,
            changed.c.price,
            changed.c.currency,
            func.clock_timestamp(),
            literal(PriceSource.SCHEDULE.value),
            changed.c.actor_id,
        )
        columns = ("item_id", "price", "currency", "changed_at", "source", "actor_id")
        history = insert(PriceChange).from_select(columns, entries).returning(PriceChange.item_id)
        return (await self._session.scalars(history)).all()

    async def _set_states(self, due: Sequence[DuePrice]) -> None:
        rows = [(id_, state.value, one.regular_price) for one in due for id_, state in one.states.items()]
        ids, states, regular_prices = zip(*rows, strict=True)
        new = (
            func.unnest(
                cast(ids, ARRAY(BigInteger)), cast(states, ARRAY(Text)), cast(regular_prices, ARRAY(MONEY))
            )
            .table_valued(column("id", BigInteger), column("state", Text), column("regular_price", MONEY))
            .render_derived(name="new")
        )
        begins = new.c.state == ScheduleState.ACTIVE
        values: dict[str, Any] = {
            "state": new.c.state,
            "regular_price": case((begins, new.c.regular_price), else_=PriceSchedule.regular_price),
            "version": PriceSchedule.version + 1,
        }
        changed = update(PriceSchedule).where(PriceSchedule.id == new.c.id).values(**values)
        await self._session.execute(changed.execution_options(synchronize_session=False))
