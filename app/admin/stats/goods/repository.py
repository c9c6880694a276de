"""Writes of sums of goods: each item's of days, months and years in UTC, and the stock's movements of quarters."""

from datetime import date, datetime

from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.stats.goods.models import Grain, ItemSales, StockQuarter
from app.admin.stats.goods.queries import ITEM_FACTS, MOVEMENT_FACTS

_FIRST_ITEM = text("SELECT min(paid_at) FROM orders")
_FIRST_MOVE = text("SELECT min(created_at) FROM stock_movements WHERE delta <> 0")
_ADD_DAYS = text(f"""
    INSERT INTO item_sales (grain, starts_on, item_id, currency, orders, items, revenue)
    SELECT 'day', CAST(at AT TIME ZONE 'UTC' AS date), item_id, currency, sum(orders), sum(items), sum(revenue)
    FROM ({ITEM_FACTS}) AS facts GROUP BY 2, 3, 4
    RETURNING item_id
""")  # noqa: S608 (made of constants alone)
_ADD_LONGER = text("""
    INSERT INTO item_sales (grain, starts_on, item_id, currency, orders, items, revenue)
    SELECT CAST(:grain AS text), CAST(date_trunc(:grain, starts_on) AS date), item_id, currency, sum(orders),
        sum(items), sum(revenue)
    FROM item_sales
    WHERE grain = :part AND starts_on >= CAST(:since AS date) AND starts_on < CAST(:until AS date)
    GROUP BY 2, 3, 4
""")
_ADD_MOVES = text(f"""
    INSERT INTO stock_quarters (starts_at, kind, came, went)
    SELECT date_bin('15 minutes', at, 'epoch'), kind, sum(came), sum(went)
    FROM ({MOVEMENT_FACTS}) AS facts GROUP BY 1, 2
    RETURNING starts_at
""")  # noqa: S608 (made of constants alone)


class GoodsRollUpRepository:
    """Adds up what is over."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def first_sale(self) -> datetime | None:
        """When the first order was paid."""
        first: datetime | None = await self._session.scalar(_FIRST_ITEM)
        return first

    async def first_move(self) -> datetime | None:
        """When stock first came or went."""
        first: datetime | None = await self._session.scalar(_FIRST_MOVE)
        return first

    async def add_up_days(self, since: datetime, until: datetime) -> int:
        """Add up each item's sales of these days anew; they begin and end at midnight in UTC. How many rows it made."""
        await self._clear(Grain.DAY, since.date(), until.date())
        values = {"since": since, "first": until, "last": until, "until": until}
        return len((await self._session.execute(_ADD_DAYS, values)).all())

    async def add_up_longer(self, grain: Grain, part: Grain, since: date, until: date) -> None:
        """Add up months of days, or years of months, anew: the whole ones of the period, which ends with one."""
        await self._clear(grain, since, until)
        values = {"grain": grain.value, "part": part.value, "since": since, "until": until}
        await self._session.execute(_ADD_LONGER, values)

    async def add_up_moves(self, since: datetime, until: datetime) -> int:
        """Add up the stock's movements of these quarters anew; how many rows it made."""
        inside = (StockQuarter.starts_at >= since, StockQuarter.starts_at < until)
        await self._session.execute(delete(StockQuarter).where(*inside))
        values = {"since": since, "first": until, "last": until, "until": until}
        return len((await self._session.execute(_ADD_MOVES, values)).all())

    async def _clear(self, grain: Grain, since: date, until: date) -> None:
        inside = (ItemSales.starts_on >= since, ItemSales.starts_on < until)
        await self._session.execute(delete(ItemSales).where(ItemSales.grain == grain, *inside))
