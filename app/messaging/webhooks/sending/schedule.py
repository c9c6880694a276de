"""When a webhook is tried again: ten tries over some three days."""

from email.utils import parsedate_to_datetime

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
BREAKER = 3
"""Failures in a row from which the whole endpoint waits, by the same schedule, and then gets one try."""
DISABLING = 10
"""Failures in a row that disable it."""
PARALLEL = 4
"""Tries at once at an endpoint that did not just fail; at any other one."""
_LONGEST_WISH = 24 * HOUR


def pause_after(attempt: int, wish: float) -> float | None:
    """Seconds until the next try, at least what the receiver wishes (`Retry-After`); None after the last."""
    return max(PAUSES[attempt - 1], wish) if attempt < TRIES else None


def wished_pause(retry_after: str | None) -> float:
    """Seconds that the header asks for, in either form, at most a day; 0 for nothing that can be read."""
    if retry_after is None:
        return 0
    given = retry_after.strip()
    if given.isascii() and given.isdigit():
        return float(min(int(given[:9]), _LONGEST_WISH))
    try:
        moment = parsedate_to_datetime(given)
    except ValueError:
        return 0
    if moment.tzinfo is None:
        return 0
    return min(max((moment - utc_now()).total_seconds(), 0.0), _LONGEST_WISH)
