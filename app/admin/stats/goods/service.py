"""Adding up goods, so that statistics of years are read fast."""

from datetime import UTC, date, datetime, time

from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.stats.goods.models import Grain
from app.admin.stats.goods.queries import ITEMS, STOCK
from app.admin.stats.goods.repository import GoodsRollUpRepository
from app.admin.stats.periods import floor_quarter
from app.admin.stats.repository import RollUpRepository
from app.admin.stats.service import AGAIN, LAG, stops
from app.core.clock import utc_now


async def add_up_items(session: AsyncSession) -> int:
    """Add up what was sold of each item on days that are over, then months and years; how many rows of days were made."""
    marks, goods = RollUpRepository(session), GoodsRollUpRepository(session)
    known = await marks.get_until(ITEMS)
    since = known - AGAIN if known is not None else await goods.first_sale()
    end = _midnight((utc_now() - LAG).date())
    if since is None or since >= end:
        return 0
    start, made = _midnight(since.astimezone(UTC).date()), 0
    begins = start.date()
    for stop in stops(start, end):
        made += await goods.add_up_days(start, stop)
        start = stop
    ends = start.date()
    month, year = begins.replace(day=1), begins.replace(month=1, day=1)
    await goods.add_up_longer(Grain.MONTH, Grain.DAY, month, ends.replace(day=1))
    await goods.add_up_longer(Grain.YEAR, Grain.MONTH, year, ends.replace(month=1, day=1))
    await marks.set_until(ITEMS, start)
    return made


async def add_up_moves(session: AsyncSession) -> int:
    """Add up what came into the stock and left it; how many rows were made."""
    marks, goods = RollUpRepository(session), GoodsRollUpRepository(session)
    known = await marks.get_until(STOCK)
    since = known - AGAIN if known is not None else await goods.first_move()
    end = floor_quarter(utc_now() - LAG)
    if since is None or since >= end:
        return 0
    start, made = floor_quarter(since), 0
    for stop in stops(start, end):
        made += await goods.add_up_moves(start, stop)
        start = stop
    await marks.set_until(STOCK, start)
    return made


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
