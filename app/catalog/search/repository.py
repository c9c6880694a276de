"""SQL of the search: candidates tier by tier through indexes, ranked, one page of them shown.

Of a tier at most `RANKED` books are candidates. Books with the words in title, names or series
are asked for first; the far longer lists of books that have them anywhere are read only where
those do not suffice. Misspelt words are corrected only where little is found.
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
    column,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB, TSQUERY, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

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
    """The window of the books that were found, best first."""
    statement = _Statement(search)
    rows = (await connection.execute(statement.page(window))).all()
    first = rows[0]
    present = [row for row in rows if row.id is not None]
    shown = present[: window.limit]
    total = first.total
    if first.is_cut:
        total = max(total, await planned_rows(connection, _expected(search, first.asked)))
    found = Found(
        rows=shown,
        total=total,
        total_is_estimate=first.is_cut,
        snapshot=first.snapshot,
        last=[shown[-1].place, shown[-1].id] if shown else (),
        has_next=len(present) > window.limit,
    )
    return SearchResult(found, first.corrected)


def _expected(search: Search, query: str | None) -> Select[Any]:
    # In the statement's text, so that the planner sees how common the words are.
    return select(BookDocument.book_id).where(
        BookDocument.words.bool_op("@@")(cast(fixed(query or ""), TSQUERY)), *search.conditions
    )


class _Statement:
    """The one statement of a search."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._asked = select(
            func.search_title(search.text).label("title"), func.search_query(search.text).label("query")
        ).cte("asked")
        self._titled = self._find_titles()
        self._capped = [self._titled]
        # With as many titles that begin so, nobody reads on to books that only have the words.
        self._has_room: ColumnElement[bool] = (
            select(func.count() < RANKED).select_from(self._titled).scalar_subquery()
        )
        self._worded = self._find_words("worded", _only(self._asked.c.query))
        few = select(literal(1)).select_from(self._worded).limit(FEW).subquery()
        little: ColumnElement[bool] = select(func.count() < FEW).select_from(few).scalar_subquery()
        corrected = func.corrected_search(search.text).label("text")
        guess = select(corrected).where(self._has_room, little).cte("guess")
        self._mended = select(guess.c.text, func.search_query(guess.c.text).label("query")).cte("mended")
        self._guessed = self._find_words("guessed", _only(self._mended.c.query))
        self._ranked = self._rank()

    def page(self, window: Window) -> Select[Any]:
        """The window's rows beside the total; one row without a book where there is none."""
        ranked = self._ranked
        order = Order(keys=((ranked.c.place, False), (ranked.c.book_id, False)))
        ids = select(ranked).order_by(*order.clauses()).limit(window.limit + 1)
        if window.after is not None:
            ids = ids.where(order.after(window.after))
        elif window.skip:
            ids = ids.offset(window.skip)
        page = ids.subquery("page")
        counted = self._count().outerjoin(self._mended, true()).outerjoin(self._asked, true())
        headline = self._headline()
        source = join_books(counted.outerjoin(page, true()), page.c.book_id).join(headline, true())
        snippet = self._snippet(headline).label("snippet")
        columns = [*self._envelope(), page.c.place, *BOOK_COLUMNS, snippet]
        if self._search.is_explained:
            source = source.outerjoin(BookDocument, BookDocument.book_id == page.c.book_id)
            columns.append(self._matched_words().label("matched_words"))
        return select(*columns).select_from(source).order_by(page.c.place, page.c.book_id)

    def _envelope(self) -> list[ColumnElement[Any]]:
        return [
            column("total"),
            column("is_cut"),
            self._mended.c.text.label("corrected"),
            cast(self._asked.c.query, Text).label("asked"),
            cast(self._mended.c.query, Text).label("corrected_query"),
            snapshot_text,
        ]

    def _find_titles(self) -> CTE:
        title = _only(self._asked.c.title)
        begun = BookDocument.title_words
        longer = func.length(begun) - func.length(title)
        is_whole_word = func.substr(begun, func.length(title) + 1, 1) == " "
        rank = case((is_whole_word, 0), else_=_PART_OF_WORD) + func.least(longer, _LONGEST)
        place = case((begun == title, 1 * TIER), else_=2 * TIER + rank)
        return (
            select(BookDocument.book_id, cast(place, Integer).label("place"))
            .where(begins_with(title), *self._search.conditions)
            .order_by(begun, BookDocument.book_id)
            .limit(RANKED)
            .cte("titled")
        )

    def _find_words(self, name: str, query: ScalarSelect[Any]) -> CTE:
        documents = select(BookDocument.book_id, BookDocument.words).limit(RANKED)
        documents = documents.where(query.is_not(None), *self._search.conditions)
        # A word that must not occur must not do so anywhere.
        main = documents.where(self._has_room, has_main_words(query), honours_words(query))
        mainly = main.cte(f"{name}_mainly")
        is_wanting = select(func.count() < RANKED).select_from(mainly).scalar_subquery()
        anywhere = documents.where(self._has_room, is_wanting, has_words(query)).cte(f"{name}_anywhere")
        self._capped += [mainly, anywhere]
        found = union_all(select(mainly), select(anywhere)).subquery()
        rank = func.least(TIER - 1, TIER - func.round(func.ts_rank(found.c.words, query) * TIER))
        return select(found.c.book_id, cast(rank, Integer).label("rank")).cte(name)

    def _rank(self) -> CTE:
        tiers = [
            select(self._titled.c.book_id, self._titled.c.place.label("place")),
            select(self._worded.c.book_id, 3 * TIER + self._worded.c.rank),
            select(self._guessed.c.book_id, 4 * TIER + self._guessed.c.rank),
        ]
        if self._search.isbn13 is not None:
            is_it = has_isbn(self._search.isbn13)
            tiers.append(select(BookDocument.book_id, literal(0)).where(is_it, *self._search.conditions))
        found = union_all(*tiers).subquery()
        best = select(found.c.book_id, func.min(found.c.place).label("place"))
        return best.group_by(found.c.book_id).cte("ranked")

    def _count(self) -> FromClause:
        is_cut = or_(
            *(select(func.count() >= RANKED).select_from(tier).scalar_subquery() for tier in self._capped)
        )
        counts = select(func.count().label("total"), is_cut.label("is_cut")).select_from(self._ranked)
        return counts.subquery("counted")

    def _headline(self) -> FromClause:
        """What the page's books say, the words that were looked for marked."""
        beginning = cast(func.replace(self._asked.c.title, " ", " <-> ") + ":*", TSQUERY)
        nothing = cast("", TSQUERY)
        wanted: ColumnElement[Any] = func.coalesce(beginning, nothing)
        for query in (
            self._asked.c.query,
            self._mended.c.query,
            func.plainto_tsquery("search_headline", self._search.text),
        ):
            wanted = wanted.op("||")(func.coalesce(query, nothing))
        # The offset keeps the planner from making the headline for each mention of it.
        shown = select(_marked(wanted).label("text")).offset(0)
        return shown.correlate(self._asked, self._mended, Item, Book, Series).lateral("headline")

    def _snippet(self, headline: FromClause) -> ColumnElement[str]:
        """The headline; where the text has the words otherwise, such as initials, one with any of them."""
        words = func.concat_ws(" ", self._asked.c.title, func.search_title(self._mended.c.text))
        any_word = cast(func.replace(words, " ", " | "), TSQUERY)
        is_marked = func.strpos(headline.c.text, MARKS[0]) > 0
        return case((is_marked, headline.c.text), else_=_marked(any_word))

    def _matched_words(self) -> ColumnElement[Any]:
        """The book's words that were looked for, each with its weights."""
        queries = func.concat_ws(" ", cast(self._asked.c.query, Text), cast(self._mended.c.query, Text))
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
    text = func.concat_ws(" — ", Item.title, Book.subtitle, _NAMES, Series.name, Item.description)
    return func.ts_headline("search_headline", text, wanted, _HEADLINE)


def _only(column_of_one_row: ColumnElement[Any]) -> ScalarSelect[Any]:
    return select(column_of_one_row).scalar_subquery()
