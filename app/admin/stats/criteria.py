"""What statistics and reports are asked for: a period, in days of a place."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from app.admin.stats.periods import MOST_BUCKETS, Interval, Period, start_of, zone_name, zone_of
from app.core.clock import shop_zone, utc_now
from app.core.http.schemas import Line

DEFAULT_DAYS = timedelta(days=30)
_FIRST_YEAR = 1970
_LAST_YEAR = 2199
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_HINT = "must be a day such as 2026-03-01, or a moment with its zone (RFC 3339)"
_moment = TypeAdapter[datetime](AwareDatetime)


def _read(value: object) -> object:
    """A day as a day and a moment as a moment: neither is taken for the other, and no number for either."""
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or _DAY.match(value.strip()) is None:
        raise ValueError(_HINT)
    text = value.strip()
    if _DAY.fullmatch(text):
        return date.fromisoformat(text)
    try:
        return _moment.validate_python(text)
    except ValidationError:
        raise ValueError(_HINT) from None


DayOrMoment = Annotated[
    date, PlainValidator(_read), WithJsonSchema({"type": "string", "examples": ["2026-03-01"]})
]
"""A day, which is one of whatever zone is asked for, or a moment (a `datetime`)."""


class Compare(StrEnum):
    """What the period is shown beside."""

    PREVIOUS = "previous"


class OfPeriod(BaseModel):
    """A half-open period; without `from` and `to` the last thirty days, today among them."""

    since: DayOrMoment | None = Field(
        default=None,
        alias="from",
        description="A day of the time zone, which begins the period, or a moment. Without it: thirty days before `to`.",
        examples=["2026-03-01"],
    )
    until: DayOrMoment | None = Field(
        default=None,
        alias="to",
        description="The first day, or moment, that is no longer part of it. Without it: tomorrow.",
        examples=["2026-04-01"],
    )
    tz: Annotated[Line, Field(min_length=1, max_length=64)] | None = Field(
        default=None,
        description="Time zone of the IANA database whose days count. Without it: the shop's.",
        examples=["Europe/Berlin"],
    )
    _period: Period = PrivateAttr()

    @field_validator("tz")
    @classmethod
    def _is_known(cls, name: str | None) -> str | None:
        if name is not None:
            zone_of(name)
        return name

    @model_validator(mode="after")
    def _is_a_period(self) -> Self:
        self._period = make_period(self.since, self.until, self.tz)
        return self

    @property
    def period(self) -> Period:
        """What was asked for, or what stands for it."""
        return self._period


class PeriodQuery(OfPeriod):
    """A period, and whether to compare it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    compare: Compare | None = Field(
        default=None, description="`previous`: the period of the same length before it, too."
    )

    @property
    def zone_name(self) -> str:
        """The name of the zone whose days count."""
        return self.tz or zone_name(shop_zone())

    @property
    def previous(self) -> Period | None:
        """What to compare it with."""
        return self.period.previous() if self.compare else None


class StatsQuery(PeriodQuery):
    """A period and its buckets."""

    interval: Interval = Field(default=Interval.DAY, description="How long each bucket is.")

    @model_validator(mode="after")
    def _has_few_buckets(self) -> Self:
        if len(self.period.bounds(self.interval)) > MOST_BUCKETS:
            raise ValueError(f"has more than {MOST_BUCKETS} buckets; ask for longer ones or a shorter period")
        return self


def make_period(since: date | None, until: date | None, tz: str | None) -> Period:
    """The half-open period between two days or moments, in days of the zone; what is left out as `PeriodQuery` says.

    Raises ValueError where it does not begin before it ends, or where no shop was yet.
    """
    zone = zone_of(tz) if tz else shop_zone()
    ends = utc_now().astimezone(zone).date() + timedelta(days=1) if until is None else until
    end = _as_moment(ends, zone)
    begins: date
    if since is not None:
        begins = since
    elif isinstance(ends, datetime):
        begins = end - DEFAULT_DAYS
    else:
        begins = ends - DEFAULT_DAYS
    start = _as_moment(begins, zone)
    if start >= end:
        raise ValueError("`from` must be before `to`")
    return Period(start, end, zone)


def _as_moment(value: date, zone: tzinfo) -> datetime:
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise ValueError(f"`from` and `to` must lie between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return value.astimezone(UTC) if isinstance(value, datetime) else start_of(value, zone)
