"""SQL of the search: candidates tier by tier through indexes, ranked, one page of them shown.

Of a tier at most `RANKED` books are candidates. Books with the words in title, names or series
are asked for first; the far longer lists of books that have them anywhere are read only where
those do not suffice. Misspelt words are corrected only where little is found. In outline:

    WITH asked (title, query), titled (book_id, place), worded_mainly, worded_anywhere, worded (book_id, rank),
        guess (text), mended (text, query), guessed_mainly, guessed_anywhere, guessed (book_id, rank),
        ranked (book_id, place)
    SELECT total, is_cut, …, the book's columns, snippet FROM counted LEFT JOIN a page of ranked …
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Integer,
    ScalarSelect,
    Select,
    Text,
    any_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB, TSQUERY, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.books.fields import SEARCHED_OF_BOOKS
from app.catalog.books.queries import BOOK_COLUMNS, join_books
from app.catalog.index.matching import begins_with, has_isbn, has_main_words, has_words, honours_words
from app.catalog.models import Author, Book, BookDocument, Contributor, Item, Series
from app.core.db.paging import Found, Window
from app.core.db.queries import AnyRow, fixed, planned_rows, snapshot_text
from app.core.db.sorting import Order

RANKED = 2_000
"""Candidates of a tier: nobody reads on beyond the best of these."""
FEW = 5
"""Of fewer books found by their words, spelling is looked at."""
TIER = 1_000_000
"""The place of a book is its tier times this plus its rank, so that one number sorts."""
MARKS = ("\x02", "\x03")
"""Around highlighted words: no text of a book can hold control characters."""

_HEADLINE = (
    f'StartSel="{MARKS[0]}", StopSel="{MARKS[1]}", FragmentDelimiter=" … ",'
    " MaxFragments=2, MaxWords=18, MinWords=6"
)
_PART_OF_WORD = TIER // 2
_LONGEST = TIER // 4


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for, and the conditions on documents that the filters stand for."""

    text: str
    isbn13: str | None
    conditions: Sequence[ColumnElement[bool]]
    is_explained: bool = False


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The page, and the corrected text where there is one."""

    found: Found[AnyRow]
    corrected: str | None


async def find_books(connection: AsyncConnection, search: Search, window: Window) -> SearchResult:
    """Search, and read the window of the books that were found, best first."""
    rows = (await connection.execute(search_statement(search, window))).all()
    first = rows[0]
    present = [row for row in rows if row.id is not None]
    shown = present[: window.limit]
    total = first.total
    if first.is_cut:
        # The words stand in the statement's text, so that the planner sees how common they are.
        has_words = BookDocument.words.bool_op("@@")(cast(fixed(first.asked or ""), TSQUERY))
        expected = select(BookDocument.book_id).where(has_words, *search.conditions)
        total = max(total, await planned_rows(connection, expected))
    found = Found(
        rows=shown,
        total=total,
        total_is_estimate=first.is_cut,
        snapshot=first.snapshot,
        last=[shown[-1].place, shown[-1].id] if shown else (),
        has_next=len(present) > window.limit,
    )
    return SearchResult(found, first.corrected)


def search_statement(search: Search, window: Window) -> Select[Any]:
    """The one statement of a search: the window's rows beside the total; a row without a book where there is none."""
    asked = select(
        func.search_title(search.text).label("title"), func.search_query(search.text).label("query")
    ).cte("asked")
    titled = _titles(asked, search)
    # With as many titles that begin so, nobody reads on to books that only have the words.
    has_room: ColumnElement[bool] = select(func.count() < RANKED).select_from(titled).scalar_subquery()
    worded = _words("worded", _only(asked.c.query), has_room, search)
    mended = _mended(worded.found, has_room, search)
    guessed = _words("guessed", _only(mended.c.query), has_room, search)
    ranked = _ranked(titled, worded, guessed, search)
    capped = (titled, *worded.capped, *guessed.capped)
    is_cut = or_(*(select(func.count() >= RANKED).select_from(tier).scalar_subquery() for tier in capped))
    counted = (
        select(func.count().label("total"), is_cut.label("is_cut")).select_from(ranked).subquery("counted")
    )
    return _page(search, window, asked, mended, ranked, counted)


