"""Ten tries over three days, and what the receiver wishes."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from app.core.clock import utc_now
from app.core.outbound_tries import PAUSES, TRIES, pause_after, wished_pause


def test_ten_tries_take_three_days() -> None:
    assert TRIES == 10
    assert list(PAUSES) == sorted(PAUSES)
    assert timedelta(days=3) <= timedelta(seconds=sum(PAUSES)) < timedelta(days=4)
    for attempt, pause in enumerate(PAUSES, 1):
        assert 0.9 * pause <= (pause_after(attempt, 500, 0) or 0) <= 1.1 * pause
    assert pause_after(10, 500, 0) is None
    assert pause_after(10, None, 60) is None


def test_a_wish_for_more_time_is_granted_and_for_less_is_not() -> None:
    assert pause_after(1, 503, 600) == 600
    assert (pause_after(2, None, 1) or 0) >= 0.9 * PAUSES[1]


def test_who_is_gone_is_not_asked_again() -> None:
    assert pause_after(1, 410, 0) is None
    assert pause_after(1, 410, 60) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("120", 120),
        (" 7 ", 7),
        ("-1", 0),
        ("1e9", 0),
        ("9" * 5000, 86_400),
        ("soon", 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 99 Oct 2015 07:28:00 GMT", 0),
        ("٣", 0),
        ("Mon, 99999999999999999999 Jan 2026 00:00:00 GMT", 0),
        ("Mon, 1 Jan 9999999999999999999999 00:00:00 GMT", 0),
        ("Mon, 1 Jan 2026 00:00:00 +99999999999999", 0),
    ],
)
def test_a_wish_is_read_in_either_form(header: str | None, seconds: float) -> None:
    assert wished_pause(header) == seconds


def test_a_wish_for_a_moment() -> None:
    later = format_datetime(utc_now() + timedelta(hours=2), usegmt=True)
    assert 7100 < wished_pause(later) <= 7200
    assert wished_pause(format_datetime(utc_now() + timedelta(days=9), usegmt=True)) == 86_400
