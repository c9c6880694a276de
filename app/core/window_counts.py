"""Counts of requests that each worker takes by itself and settles with the others beside the requests.

A count is of one window, cut by the clock at multiples of its length; what the window before it held
weighs less with every second (a sliding window). A worker decides by the total that it last heard and by
what it has counted since. It reports that a fifth of a second later, all clients' together, in one call to Redis which
answers with the totals. Whoever counts a tenth of a limit within such a moment waits for the report, so
over N workers at most `limit + N * max(1, limit / 10)` requests pass in a window; whatever passed beyond
the limit is counted too. While Redis is away each worker goes by its own counts, at most N times the
limit together, and reports them when it is back.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import structlog

from app.core.clock import utc_now
from app.core.redis import REDIS_FAULTS, RedisClient

REPORT_AFTER = 0.2
PAUSE = 5.0
"""Seconds without a call to Redis after a fault: else many a request would wait for its timeout."""
_MOST_COUNTS = 20_000
_SHARE_UNREPORTED = 10
_LARGEST_REPORT = 500
# KEYS: of each count the key of its window and of the one before. ARGV: of each count what is new, and its lifetime.
_REPORT = """
local totals = {}
for i = 1, #KEYS, 2 do
  totals[i] = redis.call('INCRBY', KEYS[i], ARGV[i])
  redis.call('EXPIRE', KEYS[i], ARGV[i + 1])
  totals[i + 1] = tonumber(redis.call('GET', KEYS[i + 1]) or '0')
