"""SQL of suggestions: through indexes, with a limit on the candidates of each type."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.index.matching import MAIN_WORDS, begins_with
from app.catalog.models import Author, Book, BookDocument, Category, Contributor, Item, Series
from app.catalog.search.suggest.schemas import Suggestion, Suggestions, SuggestionType
from app.core.db.queries import AnyRow, snapshot_text
from app.core.http.responses import ReadResult

ENOUGH = 10
"""So many suggestions are shown: with as many titles that begin with the text, words within are not looked at."""
SHORTEST = 2
"""With less than this nearly everything would be meant: nothing is suggested."""
_TYPES = {kind.value: place for place, kind in enumerate(SuggestionType)}
EXACT = 0
PREFIX = 1
WORD = 2
"""How well a suggestion fits, the best first."""

_TOO_LONG = "[^ ]{41}"
"""A word that is longer than any that is known; of very long ones mistakes cannot even be counted."""
_HARDLY_BEGUN = " [^ ]{1,2}$"
_BEGUN = 40
_WORDED = 300
_NAMED = 200
_BOOKS_COUNTED = 100


async def get_suggestions(connection: AsyncConnection, typed: str) -> ReadResult:
    """At most ten: exact before prefix before words within before corrected spelling.

    Within each, the types take turns; authors and series with more books and books in stock come first.
    """
    if len(typed) < SHORTEST:
        return ReadResult(
            Suggestions(items=[]), (await connection.execute(select(snapshot_text))).scalar_one()
        )
    rows = await _list_candidates(connection, typed)
    chosen = _chosen(rows, ENOUGH)
    correction = next(row.text for row in rows if row.id is None)
    if correction is not None:
        known = {(row.type, row.id) for row in chosen}
        mended = await _list_candidates(connection, correction)
        others = [row for row in mended if (row.type, row.id) not in known]
        chosen += _chosen(others, ENOUGH - len(chosen))
    answer = Suggestions(items=[Suggestion(type=row.type, id=row.id, text=row.text) for row in chosen])
    return ReadResult(answer, rows[0].snapshot)


async def _list_candidates(connection: AsyncConnection, typed: str) -> Sequence[AnyRow]:
    """Candidates with type, id, text, `fit`, `weight`; a row without id has the corrected text, if any.

    Corrected is what finds less than enough. Every row has the snapshot.
    """
    # Letters, digits and single spaces: nothing that patterns and queries would read otherwise.
    text = func.nullif(func.search_text(typed), "", type_=Text)
    found = union_all(*_books(text), _authors(text), _series(text), _categories(text)).cte("found")
    count = select(func.count()).select_from(found).scalar_subquery()
    can_be_misspelt = and_(count < ENOUGH, text.regexp_match(_TOO_LONG).is_not(True))
    correction = case((can_be_misspelt, func.corrected_prefix(text, count == 0)))
    corrected = select(
        literal(""), cast(null(), BigInteger), correction, cast(null(), Integer), literal(0), snapshot_text
    )
    return (await connection.execute(union_all(select(found, snapshot_text), corrected))).all()


def _books(text: ColumnElement[str]) -> list[Select[Any]]:
    documents = BookDocument
    begins = begins_with(text)
    begun = (
        select(documents.book_id, documents.in_stock, documents.title_words)
        .where(begins)
        .order_by(documents.title_words, documents.book_id)
        .limit(_BEGUN)
        .cte("begun")
    )
    fit = case((begun.c.title_words == text, EXACT), else_=PREFIX)
    is_lacking = select(func.count() < ENOUGH).select_from(begun).scalar_subquery()
    # As they are indexed: two characters each of scripts that are written without spaces.
    indexed = func.query_bigrams(text, type_=Text)
    named = (
        select(documents.book_id, documents.in_stock, documents.words)
        .where(MAIN_WORDS.bool_op("@@")(_selective_words(indexed)), is_lacking, ~begins)
        .limit(_WORDED)
        .subquery("named")
    )
    # All words in the title, the last one perhaps unfinished; in a subquery, as `matching` does.
    words = func.to_tsquery("simple", func.replace(indexed, " ", ":A & ").concat(":*A"))
    titled = named.c.words.bool_op("@@")(select(words).scalar_subquery())
    return [
        _row("book", Item.id, Item.title, fit, cast(begun.c.in_stock, Integer)).join(
            begun, begun.c.book_id == Item.id
        ),
        _row("book", Item.id, Item.title, literal(WORD), cast(named.c.in_stock, Integer))
        .join(named, named.c.book_id == Item.id)
        .where(titled),
    ]


def _selective_words(text: ColumnElement[str]) -> ColumnElement[Any]:
    """The words without one that is hardly begun: half of all books have some word with such a beginning."""
    finished = func.nullif(func.regexp_replace(text, _HARDLY_BEGUN, ""), text, type_=Text)
    words = func.coalesce(finished, text.concat(":*"))
    return select(func.to_tsquery("simple", func.replace(words, " ", " & "))).scalar_subquery()


def _authors(text: ColumnElement[str]) -> Select[Any]:
    named = (
        select(Author.id, Author.name)
        .where(_has_word(Author.names_words, text), Author.merged_into_id.is_(None))
        .limit(_NAMED)
        .subquery("authors_named")
    )
    books = select(literal(1)).where(Contributor.author_id == named.c.id).correlate(named)
    # Any word of a name is as good as its first: people are known by the last.
    fit = case((func.search_text(named.c.name) == text, EXACT), else_=PREFIX)
    return _row("author", named.c.id, named.c.name, fit, _count(books))


def _series(text: ColumnElement[str]) -> Select[Any]:
    named = (
        select(Series.id, Series.name, Series.name_words)
        .where(_has_word(Series.name_words, text))
        .limit(_NAMED)
        .subquery("series_named")
    )
    books = select(literal(1)).where(Book.series_id == named.c.id).correlate(named)
    return _row("series", named.c.id, named.c.name, _fit(named.c.name_words, text), _count(books))


def _categories(text: ColumnElement[str]) -> Select[Any]:
    name = literal(" ").concat(func.search_text(Category.name))
    return _row("category", Category.id, Category.name, _fit(name, text), literal(0)).where(
        _has_word(name, text)
    )


def _has_word(name: Any, text: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a word of the name, which has a space before each, begins so."""
    has_word: ColumnElement[bool] = name.like(literal("% ").concat(text).concat("%"))
    return has_word


