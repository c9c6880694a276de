"""When a request to an address that somebody named is tried again: ten tries over some three days.

One rule for webhooks and callbacks: any 2xx ends the tries, and so does 410; `Retry-After` puts the next one off.
"""

import random
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from app.core.clock import utc_now

MINUTE = 60
HOUR = 3600
PAUSES = (
    5,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
"""Seconds after the first failed try, the second, and so on; each with a tenth of jitter either way."""
TRIES = len(PAUSES) + 1
_JITTER = 0.1
_LONGEST_WISH = 24 * HOUR


def is_taken(status: int | None) -> bool:
    """Whether an answer with this status, None for no answer, says that the receiver took it."""
    return status is not None and 200 <= status < 300  # noqa: PLR2004 (HTTP's own)


def is_gone(status: int | None) -> bool:
    """Whether the receiver wants to hear no more, ever (RFC 9110 §15.5.11)."""
    return status == HTTPStatus.GONE


def pause_after(attempt: int, status: int | None, wish: float) -> float | None:
    """Seconds until the next try after this one failed, at least what the receiver wishes; None for never."""
    if attempt >= TRIES or is_gone(status):
        return None
    return max(PAUSES[attempt - 1] * random.uniform(1 - _JITTER, 1 + _JITTER), wish)  # noqa: S311 (jitter needs no cryptography)


def wished_pause(retry_after: str | None) -> float:
    """Seconds that `Retry-After` asks for, in either form, at most a day; 0 for nothing that can be read."""
    if retry_after is None:
        return 0
    given = retry_after.strip()
    if given.isascii() and given.isdigit():
        return float(min(int(given[:9]), _LONGEST_WISH))
    try:
        moment = parsedate_to_datetime(given)
    except (ValueError, OverflowError):
        return 0
    if moment.tzinfo is None:
        return 0
    return min(max((moment - utc_now()).total_seconds(), 0.0), _LONGEST_WISH)
