"""The one place that reads the wall clock, so that tests can move time."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present instant, timezone-aware in UTC."""
    return datetime.now(UTC)
