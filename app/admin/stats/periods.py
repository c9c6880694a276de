"""Periods of statistics: half-open, in days of a place, with their buckets and the period before. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

MOST_BUCKETS = 1100
"""Three years of days."""

QUARTER = timedelta(minutes=15)
"""Every day of every time zone begins with one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


class Interval(StrEnum):
    """How long a bucket is; weeks begin on Mondays."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@cache
def zone_names() -> frozenset[str]:
    """Every name of the IANA database, which is looked up on disk once."""
    # This one is a link that some systems have, to whatever zone the machine is in.
    return frozenset(available_timezones() - {"localtime"})


def zone_of(name: str) -> ZoneInfo:
    """The time zone of this name. Raises ValueError, which says the name."""
    if name not in zone_names():
        raise ValueError(f"must be a time zone of the IANA database, such as Europe/Berlin; {name} is none")
    return ZoneInfo(name)


def zone_name(zone: tzinfo) -> str:
    """What `zone_of` finds it by."""
    return zone.key if isinstance(zone, ZoneInfo) else "UTC"


def start_of(day: date, zone: tzinfo) -> datetime:
    """The day's first moment there; where clocks skip midnight, the moment they do."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """From one moment up to another, which is not part of it, as clocks of the zone show them."""

    since: datetime
    until: datetime
    zone: tzinfo

    def bounds(self, interval: Interval) -> list[datetime]:
        """Where its buckets begin: the first at its own beginning, the others where the interval does.

        A day has the hours that it has there, 23 to 25. At most `MOST_BUCKETS` and one more.
        """
        inside = (start for start in self._starts(interval) if start > self.since)
        return [self.since, *islice(inside, MOST_BUCKETS)]

    def previous(self) -> "Period":
        """The period of the same length that ends where this one begins: so many days of the place, if it is of whole days."""
        begins, ends = (one.astimezone(self.zone).replace(tzinfo=None) for one in (self.since, self.until))
        length = ends - begins
        days_before = (begins - length).replace(tzinfo=self.zone).astimezone(UTC)
        # Days that clocks skipped, or an hour that they showed twice, are none.
        if length % _DAY or days_before >= self.since:
            days_before = self.since - (self.until - self.since)
        return Period(days_before, self.since, self.zone)

    def _starts(self, interval: Interval) -> Iterator[datetime]:
        day = _first_day(self.since.astimezone(self.zone).date(), interval)
        start = start_of(day, self.zone)
        while start < self.until:
            day = _next_day(day, interval)
            end = start_of(day, self.zone)
            # A day that a place left out, as Samoa its 30 December 2011, begins where the next one does.
            if interval is not Interval.HOUR and start < end:
                yield start
            while interval is Interval.HOUR and start < min(end, self.until):
                yield start
                start += _HOUR
            start = end


def _first_day(day: date, interval: Interval) -> date:
    match interval:
        case Interval.MONTH:
            return day.replace(day=1)
        case Interval.WEEK:
            return day - timedelta(days=day.weekday())
        case _:
            return day


def _next_day(day: date, interval: Interval) -> date:
    match interval:
        case Interval.MONTH:
            return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        case Interval.WEEK:
            return day + timedelta(days=7)
        case _:
            return day + _DAY


def floor_quarter(moment: datetime) -> datetime:
    """The quarter of an hour, in UTC, in which it lies."""
    return _EPOCH + (moment - _EPOCH) // QUARTER * QUARTER


def added_up(period: Period, until: datetime | None) -> tuple[datetime, datetime]:
    """From when to when the period is read from sums of quarters; of the rest each event is read itself."""
    if until is None:
        return period.since, period.since
    first = -((_EPOCH - period.since) // QUARTER) * QUARTER + _EPOCH
    last = floor_quarter(min(period.until, until))
    return (first, last) if first < last else (period.since, period.since)
