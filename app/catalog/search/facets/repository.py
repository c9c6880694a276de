"""SQL of facets: every facet of a list in one statement, from the books with the smallest sample hashes."""

from collections.abc import Callable, Sequence
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

from app.catalog.index.conditions import Condition, Facet, Names, document_conditions
from app.catalog.index.criteria import YEARS_OF_A_DECADE, BookCriteria
from app.catalog.index.sampling import Matching, matching_books
from app.catalog.models import Author, BookDocument, Category, Series
from app.catalog.search.facets.bands import PRICE_BANDS
from app.core.db.queries import AnyRow, snapshot_text

MOST_VALUES = 50
"""Values shown of a facet."""

_COUNTED = (
    *(BookDocument.sample, BookDocument.price, BookDocument.in_stock, BookDocument.language),
    *(BookDocument.format, BookDocument.year, BookDocument.series_id, BookDocument.rating),
    *(BookDocument.author_ids, BookDocument.category_ids),
)


_Expressions = dict[Facet, Callable[[], ColumnElement[Any]]]


async def count_facets(connection: AsyncConnection, query: BookCriteria, names: Names) -> Sequence[AnyRow]:
    """For each facet a row without value (`n` books found, up to `last_sample`), then one for each value shown.

    Where `last_sample` is not NULL, what was found is a sample. A facet whose filter is set is counted
    without it; the row of all books has no facet. `of_all` is the sum over all values of the facet.
    Every row has the snapshot.
    """
    conditions = document_conditions(query, names)
    selected = {condition.facet for condition in conditions if condition.facet is not None}
    everything = _matching("everything", conditions, names)
    sources = {
        facet: _matching(f"without_{facet}", _apart_from(conditions, facet), names) for facet in selected
    }
    counted = [_count(facet, sources.get(facet, everything).rows) for facet in Facet]
    sizes = [_size(null(), everything), *(_size(literal(one), source) for one, source in sources.items())]
    statement = union_all(*sizes, _shown(union_all(*counted).cte("counted")))
    return (await connection.execute(statement)).all()


def _apart_from(conditions: Sequence[Condition], facet: Facet) -> list[Condition]:
    return [condition for condition in conditions if condition.facet is not facet]


def _matching(name: str, conditions: Sequence[Condition], names: Names) -> Matching:
    clauses = [condition.clause for condition in conditions]
    return matching_books(name, _COUNTED, clauses, names.frame_end)


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
    is_text = isinstance(values.type, Text)
    return _counted(facet, values, source, is_text=is_text)


def _values(facet: Facet, source: CTE) -> ColumnElement[Any]:
    books = source.c
    rounded_down: _Expressions = {
        # Rounded down before the common era too.
        Facet.DECADE: lambda: cast(func.floor(books.year / literal(10.0)), Integer) * YEARS_OF_A_DECADE,
        Facet.PRICE: lambda: func.width_bucket(
            books.price, array([low for low, _ in PRICE_BANDS]), type_=Integer
        ),
        Facet.RATING: lambda: cast(func.floor(books.rating), Integer),
    }
    plain: _Expressions = {
        Facet.AUTHOR: lambda: func.unnest(books.author_ids, type_=BigInteger),
        Facet.CATEGORY: lambda: func.unnest(books.category_ids, type_=BigInteger),
        Facet.SERIES: lambda: books.series_id,
        Facet.FORMAT: lambda: books.format,
        Facet.IN_STOCK: lambda: cast(books.in_stock, Text),
    }
    return (plain | rounded_down)[facet]()


def _counted(facet: Facet, values: ColumnElement[Any], source: CTE, *, is_text: bool) -> Any:
    of_book = select(values.label("value")).select_from(source).subquery(f"values_of_{facet}")
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
