"""Adding up what is over, so that statistics are read fast; they are right without it, too."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.stats.periods import floor_quarter
from app.admin.stats.queries import SALES
from app.admin.stats.repository import AT_ONCE, RollUpRepository
from app.core.clock import utc_now

LAG = timedelta(hours=1)
"""No transaction takes so long: what happened before that is committed."""
AGAIN = timedelta(days=1)
"""So much of what was added up is added up anew: should one have taken longer all the same."""
MOST_SPANS = 12
"""Of `AT_ONCE` in one run: a shop that gets its first sums has them after some runs."""


async def add_up_sales(session: AsyncSession) -> int:
    """Add up sales from where the last run ended; how many rows were made."""
    sums = RollUpRepository(session)
    known = await sums.get_until(SALES)
    since = known - AGAIN if known is not None else await sums.first_sale()
    end = floor_quarter(utc_now() - LAG)
    if since is None or since >= end:
        return 0
    start, made = floor_quarter(since), 0
    for stop in stops(start, end):
        made += await sums.add_up_sales(start, stop)
        start = stop
    await sums.set_until(SALES, start)
    return made


def stops(start: datetime, end: datetime) -> Iterator[datetime]:
    """Where each statement of a run ends."""
    for _ in range(MOST_SPANS):
        if start < end:
            start = min(start + AT_ONCE, end)
            yield start
