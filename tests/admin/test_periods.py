"""Periods of statistics: days of a place, which are not all of 24 hours."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.admin.stats.periods import MOST_BUCKETS, Interval, Period, added_up, start_of, zone_name, zone_of

BERLIN = ZoneInfo("Europe/Berlin")
ODD_PLACES = ("Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia")
MOMENTS = st.integers(800_000_000, 2_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))


def period(since: str, until: str, zone: ZoneInfo = BERLIN) -> Period:
    begins, ends = (start_of(date.fromisoformat(day), zone) for day in (since, until))
    return Period(begins, ends, zone)


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [("2026-03-29", "2026-03-30", 23), ("2026-10-25", "2026-10-26", 25), ("2026-06-01", "2026-06-02", 24)],
)
def test_a_day_has_the_hours_that_it_has_there(since: str, until: str, hours: int) -> None:
    day = period(since, until)

    assert day.until - day.since == timedelta(hours=hours)
    assert len(day.bounds(Interval.HOUR)) == hours
    assert len(day.bounds(Interval.DAY)) == 1


def test_days_weeks_and_months_begin_at_midnight_there() -> None:
    whole = period("2026-03-01", "2026-05-01")

    days = whole.bounds(Interval.DAY)
    assert len(days) == 61
    assert {day.astimezone(BERLIN).hour for day in days} == {0}
    weeks = [week.astimezone(BERLIN) for week in whole.bounds(Interval.WEEK)]
    # The first of March is a Sunday.
    assert [week.weekday() for week in weeks] == [6, *[0] * 9]
    assert whole.bounds(Interval.MONTH) == [whole.since, start_of(date(2026, 4, 1), BERLIN)]


def test_a_day_whose_midnight_is_skipped_begins_when_the_clocks_do() -> None:
    brazil = ZoneInfo("America/Sao_Paulo")
    days = period("2018-11-03", "2018-11-06", brazil).bounds(Interval.DAY)

    assert [day.astimezone(brazil).hour for day in days] == [0, 1, 0]


def test_a_day_that_was_left_out_has_no_bucket() -> None:
    samoa = ZoneInfo("Pacific/Apia")
    days = period("2011-12-28", "2012-01-01", samoa).bounds(Interval.DAY)

    assert [day.astimezone(samoa).day for day in days] == [28, 29, 31]


def test_the_period_before_has_as_many_days() -> None:
    month = period("2026-04-01", "2026-05-01")

    before = month.previous()

    assert before == period("2026-03-02", "2026-04-01")
    # One hour shorter: the clocks went forward in it.
    assert before.until - before.since == timedelta(days=30, hours=-1)


def test_the_period_before_some_hours_has_as_many_hours() -> None:
    some = Period(datetime(2026, 3, 29, 6, tzinfo=UTC), datetime(2026, 3, 29, 12, tzinfo=UTC), BERLIN)

    assert some.previous() == Period(datetime(2026, 3, 29, tzinfo=UTC), some.since, BERLIN)


def test_the_period_before_is_never_empty() -> None:
    # An hour by which the clocks went back, and a day before which a whole one was left out.
    twice = Period(
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC), BERLIN
    )
    after_the_gap = period("2011-12-31", "2012-01-01", ZoneInfo("Pacific/Apia"))

    assert twice.previous().until - twice.previous().since == timedelta(hours=1)
    assert after_the_gap.previous().since == after_the_gap.since - timedelta(days=1)


@given(MOMENTS, st.timedeltas(timedelta(seconds=1), timedelta(days=50)), st.sampled_from(ODD_PLACES))
def test_buckets_fill_the_period_without_a_gap(since: datetime, length: timedelta, place: str) -> None:
    asked = Period(since, since + length, ZoneInfo(place))

    for interval in Interval:
        bounds = asked.bounds(interval)
        assert bounds[0] == since
        if len(bounds) <= MOST_BUCKETS:
            assert all(one < other for one, other in pairwise([*bounds, asked.until]))


@given(
    MOMENTS,
    st.timedeltas(timedelta(seconds=1), timedelta(days=2)),
    st.timedeltas(timedelta(-2), timedelta(4)),
)
def test_sums_are_read_for_whole_quarters_inside(
    since: datetime, length: timedelta, ahead: timedelta
) -> None:
    asked, until = Period(since, since + length, UTC), since + ahead

    first, last = added_up(asked, until)

    assert since <= first <= last <= max(asked.until, since)
    if first < last:
        assert last <= until
        assert all(bound.minute % 15 == bound.second == bound.microsecond == 0 for bound in (first, last))


def test_zones_are_known_by_their_names_alone() -> None:
    assert zone_name(zone_of("Europe/Berlin")) == "Europe/Berlin"
    assert zone_name(UTC) == "UTC"
    for name in ("Europe/Atlantis", "../etc/passwd", "europe/berlin", "CEST", "localtime", ""):
        with pytest.raises(ValueError, match="must be a time zone"):
            zone_of(name)