@dataclass(frozen=True, slots=True)
class _Words:
    """Books that have some words with their rank, and the candidates they were ranked from."""

    found: CTE
    capped: tuple[CTE, CTE]


def _titles(asked: CTE, search: Search) -> CTE:
    """Books whose title begins as the text does: the whole title first, then whole words, then the shortest."""
    title = _only(asked.c.title)
    begun = BookDocument.title_words
    longer = func.length(begun) - func.length(title)
    is_whole_word = func.substr(begun, func.length(title) + 1, 1) == " "
    rank = case((is_whole_word, 0), else_=_PART_OF_WORD) + func.least(longer, _LONGEST)
    place = case((begun == title, 1 * TIER), else_=2 * TIER + rank)
    return (
        select(BookDocument.book_id, cast(place, Integer).label("place"))
        .where(begins_with(title), *search.conditions)
        .order_by(begun, BookDocument.book_id)
        .limit(RANKED)
        .cte("titled")
    )


def _words(name: str, query: ScalarSelect[Any], has_room: ColumnElement[bool], search: Search) -> _Words:
    """Books that have the words mainly (title, names, series); anywhere only where those do not suffice."""
    documents = select(BookDocument.book_id, BookDocument.words).limit(RANKED)
    documents = documents.where(query.is_not(None), *search.conditions)
    # A word that must not occur must not do so anywhere.
    main = documents.where(has_room, has_main_words(query), honours_words(query))
    mainly = main.cte(f"{name}_mainly")
    is_wanting = select(func.count() < RANKED).select_from(mainly).scalar_subquery()
    anywhere = documents.where(has_room, is_wanting, has_words(query)).cte(f"{name}_anywhere")
    found = union_all(select(mainly), select(anywhere)).subquery()
    rank = func.least(TIER - 1, TIER - func.round(func.ts_rank(found.c.words, query) * TIER))
    ranked = select(found.c.book_id, cast(rank, Integer).label("rank")).cte(name)
    return _Words(ranked, (mainly, anywhere))


def _mended(worded: CTE, has_room: ColumnElement[bool], search: Search) -> CTE:
    """The corrected text and its query; no row where enough was found, or nothing is misspelt."""
    few = select(literal(1)).select_from(worded).limit(FEW).subquery()
    little: ColumnElement[bool] = select(func.count() < FEW).select_from(few).scalar_subquery()
    corrected = func.corrected_search(search.text).label("text")
    guess = select(corrected).where(has_room, little).cte("guess")
    return select(guess.c.text, func.search_query(guess.c.text).label("query")).cte("mended")


def _ranked(titled: CTE, worded: _Words, guessed: _Words, search: Search) -> CTE:
    """Every book that was found, in the best place that any tier gives it."""
    tiers = [
        select(titled.c.book_id, titled.c.place.label("place")),
        select(worded.found.c.book_id, 3 * TIER + worded.found.c.rank),
        select(guessed.found.c.book_id, 4 * TIER + guessed.found.c.rank),
    ]
    if search.isbn13 is not None:
        is_it = has_isbn(search.isbn13)
        tiers.append(select(BookDocument.book_id, literal(0)).where(is_it, *search.conditions))
    found = union_all(*tiers).subquery()
    best = select(found.c.book_id, func.min(found.c.place).label("place"))
    return best.group_by(found.c.book_id).cte("ranked")


