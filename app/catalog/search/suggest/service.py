"""Suggestions for what somebody is typing."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.search.suggest.repository import ENOUGH, EXACT, list_suggestions
from app.catalog.search.suggest.schemas import Suggestion, Suggestions, SuggestionType
from app.core.db.queries import AnyRow
from app.core.http.responses import ReadResult

_TYPES = {kind.value: place for place, kind in enumerate(SuggestionType)}


class SuggestionCatalogue:
    """Finds what may be meant."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def suggest(self, typed: str) -> ReadResult:
        """At most ten: exact before prefix before words within before corrected spelling.

        Within each, the types take turns; authors and series with more books and books in stock come first.
        """
        rows = await list_suggestions(self._connection, typed)
        chosen = _chosen(rows, ENOUGH)
        correction = next(row.text for row in rows if row.id is None)
        if correction is not None:
            known = {(row.type, row.id) for row in chosen}
            mended = await list_suggestions(self._connection, correction)
            others = [row for row in mended if (row.type, row.id) not in known]
            chosen += _chosen(others, ENOUGH - len(chosen))
        answer = Suggestions(items=[Suggestion(type=row.type, id=row.id, text=row.text) for row in chosen])
        return ReadResult(answer, rows[0].snapshot)


def _chosen(rows: Iterable[AnyRow], count: int) -> list[AnyRow]:
    """The best rows, with some of each type among them where there are any."""
    by_type = sorted((row for row in rows if row.id is not None), key=_worth)
    ranked = [
        (place, row)
        for _, of_type in groupby(by_type, key=lambda row: row.type)
        for place, row in enumerate(_distinct(of_type))
    ]
    ranked.sort(key=lambda one: (one[1].fit != EXACT, one[0], _TYPES[one[1].type]))
    shown = sorted(ranked[:count], key=lambda one: (one[1].fit, one[0], _TYPES[one[1].type]))
    return [row for _, row in shown]


def _worth(row: AnyRow) -> tuple[int, int, int, str, int]:
    return _TYPES[row.type], row.fit, -row.weight, row.text, row.id


def _distinct(rows: Iterable[AnyRow]) -> Sequence[AnyRow]:
    """Of editions with one title, the first."""
    return list({(row.type, row.text.casefold()): row for row in reversed(list(rows))}.values())[::-1]
