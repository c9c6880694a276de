"""From when until when a price or a text holds."""

import calendar
from datetime import date

from app.catalog.formats.onix import code_lists
from app.catalog.formats.onix.dates import partial_date_of
from app.catalog.formats.onix.prices import Period
from app.catalog.formats.texts import FieldRefused

_FROM = code_lists.TEXT_FROM | {code_lists.PRICE_FROM}
_UNTIL = code_lists.TEXT_UNTIL | {code_lists.PRICE_UNTIL}
_HALF = {"06": 8, "07": 6, "11": 4}
"""Formats of list 55 that have two dates → the length of one."""

_HALF_OF = {16: 8, 12: 6}
"""The same by the length of both; eight digits alone may be a day."""


def period_of(role: str, text: str, form: str) -> Period:
    """The period of a date and its role: from, until, or from … until. Raises FieldRefused where it is not understood."""
    if role in _FROM:
        return Period(first=_first_day(text, form))
    if role in _UNTIL:
        return Period(last=_last_day(text, form))
    if role != code_lists.FROM_UNTIL:
        raise FieldRefused(f"has the role {role[:20] or '(none)'}", "unknown-role")
    half = _HALF.get(form) or _HALF_OF.get(len(text), 0)
    if not half or len(text) != 2 * half:
        raise FieldRefused("is no period", "invalid-date")
    return Period(_first_day(text[:half], code_lists.DAY), _last_day(text[half:], code_lists.DAY))


def _first_day(text: str, form: str) -> date:
    year, month, day = _known(text, form)
    return date(year, month or 1, day or 1)


def _last_day(text: str, form: str) -> date:
    year, month, day = _known(text, form)
    return date(year, month or 12, day or calendar.monthrange(year, month or 12)[1])


def _known(text: str, form: str) -> tuple[int, int, int]:
    """Year, month and day; 0 for what is not said."""
    partial = partial_date_of(text, form)
    if partial is None:
        raise FieldRefused("is text", "invalid-date")
    year, month, day = f"{partial}-0-0".split("-")[:3]
    return int(year), int(month), int(day)
