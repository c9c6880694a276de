"""SQL of facets: every facet of a list in one statement, from the books with the smallest sample hashes."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Integer,
    SQLColumnExpression,
    Text,
    case,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.index.conditions import Facet, Names, document_conditions, find_names
from app.catalog.index.criteria import YEARS_OF_A_DECADE, BookCriteria
from app.catalog.index.sampling import Matching, matching_books
from app.catalog.models import Author, BookDocument, Category, Series
from app.catalog.search.facets.schemas import FacetOut, FacetsOut, FacetValue
from app.core.db.queries import AnyRow, population, snapshot_text
from app.core.http.responses import ReadResult

MOST_VALUES = 50
"""Values shown of a facet."""

_EDGES = (0, 5, 10, 20, 30, 50, 100, 200)
PRICE_BANDS: tuple[tuple[Decimal, Decimal | None], ...] = tuple(
    (Decimal(low), Decimal(high) if high else None)
    for low, high in zip(_EDGES, (*_EDGES[1:], None), strict=True)
)
"""From (counts) and to (does not) of each band of prices; the last one has no end."""

_COUNTED = (
    BookDocument.sample,
    BookDocument.price,
    BookDocument.in_stock,
    BookDocument.language,
    BookDocument.format,
    BookDocument.year,
    BookDocument.series_id,
    BookDocument.rating,
    BookDocument.author_ids,
    BookDocument.category_ids,
)


async def get_facets(connection: AsyncConnection, query: BookCriteria) -> ReadResult:
    """Every facet of the books that meet the filters, each without its own selection.

    Counts are exact up to 10,000 books; of more, they are estimated from as large a sample.
    """
    names = await find_names(connection, query)
    rows = await _count_facets(connection, query, names)
    sizes = {row.facet: row for row in rows if row.place == 0}
    answer = FacetsOut(
        total=_population(sizes[None]),
        is_estimate=any(size.last_sample is not None for size in sizes.values()),
        facets={facet.value: _facet(facet, rows, sizes.get(facet.value, sizes[None])) for facet in Facet},
    )
    # The older snapshot of the two: were a name changed in between, the answer must not be kept.
    return ReadResult(answer, names.snapshot or rows[0].snapshot)


async def _count_facets(connection: AsyncConnection, query: BookCriteria, names: Names) -> Sequence[AnyRow]:
    """For each facet a row without value (`n` books found, up to `last_sample`), then one for each value shown.

    Where `last_sample` is not NULL, what was found is a sample. A facet whose filter is set is counted
    without it; the row of all books has no facet. `of_all` is the sum over all values of the facet.
    Every row has the snapshot.
    """
    conditions = document_conditions(query, names)

    def matching(name: str, apart_from: Facet | None = None) -> Matching:
        clauses = [one.clause for one in conditions if apart_from is None or one.facet is not apart_from]
        return matching_books(name, _COUNTED, clauses, names.frame_end)

    everything = matching("everything")
    selected = {condition.facet for condition in conditions if condition.facet is not None}
    sources = {facet: matching(f"without_{facet}", facet) for facet in selected}
    counted = [_count(facet, sources.get(facet, everything).rows) for facet in Facet]
    sizes = [_size(null(), everything), *(_size(literal(one), source) for one, source in sources.items())]
    statement = union_all(*sizes, _shown(union_all(*counted).cte("counted")))
    return (await connection.execute(statement)).all()


def _size(facet: ColumnElement[Any], source: Matching) -> Any:
    return select(
        cast(facet, Text).label("facet"),
        cast(literal(0), BigInteger).label("place"),
        cast(null(), BigInteger).label("key"),
        cast(null(), Text).label("value"),
        cast(null(), Text).label("label"),
        func.count().label("n"),
        cast(null(), BigInteger).label("of_all"),
        source.last_sample,
        snapshot_text,
    ).select_from(source.rows)


def _count(facet: Facet, source: CTE) -> Any:
    """How many books have each value of the facet: a number as `key`, or a `value`."""
    if facet is Facet.LANGUAGE:
        return _count_languages(source)
    values = _values(facet, source)
    of_book = select(values.label("value")).select_from(source).subquery(f"values_of_{facet}")
    is_text = isinstance(values.type, Text)
    key, value = (null(), of_book.c.value) if is_text else (of_book.c.value, null())
    return (
        select(
            literal(facet.value).label("facet"),
            cast(key, BigInteger).label("key"),
            cast(value, Text).label("value"),
            func.count().label("n"),
        )
        .where(of_book.c.value.is_not(None))
        .group_by(of_book.c.value)
    )


def _values(facet: Facet, source: CTE) -> ColumnElement[Any]:
    books = source.c
    lower_edges = array([low for low, _ in PRICE_BANDS])
    values: Mapping[Facet, ColumnElement[Any]] = {
        Facet.AUTHOR: func.unnest(books.author_ids, type_=BigInteger),
        Facet.CATEGORY: func.unnest(books.category_ids, type_=BigInteger),
        Facet.SERIES: books.series_id,
        Facet.FORMAT: books.format,
        Facet.IN_STOCK: cast(books.in_stock, Text),
        # Rounded down before the common era too.
        Facet.DECADE: cast(func.floor(books.year / literal(10.0)), Integer) * YEARS_OF_A_DECADE,
        Facet.PRICE: func.width_bucket(books.price, lower_edges, type_=Integer),
        Facet.RATING: cast(func.floor(books.rating), Integer),
    }
    return values[facet]


def _count_languages(source: CTE) -> Any:
    """Books in a region's language are books in the language too."""
    tagged = (
        select(source.c.language, func.count().label("n"))
        .where(source.c.language.is_not(None))
        .group_by(source.c.language)
        .subquery("tagged")
    )
    parts = func.string_to_array(tagged.c.language, "-", type_=ARRAY(Text))
    lengths = func.generate_series(1, func.cardinality(parts)).label("length")
    tags = select(parts.label("parts"), tagged.c.n, lengths).subquery("tags")
    code = func.array_to_string(tags.c.parts[1 : tags.c.length], "-")
    return select(
        literal(Facet.LANGUAGE.value).label("facet"),
        cast(null(), BigInteger).label("key"),
        code.label("value"),
        cast(func.sum(tags.c.n), BigInteger).label("n"),
    ).group_by(code)


