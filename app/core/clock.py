"""The one place that reads the wall clock, so that tests can move time; and the shop's own time zone."""

from datetime import UTC, date, datetime, time, tzinfo

_shop_zone: tzinfo = UTC


def utc_now() -> datetime:
    """The present instant, timezone-aware in UTC."""
    return datetime.now(UTC)


def set_shop_zone(zone: tzinfo | None) -> None:
    """Say where the shop is (None: by UTC): once per process, from the settings."""
    global _shop_zone  # noqa: PLW0603 (of the process, as the clock itself)
    _shop_zone = zone or UTC


def shop_zone() -> tzinfo:
    """Where the shop is, as a time zone."""
    return _shop_zone


def shop_today() -> date:
    """The day that it is where the shop is."""
    return datetime.now(_shop_zone).date()


def shop_day(moment: datetime) -> date:
    """The day that it was then where the shop is."""
    return moment.astimezone(_shop_zone).date()


def start_of_day(day: date) -> datetime:
    """The first moment of the day where the shop is; where clocks skip midnight, the moment they do."""
    return datetime.combine(day, time.min, _shop_zone).astimezone(UTC)
