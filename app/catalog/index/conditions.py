"""SQL of book filters: what their names stand for, and the conditions on search documents.

Values stand in the statement's text, not as parameters: how common a language or a category is
decides the plan, and a plan made once for all values would be wrong for most.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    SQLColumnExpression,
    Text,
    and_,
    any_,
    cast,
    exists,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.canonical import list_canonical
from app.catalog.index.criteria import YEARS_OF_A_DECADE, BookCriteria, as_id, price_range, subject_key
from app.catalog.index.matching import Asked, asked_columns, isbn_of, matches_search
from app.catalog.index.sampling import COSTLY_FRAME, FRAME, frame_end
from app.catalog.models import Author, Book, BookDocument, Category, Contributor, Item, Series
from app.core.db.queries import fixed, has_name_words, snapshot_text

MOST_AUTHORS = 5000
"""Authors of one name that are looked for by id; of more, each book's contributors are looked at."""
_FEW_AUTHORS = 20
"""So many are looked for in the documents: their lists are compared author by author."""


_BOOKS = literal_column("(SELECT reltuples FROM pg_class WHERE oid = 'book_documents'::regclass)", Float)
"""About how many books there are, as the planner knows it."""


_OF_SCHEME: ColumnElement[Any] = literal_column(
    "'$[*] ? (@.scheme == $scheme && @.code starts with $code)'::jsonpath"
)


class Facet(StrEnum):
    """What books are counted by; also the filter that takes its values."""

    LANGUAGE = "language"
    FORMAT = "format"
    CATEGORY = "category"
    AUTHOR = "author"
    SERIES = "series"
    DECADE = "decade"
    PRICE = "price"
    IN_STOCK = "in_stock"
    RATING = "rating"


