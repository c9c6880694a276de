"""Facets of the books that meet some filters."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.index.conditions import Facet, find_names
from app.catalog.index.criteria import YEARS_OF_A_DECADE, BookCriteria
from app.catalog.search.facets.bands import band_value
from app.catalog.search.facets.repository import count_facets
from app.catalog.search.facets.schemas import FacetOut, FacetsOut, FacetValue
from app.core.db.queries import AnyRow, population
from app.core.http.responses import ReadResult


class FacetCatalogue:
    """Counts what the books of a list have in common."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def count(self, query: BookCriteria) -> ReadResult:
        """Every facet, each without its own selection.

        Counts are exact up to 10,000 books; of more, they are estimated from as large a sample.
        """
        names = await find_names(self._connection, query)
        rows = await count_facets(self._connection, query, names)
        sizes = {row.facet: row for row in rows if row.place == 0}
        facets = {facet.value: _facet(facet, rows, sizes.get(facet.value, sizes[None])) for facet in Facet}
        answer = FacetsOut(
            total=_population(sizes[None]),
            is_estimate=any(size.last_sample is not None for size in sizes.values()),
            facets=facets,
        )
        # The older snapshot of the two: were a name changed in between, the answer must not be kept.
        return ReadResult(answer, names.snapshot or rows[0].snapshot)


def _population(size: AnyRow) -> int:
    return int(size.n) if size.last_sample is None else population(size.n, size.last_sample)


def _facet(facet: Facet, rows: Sequence[AnyRow], size: AnyRow) -> FacetOut:
    shown = sorted((row for row in rows if row.facet == facet and row.place > 0), key=lambda row: row.place)
    total = _population(size)

    def scaled(count: int) -> int:
        return round(count * total / size.n) if size.n else 0

    values = [FacetValue(**_texts(facet, row), count=scaled(row.n)) for row in shown]
    others = shown[0].of_all - sum(row.n for row in shown) if shown else 0
    return FacetOut(values=values, other_count=scaled(others))


def _texts(facet: Facet, row: AnyRow) -> dict[str, str]:
    """What to send as the filter, and what to show."""
    match facet:
        case Facet.PRICE:
            value = label = band_value(row.key)
        case Facet.DECADE:
            value, label = str(row.key), _decade(row.key)
        case _:
            value = str(row.key) if row.value is None else row.value
            label = row.label or value
    return {"value": value, "label": label}


def _decade(first: int) -> str:
    if first < 0:
        return f"{-first}-{-first - YEARS_OF_A_DECADE + 1} BC"
    return f"{first}s"
