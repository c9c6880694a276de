"""Which part of a period is read from sums of years, of months, of days, and which from the sales themselves. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from app.admin.stats.periods import Period

_DAY = timedelta(days=1)


class Nested(NamedTuple):
    """Sales themselves before `first` and from `last` on; days within, months within these, years within those."""

    since: datetime
    until: datetime
    first: datetime
    last: datetime
    first_day: date
    last_day: date
    first_month: date
    last_month: date
    first_year: date
    last_year: date


def nested(period: Period, until: datetime | None) -> Nested:
    """What is whole of the period, in UTC, as far as there are sums: up to `until`, a midnight."""
    first_day = _next_day_start(period.since)
    last_day = min(period.until, until or period.since).astimezone(UTC).date()
    if first_day >= last_day:
        ends = (period.since, period.until, period.since, period.since)
        return Nested(*ends, first_day, first_day, first_day, first_day, first_day, first_day)
    first_month, last_month = _within(_month_after(first_day - _DAY), last_day.replace(day=1), last_day)
    first_year, last_year = _within(
        date((first_month - _DAY).year + 1, 1, 1), last_month.replace(month=1, day=1), last_month
    )
    return Nested(
        period.since,
        period.until,
        _midnight(first_day),
        _midnight(last_day),
        first_day,
        last_day,
        first_month,
        last_month,
        first_year,
        last_year,
    )


def _within(first: date, last: date, end: date) -> tuple[date, date]:
    """The whole ones, or none, right before the end."""
    return (first, last) if first < last else (end, end)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _next_day_start(moment: datetime) -> date:
    """The first day, in UTC, that begins then or later."""
    day = moment.astimezone(UTC).date()
    return day if moment == _midnight(day) else day + _DAY


def _month_after(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
