"""SQL of the price history and of planned prices."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    DateTime,
    FromClause,
    Select,
    and_,
    bindparam,
    delete,
    func,
    select,
    text,
    union,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.goods.repository import attribute_prices
from app.catalog.models import Item, PriceChange, PriceSchedule, PriceSource, ScheduleState
from app.catalog.models.prices import OPEN_STATES
from app.core.db.paging import Found, Window
from app.core.db.queries import AnyRow, find_page, snapshot_text
from app.core.db.sorting import Order
from app.identity.models import User

CHUNK = 1000

_NEWEST_FIRST = Order.by(
    ("-changed_at", "-id"), {"changed_at": PriceChange.changed_at, "id": PriceChange.id}, PriceChange.id
)
_BY_START = Order.by(("starts_at",), {"starts_at": PriceSchedule.starts_at}, PriceSchedule.id)
_CHANGE = (
    PriceChange.id,
    PriceChange.price,
    PriceChange.currency,
    PriceChange.changed_at,
    PriceChange.source,
    PriceChange.actor_id,
)
_CHANGE_WITH_NAME = (*_CHANGE, User.username.label("actor_name"))
_SCHEDULE = (
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
_PRICE_THEN = (
    select(PriceChange.price)
    .where(
        PriceChange.item_id == Item.id,
        PriceChange.changed_at <= bindparam("moment", type_=DateTime(timezone=True)),
    )
    .order_by(PriceChange.changed_at.desc(), PriceChange.id.desc())
    .limit(1)
    .scalar_subquery()
    .label("price_then")
)
_PRICED_ITEM = select(
    Item.id, Item.kind, Item.owner_id, Item.price, Item.currency, _PRICE_THEN, snapshot_text
).where(Item.id == bindparam("item_id"))

_APPLY = text(
    """
    WITH due AS (
        SELECT items.id AS item_id, sale.id AS sale_id, lasting.id AS lasting_id, sale.price AS sale_price,
            CASE WHEN lasting.id IS NOT NULL THEN lasting.price
                WHEN past.id IS NOT NULL THEN past.regular_price ELSE items.price END AS regular_price,
            coalesce(:actor_id, sale.actor_id, lasting.actor_id, past.actor_id) AS actor_id
        FROM items
        LEFT JOIN price_schedules AS past
            ON past.item_id = items.id AND past.state = 'active' AND past.ends_at <= :now
        LEFT JOIN price_schedules AS sale
            ON sale.item_id = items.id AND sale.state = 'pending'
            AND sale.starts_at <= :now AND sale.ends_at > :now
        LEFT JOIN LATERAL (
            SELECT id, price, actor_id FROM price_schedules
            WHERE item_id = items.id AND state = 'pending' AND ends_at IS NULL AND starts_at <= :now
            ORDER BY starts_at DESC LIMIT 1
        ) AS lasting ON true
        WHERE items.id = ANY(:item_ids)
    ), told AS (
        UPDATE price_schedules AS each SET version = each.version + 1,
            state = CASE WHEN each.id = due.sale_id THEN 'active'
                WHEN each.state = 'active' OR each.id = due.lasting_id THEN 'ended' ELSE 'missed' END,
            regular_price = CASE WHEN each.id = due.sale_id THEN due.regular_price ELSE each.regular_price END
        FROM due WHERE each.item_id = due.item_id
        AND ((each.state = 'pending' AND each.starts_at <= :now) OR (each.state = 'active' AND each.ends_at <= :now))
    ), moved AS (
        UPDATE items SET version = version + 1, updated_at = clock_timestamp(),
            price = CASE WHEN sale_id IS NULL THEN due.regular_price ELSE due.sale_price END
        FROM due WHERE items.id = due.item_id
        AND price IS DISTINCT FROM CASE WHEN sale_id IS NULL THEN due.regular_price ELSE due.sale_price END
        RETURNING items.id, items.price, items.currency, due.actor_id
    )
    INSERT INTO price_changes (item_id, price, currency, changed_at, source, actor_id)
    SELECT id, price, currency, clock_timestamp(), 'schedule', actor_id FROM moved RETURNING item_id
    """
).bindparams(bindparam("now", type_=DateTime(timezone=True)))


async def find_priced_item(connection: AsyncConnection, item_id: int, moment: datetime) -> AnyRow | None:
    """The item's owner, kind and price, with its price at a moment that has passed."""
    return (await connection.execute(_PRICED_ITEM, {"item_id": item_id, "moment": moment})).one_or_none()