def _fit(name: Any, text: ColumnElement[str]) -> ColumnElement[int]:
    whole = literal(" ").concat(text)
    return case((name == whole, EXACT), (name.like(whole.concat("%")), PREFIX), else_=WORD)


def _count(books: Select[Any]) -> ColumnElement[int]:
    capped = books.limit(_BOOKS_COUNTED).subquery()
    return select(cast(func.count(), Integer)).select_from(capped).scalar_subquery()


def _row(kind: str, key: Any, text: Any, fit: ColumnElement[int], weight: ColumnElement[int]) -> Select[Any]:
    return select(
        literal(kind).label("type"),
        key.label("id"),
        text.label("text"),
        fit.label("fit"),
        weight.label("weight"),
    )


def _chosen(rows: Iterable[AnyRow], count: int) -> list[AnyRow]:
    """The best rows, with some of each type among them where there are any."""
    best_of_type = sorted(
        (row for row in rows if row.id is not None),
        key=lambda row: (_TYPES[row.type], row.fit, -row.weight, row.text, row.id),
    )
    # Of editions with one title, the first, in the first one's place.
    distinct: dict[tuple[str, str], AnyRow] = {}
    for row in best_of_type:
        distinct.setdefault((row.type, row.text.casefold()), row)
    ranked = [
        (place, row)
        for _, of_type in groupby(distinct.values(), key=lambda row: row.type)
        for place, row in enumerate(of_type)
    ]
    ranked.sort(key=lambda one: (one[1].fit != EXACT, one[0], _TYPES[one[1].type]))
    shown = sorted(ranked[:count], key=lambda one: (one[1].fit, one[0], _TYPES[one[1].type]))
    return [row for _, row in shown]