@dataclass(frozen=True, slots=True)
class Names:
    """What the names in the filters stand for; `author_ids` is None when they are too many people's.

    `merged_authors` says who stands now for ids of authors that were merged.
    `frame_end` is where the frame of samples ends. Of all books nothing is asked, not even the snapshot.
    """

    category_ids: Sequence[int] = ()
    series_ids: Sequence[int] = ()
    author_ids: Sequence[int] | None = ()
    merged_authors: Mapping[int, int] = field(default_factory=dict)
    frame_end: int | None = None
    snapshot: str | None = None
    search: Asked | None = None

    def current_authors(self, ids: Iterable[int]) -> list[int]:
        """The authors that stand for these after merges."""
        return [self.merged_authors.get(asked, asked) for asked in ids]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on `BookDocument`, and the facet whose selection it is, if any."""

    facet: Facet | None
    clause: ColumnElement[bool]


async def find_names(connection: AsyncConnection, query: BookCriteria, *, is_of_part: bool = False) -> Names:
    """Find what the filters' names stand for, in one statement; none when all books are meant.

    One more follows the merges of authors, where the filters have ids of merged ones.
    """
    if not (query.has_filters or is_of_part):
        return Names()
    authors = [name for name in query.author if as_id(name) is None]
    found = (await connection.execute(_select_names(query, authors))).one()
    are_few = len(found.author_ids) <= MOST_AUTHORS
    # The index of samples holds neither words nor subjects, nor what suppliers say.
    frame = COSTLY_FRAME if query.search or query.subject or query.supplier_availability else FRAME
    asked = None
    if query.search is not None:
        isbn13 = isbn_of(query.search)
        asked = Asked(
            isbn13, found.title, found.query, found.corrected_query, found.partial_query, found.formats
        )
    return Names(
        found.category_ids,
        found.series_ids,
        found.author_ids if are_few else None,
        dict(await list_canonical(connection, Author, found.merged_ids)) if found.merged_ids else {},
        frame_end(found.books, frame),
        found.snapshot,
        asked,
    )


def _select_names(query: BookCriteria, authors: Sequence[str]) -> Any:
    ids = _ids(query.category)
    slugs = [key for key in query.category if as_id(key) is None]
    category = or_(Category.id == any_(literal(ids, ARRAY(BigInteger))), Category.slug.in_(slugs))
    series = func.series_key(Series.name).in_([func.series_key(name) for name in query.series])
    author = or_(literal(value=False), *(has_name_words(Author.names_words, name) for name in authors))
    author_ids = [*query.author_id, *_ids(query.author)]
    has_id = Author.id == any_(literal(author_ids, ARRAY(BigInteger)))
    merged = select(Author.id).where(has_id, Author.merged_into_id.is_not(None))
    return select(
        snapshot_text,
        _BOOKS.label("books"),
        _array(select(Category.id).where(category)).label("category_ids"),
        _array(select(Series.id).where(series)).label("series_ids"),
        _array(select(Author.id).where(author).limit(MOST_AUTHORS + 1)).label("author_ids"),
        (_array(merged) if author_ids else null()).label("merged_ids"),
        *(asked_columns(query.search) if query.search is not None else ()),
    )


def _ids(texts: Iterable[str]) -> list[int]:
    return [found for text in texts if (found := as_id(text)) is not None]


def _array(ids: Any) -> ColumnElement[Any]:
    return func.array(ids.scalar_subquery())


def document_conditions(query: BookCriteria, names: Names) -> list[Condition]:
    """The conditions of every filter, `search` among them; each alone, for facets leave some out."""
    found = [
        *_conditions_of_people_and_places(query, names),
        *_conditions_of_editions(query),
        *_conditions_of_offers(query),
    ]
    if names.search is not None:
        found.append(Condition(None, matches_search(names.search)))
    return found


def _conditions_of_people_and_places(query: BookCriteria, names: Names) -> list[Condition]:
    found: list[Condition] = []
    if query.author:
        found.append(Condition(Facet.AUTHOR, _has_author(query.author, names)))
    if query.author_id:
        found.append(Condition(Facet.AUTHOR, by_authors(names.current_authors(query.author_id))))
    if query.series:
        found.append(Condition(Facet.SERIES, _is_one_of(BookDocument.series_id, names.series_ids)))
    if query.series_id:
        found.append(Condition(Facet.SERIES, _is_one_of(BookDocument.series_id, query.series_id)))
    if query.category:
        found.append(Condition(Facet.CATEGORY, in_categories(names.category_ids)))
    if query.subject:
        found.append(Condition(None, or_(*map(_is_about, query.subject))))
    return found


def _conditions_of_editions(query: BookCriteria) -> list[Condition]:
    found: list[Condition] = []
    year = BookDocument.year
    if query.language:
        found.append(Condition(Facet.LANGUAGE, or_(*map(_is_in_language, query.language))))
    if query.format:
        found.append(Condition(Facet.FORMAT, _is_one_of(BookDocument.format, query.format)))
    if query.decade:
        decades = [year.between(fixed(one), fixed(one + YEARS_OF_A_DECADE - 1)) for one in query.decade]
        found.append(Condition(Facet.DECADE, or_(*decades)))
    if query.min_year is not None:
        found.append(Condition(Facet.DECADE, year >= fixed(query.min_year)))
    if query.max_year is not None:
        found.append(Condition(Facet.DECADE, year <= fixed(query.max_year)))
    return found


def _conditions_of_offers(query: BookCriteria) -> list[Condition]:
    found: list[Condition] = []
    price, rating = BookDocument.price, BookDocument.rating
    if query.owner_id is not None:
        owned = select(Item.id).where(Item.owner_id == fixed(query.owner_id))
        found.append(Condition(None, BookDocument.book_id.in_(owned)))
    if query.tags:
        found.append(
            Condition(None, BookDocument.book_id.in_(select(Item.id).where(Item.tags.contains(query.tags))))
        )
    if query.price:
        bands = [_is_within(price, *price_range(band)) for band in query.price]
        found.append(Condition(Facet.PRICE, or_(*bands)))
    if query.min_price is not None:
        found.append(Condition(Facet.PRICE, price >= fixed(query.min_price)))
    if query.max_price is not None:
        found.append(Condition(Facet.PRICE, price <= fixed(query.max_price)))
    if query.in_stock is not None:
        found.append(Condition(Facet.IN_STOCK, BookDocument.in_stock.is_(query.in_stock)))
    if query.supplier_availability:
        stated = _is_one_of(Book.supplier_availability, query.supplier_availability)
        found.append(Condition(None, BookDocument.book_id.in_(select(Book.item_id).where(stated))))
    if query.rating:
        stars = [_is_within(rating, one, one + 1) for one in query.rating]
        found.append(Condition(Facet.RATING, or_(*stars)))
    if query.min_rating is not None:
        found.append(Condition(Facet.RATING, rating >= fixed(query.min_rating)))
    return found


def by_authors(ids: Iterable[int]) -> ColumnElement[bool]:
    """Books that any of the authors contributed to."""
    return _overlaps(BookDocument.author_ids, ids)


def in_categories(ids: Iterable[int]) -> ColumnElement[bool]:
    """Books of any of the categories and of what stands below."""
    return _overlaps(BookDocument.category_ids, ids)


def _overlaps(column: SQLColumnExpression[Any], ids: Iterable[int]) -> ColumnElement[bool]:
    array = "{" + ",".join(map(str, sorted(ids))) + "}"
    return column.bool_op("&&")(cast(fixed(array), ARRAY(BigInteger)))


def _has_author(texts: Sequence[str], names: Names) -> ColumnElement[bool]:
    ids = names.current_authors(_ids(texts))
    if names.author_ids is not None:
        ids += names.author_ids
        if len(ids) <= _FEW_AUTHORS:
            return by_authors(ids)
        by_any = Contributor.author_id == any_(literal(ids, ARRAY(BigInteger)))
        return BookDocument.book_id.in_(select(Contributor.book_id).where(by_any))
    named = [has_name_words(Author.names_words, text) for text in texts if as_id(text) is None]
    people = select(Contributor.book_id).join(Author, Author.id == Contributor.author_id)
    by_name = people.where(Contributor.book_id == BookDocument.book_id, or_(*named)).exists()
    return or_(by_name, by_authors(ids)) if ids else by_name


def _is_one_of(column: SQLColumnExpression[Any], values: Iterable[str | int]) -> ColumnElement[bool]:
    return or_(literal(value=False), *(column == fixed(value) for value in values))


def _is_in_language(code: str) -> ColumnElement[bool]:
    language = BookDocument.language
    # `.` is what follows `-`: between them stands everything that begins with the code and a dash.
    narrower = and_(language > fixed(f"{code}-"), language < fixed(f"{code}."))
    return or_(language == fixed(code), narrower)


def _is_within(
    column: SQLColumnExpression[Any], low: Decimal | int, high: Decimal | int | None
) -> ColumnElement[bool]:
    """From `low` up to, but not including, `high`."""
    is_above = column >= fixed(low)
    return is_above if high is None else and_(is_above, column < fixed(high))


def _is_about(subject: str) -> ColumnElement[bool]:
    scheme, code = subject_key(subject)
    is_about = BookDocument.subject_codes.contains(cast(fixed(f"{{{code}}}"), ARRAY(Text)))
    if scheme is None:
        return is_about
    asked = func.jsonb_build_object("scheme", scheme.value, "code", code)
    of_scheme = func.jsonb_path_exists(Book.subjects, _OF_SCHEME, asked)
    return and_(is_about, exists().where(Book.item_id == BookDocument.book_id, of_scheme))
