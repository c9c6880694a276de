"""Positions in a series as they are printed: `1`, `1.5`, `1-3`."""

import re
from decimal import Decimal

_FIRST_NUMBER = re.compile(r"\d{1,6}(\.\d{1,3})?", re.ASCII)


def series_order(position: str | None) -> Decimal | None:
    """The number that a printed position sorts by: its first one, so `1-3` is 1; None without."""
    match = _FIRST_NUMBER.search(position or "")
    return Decimal(match.group()) if match else None