end
return totals
"""
_log = structlog.get_logger(__name__)


class Limit(NamedTuple):
    """So many requests in so many seconds."""

    amount: int
    seconds: int


class Verdict(NamedTuple):
    """Whether one more may pass, how many more may after it, and in how many seconds there is room again."""

    is_allowed: bool
    remaining: int
    seconds: int


@dataclass(slots=True)
class _Count:
    """One window of one client: what all workers have counted as far as is known, and what they do not know of."""

    window: int
    previous: int = 0
    total: int = 0
    reporting: int = 0
    unreported: int = 0

    @property
    def known(self) -> int:
        return self.total + self.reporting + self.unreported


class _Report(NamedTuple):
    name: str
    window: int
    seconds: int
    number: int


class WindowCounts:
    """This worker's counts by name; `take` is the way in, and costs no call to Redis as a rule."""

    def __init__(self, redis: RedisClient) -> None:
        self._report_all = redis.register_script(_REPORT)
        self._counts: dict[str, _Count] = {}
        self._news: dict[str, int] = {}
        """Names of counts with something to report, with the length of their windows."""
        self._overdue: list[_Report] = []
        self._alone_until = 0.0
        self._settling = asyncio.Lock()
        self._reporter: asyncio.Task[None] | None = None

    async def take(self, limit: Limit, name: str) -> Verdict:
        """Count one request, unless the limit is reached."""
        count, now = self._find(limit, name)
        most = max(1, limit.amount // _SHARE_UNREPORTED)
        while count.reporting + count.unreported >= most and not self._is_alone:
            async with self._settling:
                count, now = self._find(limit, name)
                if count.reporting + count.unreported >= most:
                    await self._report()
            count, now = self._find(limit, name)
        verdict = _judge(limit, count, now)
        if verdict.is_allowed:
            count.unreported += 1
            self._news[name] = limit.seconds
            if self._reporter is None or self._reporter.done():
                self._reporter = asyncio.create_task(self._report_in_turn())
        return verdict

    def look(self, limit: Limit, name: str) -> Verdict:
        """Count nothing."""
        return _judge(limit, *self._find(limit, name))

    async def stop(self) -> None:
        """Report what is left."""
        if self._reporter is not None:
            self._reporter.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reporter
        async with self._settling:
            await self._report()

    @property
    def _is_alone(self) -> bool:
        return time.monotonic() < self._alone_until

    def _find(self, limit: Limit, name: str) -> tuple[_Count, float]:
        """The count as the clock has it now, which may have been moved either way."""
        now = utc_now().timestamp()
        window = int(now // limit.seconds)
        count = self._counts.get(name)
        if count is None or count.window != window:
            previous = 0
            if count is not None:
                previous = count.known if count.window == window - 1 else 0
                if count.unreported:
                    self._overdue.append(_Report(name, count.window, limit.seconds, count.unreported))
                del self._counts[name]
            count = self._counts[name] = _Count(window, previous)
            if len(self._counts) > _MOST_COUNTS:
                self._forget_oldest()
        return count, now

    def _forget_oldest(self) -> None:
        # Redis knows it, so it is back with the next report of its client.
        name = next(iter(self._counts))
        count = self._counts.pop(name)
        seconds = self._news.pop(name, None)
        if seconds is not None and count.unreported:
            self._overdue.append(_Report(name, count.window, seconds, count.unreported))

    async def _report_in_turn(self) -> None:
        while self._news or self._overdue:
            await asyncio.sleep(max(REPORT_AFTER, self._alone_until - time.monotonic()))
            async with self._settling:
                await self._report()

    async def _report(self) -> None:
        """Tell Redis what is new, and hear the totals; what it cannot be told is kept for the next time."""
        reports = self._gather()
        try:
            while reports:
                part = reports[:_LARGEST_REPORT]
                keys = [
                    f"bookstore:{{count}}:{each.name}:{window}"
                    for each in part
                    for window in (each.window, each.window - 1)
                ]
                numbers = [number for each in part for number in (each.number, 2 * each.seconds)]
                totals = await self._report_all(keys=keys, args=numbers)
                for each, total, previous in zip(part, totals[::2], totals[1::2], strict=True):
                    self._settle(each, total, previous)
                del reports[:_LARGEST_REPORT]
        except REDIS_FAULTS as fault:
            self._alone_until = time.monotonic() + PAUSE
            _log.warning("rate_limit_is_local", error=fault)
        finally:
            for each in reports:
                self._take_back(each)

    def _gather(self) -> list[_Report]:
        overdue, self._overdue = self._overdue, []
        news, self._news = self._news, {}
        now = utc_now().timestamp()
        reports = [each for each in overdue if now < (each.window + 2) * each.seconds]
        for name, seconds in news.items():
            count = self._counts.get(name)
            if count is not None and count.unreported:
                reports.append(_Report(name, count.window, seconds, count.unreported))
                count.reporting += count.unreported
                count.unreported = 0
        return reports

    def _settle(self, told: _Report, total: int, previous: int) -> None:
        count = self._counts.get(told.name)
        if count is None:
            return
        if count.window == told.window:
            count.reporting -= min(told.number, count.reporting)
            # Never less than is known: Redis may have lost its memory.
            count.total = max(total, count.total + told.number)
            count.previous = max(previous, count.previous)
        elif count.window == told.window + 1:
            count.previous = max(total, count.previous)

    def _take_back(self, untold: _Report) -> None:
        count = self._counts.get(untold.name)
        if count is not None and count.window == untold.window and count.reporting >= untold.number:
            count.reporting -= untold.number
            count.unreported += untold.number
            self._news[untold.name] = untold.seconds
        else:
            self._overdue.append(untold)


def _judge(limit: Limit, count: _Count, now: float) -> Verdict:
    passed = now / limit.seconds - count.window
    used = count.previous * (1 - passed) + count.known
    if used + 1 <= limit.amount:
        return Verdict(
            is_allowed=True,
            remaining=int(limit.amount - used) - 1,
            seconds=max(1, ceil((1 - passed) * limit.seconds)),
        )
    room = limit.amount - 1 - count.known
    if room >= 0:
        # As soon as enough of the window before has slid away.
        wait = 1 - room / count.previous - passed
    else:
        # Not in this window; in the next one it is the one before.
        wait = 1 - passed + 1 - (limit.amount - 1) / count.known
    return Verdict(is_allowed=False, remaining=0, seconds=max(1, ceil(wait * limit.seconds)))