async def list_changes(
    connection: AsyncConnection, item_id: int, window: Window, *, has_names: bool
) -> Found[AnyRow]:
    """One page of the item's prices, the newest first."""
    matching = select(PriceChange.id).where(PriceChange.item_id == item_id)

    def join(source: FromClause, change_id: ColumnElement[int]) -> FromClause:
        joined = source.outerjoin(PriceChange, PriceChange.id == change_id)
        return joined.outerjoin(User, User.id == PriceChange.actor_id) if has_names else joined

    columns = _CHANGE_WITH_NAME if has_names else _CHANGE
    return await find_page(connection, matching, _NEWEST_FIRST, window, columns, join)


async def list_schedules(
    connection: AsyncConnection, item_id: int, state: ScheduleState | None, window: Window
) -> Found[AnyRow]:
    """One page of the item's planned prices, the earliest first."""
    matching = select(PriceSchedule.id).where(PriceSchedule.item_id == item_id)
    if state is not None:
        matching = matching.where(PriceSchedule.state == state)

    def join(source: FromClause, schedule_id: ColumnElement[int]) -> FromClause:
        return source.outerjoin(PriceSchedule, PriceSchedule.id == schedule_id)

    return await find_page(connection, matching, _BY_START, window, _SCHEDULE, join)


async def find_schedule(connection: AsyncConnection, item_id: int, schedule_id: int) -> AnyRow | None:
    """One planned price of the item, with the snapshot it was read in."""
    statement = select(*_SCHEDULE, snapshot_text).where(
        PriceSchedule.id == schedule_id, PriceSchedule.item_id == item_id
    )
    return (await connection.execute(statement)).one_or_none()


async def list_open_schedules(connection: AsyncConnection, item_id: int) -> Sequence[AnyRow]:
    """Everything that is still planned for the item, the earliest first."""
    statement = (
        select(*_SCHEDULE)
        .where(PriceSchedule.item_id == item_id, PriceSchedule.state.in_(OPEN_STATES))
        .order_by(PriceSchedule.starts_at, PriceSchedule.id)
    )
    return (await connection.execute(statement)).all()


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
        statement = select(func.count()).where(
            PriceSchedule.item_id == item_id, PriceSchedule.state.in_(OPEN_STATES)
        )
        return await self._session.scalar(statement) or 0

    async def set(self, schedule: PriceSchedule, values: Mapping[str, object]) -> None:
        """Change the schedule; one that then overlaps another is refused by the database."""
        for name, value in values.items():
            setattr(schedule, name, value)
        await self._session.flush()

    async def delete(self, schedule_id: int) -> None:
        """Forget the schedule; the prices that it made stay in the history."""
        await self._session.execute(delete(PriceSchedule).where(PriceSchedule.id == schedule_id))

    async def lock_due(self, now: datetime) -> Sequence[int]:
        """Some items whose schedules begin or end by now, held until the transaction ends.

        Items that somebody else holds are left for the next time, so that nobody waits long.
        """
        due = union(_starting(now), _ending(now)).subquery()
        some = select(due.c.item_id).order_by(due.c.item_id).limit(CHUNK).cte().prefix_with("MATERIALIZED")
        statement = (
            select(Item.id)
            .join(some, some.c.item_id == Item.id)
            .order_by(Item.id)
            .with_for_update(of=Item, skip_locked=True)
        )
        return (await self._session.scalars(statement)).all()

    async def apply(
        self, item_ids: Sequence[int], now: datetime, actor_id: int | None = None
    ) -> Sequence[int]:
        """Give locked items the price that their schedules say, and the regular one where they are over.

        What began and ended unseen is missed. A second call changes nothing. Ids of the items that changed.
        The entries name who planned the price, unless `actor_id` does.
        """
        await attribute_prices(self._session, PriceSource.SCHEDULE, actor_id)
        values = {"item_ids": list(item_ids), "now": now, "actor_id": actor_id}
        return (await self._session.scalars(_APPLY, values)).all()


def _starting(now: datetime) -> Select[int]:
    is_due = and_(PriceSchedule.state == ScheduleState.PENDING, PriceSchedule.starts_at <= now)
    return select(PriceSchedule.item_id).where(is_due)


def _ending(now: datetime) -> Select[int]:
    is_due = and_(PriceSchedule.state == ScheduleState.ACTIVE, PriceSchedule.ends_at <= now)
    return select(PriceSchedule.item_id).where(is_due)
