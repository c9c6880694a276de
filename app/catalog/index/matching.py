"""SQL of what a text finds. The database's own functions read it: `search_title`, `search_query`, `corrected_search`.

Lists, facets and exports ask those first and then put what they answered into the statement's
text: how common the words are decides the plan. The search itself asks within its statement,
where the planner knows nothing of them and goes through the indexes of words.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    ScalarSelect,
    Text,
    any_,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.isbn import MistypedIsbn, mistyped, parse_isbn
from app.catalog.models import Book, BookDocument, Item
from app.core.db.queries import fixed

MAIN_WORDS = func.ts_filter(BookDocument.words, literal_column("'{a,b}'::\"char\"[]"))
"""Words of title, contributors and series, written as in the index on them."""
_AROUND = " \t.,;:()[]<>\"'\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"
"""What a number that was copied out of a sentence may bring along."""
_AFTER_ALL = "\U0010ffff"
"""The last code point: a title that begins with a text comes before the text with this at its end."""


def isbn_of(text: str) -> str | None:
    """The ISBN-13 that the text is in any printed form, also without its leading zero or as an old SBN, if it is one."""
    try:
        return parse_isbn(text.strip(_AROUND))
    except ValueError:
        return None


def mistyped_isbn_of(text: str) -> MistypedIsbn | None:
    """Why the text is no ISBN, where it has all digits of one and the check digit is wrong."""
    try:
        parse_isbn(text)
    except ValueError as refusal:
        return mistyped(refusal)
    return None


async def list_meant_isbns(
    reader: AsyncConnection | AsyncSession, numbers: Iterable[MistypedIsbn]
) -> dict[MistypedIsbn, list[str]]:
    """For each mistyped number the ISBNs of the shop's books that a slip of one key makes of it."""
    neighbours = {one: one.neighbours for one in numbers}
    wanted = sorted({isbn for listed in neighbours.values() for isbn in listed})
    held = select(Book.isbn13).join(Item, Item.id == Book.item_id)
    rows = await reader.execute(held.where(Item.is_active, Book.isbn13 == any_(literal(wanted, ARRAY(Text)))))
    known = {isbn for (isbn,) in rows}
    return {one: [isbn for isbn in listed if isbn in known] for one, listed in neighbours.items()}


def offer_isbns(isbns: Iterable[str]) -> str:
    """What is added to a message about a mistyped ISBN."""
    listed = ", ".join(isbns)
    return f"; the shop has {listed}" if listed else ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a text asks for: a book by ISBN, or else titles that begin so, words, forms; None where it names none."""

    isbn13: str | None
    title: str | None = None
    query: str | None = None
    corrected_query: str | None = None
    partial_query: str | None = None
    formats: Sequence[str] | None = None
    """What it asks for by the name of the form alone, such as `paperback`."""


def asked_columns(text: str) -> list[ColumnElement[Any]]:
    """The columns of which `Asked` is made."""
    corrected = func.corrected_search(text)
    partial = func.partial_search(text).table_valued("most", "rare")
    some_words = select(cast(func.coalesce(partial.c.most, partial.c.rare), Text)).select_from(partial)
    return [
        func.search_title(text).label("title"),
        cast(func.search_query(text), Text).label("query"),
        cast(func.search_query(corrected), Text).label("corrected_query"),
        some_words.where(corrected.is_(None)).scalar_subquery().label("partial_query"),
        searched_formats(text).label("formats"),
    ]


def matches_search(asked: Asked) -> ColumnElement[bool]:
    """Books, by their documents, that have what is asked for."""
    if asked.isbn13 is not None:
        return has_isbn(asked.isbn13)
    found: list[ColumnElement[bool]] = [literal(value=False)]
    if asked.title is not None:
        begun = BookDocument.title_words
        found.append((begun >= fixed(asked.title)) & (begun < fixed(asked.title + _AFTER_ALL)))
    queries = [asked.query]
    if asked.formats is None:
        queries += [asked.corrected_query, asked.partial_query]
    else:
        found.append(BookDocument.format.in_([fixed(one) for one in asked.formats]))
    words = (
        BookDocument.words.bool_op("@@")(cast(fixed(query), TSQUERY))
        for query in queries
        if query is not None
    )
    return or_(*found, *words)


def searched_formats(text: str) -> ColumnElement[Any]:
    """The formats that the text names where it has no word beyond form and filler; NULL for any other."""
    return func.searched_formats(text, type_=ARRAY(Text))


def has_isbn(isbn13: str) -> ColumnElement[bool]:
    """The book with this ISBN."""
    book = select(Book.item_id).where(Book.isbn13 == isbn13).scalar_subquery()
    return BookDocument.book_id == book


def begins_with(title: ColumnElement[str]) -> ColumnElement[bool]:
    """Books whose title begins so, or is it."""
    begun = BookDocument.title_words
    return (begun >= title) & (begun < cast(title, Text).concat(_AFTER_ALL))


def has_words(query: ScalarSelect[str]) -> ColumnElement[bool]:
    """Books that have the words anywhere."""
    return BookDocument.words.bool_op("@@")(cast(query, TSQUERY))


def has_main_words(query: ScalarSelect[str]) -> ColumnElement[bool]:
    """Books that have the words in title, names and series."""
    return MAIN_WORDS.bool_op("@@")(cast(query, TSQUERY))


def honours_words(query: ScalarSelect[str]) -> ColumnElement[bool]:
    """As `has_words`, of books that another condition finds: as a function it goes through no index."""
    return func.ts_match_vq(BookDocument.words, cast(query, TSQUERY), type_=Boolean)