def _shown(counted: CTE) -> Any:
    """The most frequent values of each facet, with what to call them."""
    same = counted.c.facet
    most_first = (counted.c.n.desc(), counted.c.key, counted.c.value)
    ranked = select(
        counted,
        func.row_number().over(partition_by=same, order_by=most_first).label("place"),
        func.sum(counted.c.n).over(partition_by=same).label("of_all"),
    ).subquery("ranked")
    facet, key = ranked.c.facet, ranked.c.key

    def found(facet_named: Facet, name: SQLColumnExpression[str], of: SQLColumnExpression[int]) -> Any:
        # Not joined: the planner, who does not know how few values are shown, would read all names.
        return facet == facet_named.value, select(name).where(of == key).scalar_subquery()

    value = case(
        found(Facet.CATEGORY, Category.slug, Category.id),
        found(Facet.SERIES, Series.name, Series.id),
        else_=ranked.c.value,
    )
    label = case(
        found(Facet.CATEGORY, Category.name, Category.id), found(Facet.AUTHOR, Author.name, Author.id)
    )
    return select(
        facet,
        ranked.c.place,
        key,
        value,
        label,
        ranked.c.n,
        cast(ranked.c.of_all, BigInteger),
        cast(null(), Integer),
        snapshot_text,
    ).where(ranked.c.place <= MOST_VALUES)


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
            low, high = PRICE_BANDS[row.key - 1]
            value = label = f"{low}-{'' if high is None else high}"
        case Facet.DECADE:
            first = row.key
            is_common_era = first >= 0
            value = str(first)
            label = f"{first}s" if is_common_era else f"{-first}-{-first - YEARS_OF_A_DECADE + 1} BC"
        case _:
            value = str(row.key) if row.value is None else row.value
            label = row.label or value
    return {"value": value, "label": label}