def _page(
    search: Search, window: Window, asked: CTE, mended: CTE, ranked: CTE, counted: FromClause
) -> Select[Any]:
    order = Order(keys=((ranked.c.place, False), (ranked.c.book_id, False)))
    ids = select(ranked).order_by(*order.clauses()).limit(window.limit + 1)
    if window.after is not None:
        ids = ids.where(order.after(window.after))
    elif window.skip:
        ids = ids.offset(window.skip)
    page = ids.subquery("page")
    headline, snippet = _headline(asked, mended, search)
    envelope = counted.outerjoin(mended, true()).outerjoin(asked, true())
    source = join_books(envelope.outerjoin(page, true()), page.c.book_id).join(headline, true())
    columns: list[Any] = [
        counted.c.total,
        counted.c.is_cut,
        mended.c.text.label("corrected"),
        cast(asked.c.query, Text).label("asked"),
        cast(mended.c.query, Text).label("corrected_query"),
        snapshot_text,
        page.c.place,
        *BOOK_COLUMNS,
        snippet.label("snippet"),
    ]
    if search.is_explained:
        source = source.outerjoin(BookDocument, BookDocument.book_id == page.c.book_id)
        columns.append(_matched_words(asked, mended).label("matched_words"))
    return select(*columns).select_from(source).order_by(page.c.place, page.c.book_id)


def _headline(asked: CTE, mended: CTE, search: Search) -> tuple[FromClause, ColumnElement[str]]:
    """The texts of the page's books, the words that were looked for marked; and the snippet that is shown.

    That is the headline; where the text has the words otherwise, such as initials, one with any of them.
    """
    beginning = cast(func.replace(asked.c.title, " ", " <-> ") + ":*", TSQUERY)
    nothing = cast("", TSQUERY)
    wanted: ColumnElement[Any] = func.coalesce(beginning, nothing)
    plain = func.plainto_tsquery("search_headline", search.text)
    for query in (asked.c.query, mended.c.query, plain):
        wanted = wanted.op("||")(func.coalesce(query, nothing))
    # The offset keeps the planner from making the headline for each mention of it.
    shown = select(_marked(wanted).label("text")).offset(0)
    headline = shown.correlate(asked, mended, Item, Book, Series).lateral("headline")
    words = func.concat_ws(" ", asked.c.title, func.search_title(mended.c.text))
    any_word = cast(func.replace(words, " ", " | "), TSQUERY)
    is_marked = func.strpos(headline.c.text, MARKS[0]) > 0
    return headline, case((is_marked, headline.c.text), else_=_marked(any_word))


def _matched_words(asked: CTE, mended: CTE) -> ColumnElement[Any]:
    """The book's words that were looked for, each with its weights."""
    queries = func.concat_ws(" ", cast(asked.c.query, Text), cast(mended.c.query, Text))
    quoted = func.regexp_matches(queries, "'((?:[^']|'')+)'", "g").column_valued("quoted")
    wanted = func.array(select(func.array_to_string(quoted, "")).scalar_subquery())
    entry = func.unnest(BookDocument.words).table_valued("lexeme", "positions", "weights").alias("entry")
    return (
        select(func.jsonb_object_agg(entry.c.lexeme, entry.c.weights, type_=JSONB))
        .select_from(entry)
        .where(entry.c.lexeme == any_(wanted))
        .scalar_subquery()
    )


_NAMES = (
    select(func.string_agg(Author.name, aggregate_order_by(literal(", "), Contributor.position)))
    .select_from(Contributor)
    .join(Author, Author.id == Contributor.author_id)
    .where(Contributor.book_id == Item.id)
    .correlate(Item)
    .scalar_subquery()
)


def _marked(wanted: ColumnElement[Any]) -> ColumnElement[str]:
    title_page = (getattr(Book, name) for name in SEARCHED_OF_BOOKS)
    text = func.concat_ws(" — ", Item.title, *title_page, _NAMES, Series.name, Item.description)
    return func.ts_headline("search_headline", text, wanted, _HEADLINE)


def _only(column_of_one_row: ColumnElement[Any]) -> ScalarSelect[Any]:
    return select(column_of_one_row).scalar_subquery()
