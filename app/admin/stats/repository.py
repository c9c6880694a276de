"""Writes of sums: what happened in each quarter of an hour, added up once it is over."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.stats.models import RolledUp, SalesQuarter
from app.admin.stats.queries import SALE_FACTS

AT_ONCE = timedelta(days=31)
"""Added up by one statement, so that none takes long."""

_FIRST = text("SELECT least((SELECT min(created_at) FROM orders), (SELECT min(paid_at) FROM orders))")
_ADD_UP = text(f"""
    INSERT INTO sales_quarters (starts_at, currency, channel, placed, begun, orders, items, gross, discounts, shipping,
        tax, total)
    SELECT date_bin('15 minutes', at, 'epoch'), currency, channel, sum(placed), sum(begun), sum(orders), sum(items),
        sum(gross), sum(discounts), sum(shipping), sum(tax), sum(total)
    FROM ({SALE_FACTS}) AS facts GROUP BY 1, 2, 3
    RETURNING starts_at
""")  # noqa: S608 (made of a constant alone)


class RollUpRepository:
    """Adds up what is over."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get_until(self, kind: str) -> datetime | None:
        """Up to when it is added up; the row stays locked, so that nobody else adds up meanwhile."""
        wanted = select(RolledUp.until).where(RolledUp.kind == kind).with_for_update()
        return await self._session.scalar(wanted)

    async def set_until(self, kind: str, until: datetime) -> None:
        """Say up to when it is added up."""
        row = insert(RolledUp).values(kind=kind, until=until)
        changed = row.on_conflict_do_update(index_elements=[RolledUp.kind], set_={"until": until})
        await self._session.execute(changed)

    async def first_sale(self) -> datetime | None:
        """When the first order was placed or paid."""
        first: datetime | None = await self._session.scalar(_FIRST)
        return first

    async def add_up_sales(self, since: datetime, until: datetime) -> int:
        """Add the period up anew, which begins and ends with quarters; how many rows it made."""
        inside = (SalesQuarter.starts_at >= since, SalesQuarter.starts_at < until)
        await self._session.execute(delete(SalesQuarter).where(*inside))
        values = {"since": since, "first": until, "last": until, "until": until}
        return len((await self._session.execute(_ADD_UP, values)).all())
