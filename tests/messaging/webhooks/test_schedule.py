"""Ten tries over three days, and what the receiver wishes."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from app.core.clock import utc_now
from app.messaging.webhooks.sending.schedule import PAUSES, TRIES, pause_after, wished_pause


def test_ten_tries_take_three_days() -> None:
    assert TRIES == 10
    assert list(PAUSES) == sorted(PAUSES)
    assert timedelta(days=3) <= timedelta(seconds=sum(PAUSES)) < timedelta(days=4)
    assert pause_after(9, 0) == PAUSES[-1]
    assert pause_after(10, 0) is None
    assert pause_after(10, 60) is None


def test_a_wish_for_more_time_is_granted_and_for_less_is_not() -> None:
    assert pause_after(1, 600) == 600
    assert pause_after(2, 1) == PAUSES[1]


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
    ],
)
def test_a_wish_is_read_in_either_form(header: str | None, seconds: float) -> None:
    assert wished_pause(header) == seconds


def test_a_wish_for_a_moment() -> None:
    later = format_datetime(utc_now() + timedelta(hours=2), usegmt=True)
    assert 7100 < wished_pause(later) <= 7200
    assert wished_pause(format_datetime(utc_now() + timedelta(days=9), usegmt=True)) == 86_400
