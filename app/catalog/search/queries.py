"""SQL of the search: candidates tier by tier through indexes, ranked, one page of them shown.

Of a tier at most `RANKED` books are candidates. Books with the words in title, names or series
are asked for first; the far longer lists of books that have them anywhere are read only where
those do not suffice. Misspelt words are corrected only where little is found. In outline:

    WITH asked (title, query, filled, formats), formed (book_id), titled (book_id, place), worded_mainly, worded_anywhere, worded (book_id, rank),
        guess (text), mended (text, query), guessed_mainly, guessed_anywhere, guessed (book_id, rank),
        ranked (book_id, place)
    SELECT total, is_cut, …, the book's columns, snippet FROM counted LEFT JOIN a page of ranked …

Where nothing is found, a second statement looks for the books that have some of the words:

    WITH asked, partial (text, query, most, rare, words, queries, weights), most_words, rare_words, ranked …
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Double,
    FromClause,
    Integer,
    ScalarSelect,
    Select,
    Text,
    any_,
    case,
    cast,
    column,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSQUERY, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.books.fields import SEARCHED_OF_BOOKS
from app.catalog.books.queries import BOOK_COLUMNS, FILED_TITLE, join_books
from app.catalog.goods.queries import item_order
from app.catalog.index.matching import (
    begins_with,
    has_isbn,
    has_main_words,
    has_words,
    honours_words,
    searched_formats,
)
from app.catalog.models import Author, Book, BookDocument, Contributor, Item, Series
from app.catalog.search.schemas import SearchSort
from app.core.db.paging import Found, Window
from app.core.db.queries import AnyRow, fixed, page_keys, page_of_ids, page_order, planned_rows, snapshot_text

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
_MOST_WORDS = 12
"""Of a search whose words are looked for one by one, as the database's `partial_search` does."""
_WORD = TIER // _MOST_WORDS
_SHARES = 80
_PARTIAL = 5
_SHARE = 1000


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for, and the conditions on documents that the filters stand for."""

    text: str
    isbn13: str | None
    conditions: Sequence[ColumnElement[bool]]
    sort: Sequence[str] = (SearchSort.RELEVANCE,)
    is_explained: bool = False


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The page, and the corrected text where there is one."""

    found: Found[AnyRow]
    corrected: str | None


async def find_books(connection: AsyncConnection, search: Search, window: Window) -> SearchResult:
    """Search, and read the window of the books that were found, best first."""
    rows = (await connection.execute(search_statement(search, window))).all()
    if not rows[0].total and search.isbn13 is None:
        rows = (await connection.execute(partial_statement(search, window))).all()
    first = rows[0]
    present = [row for row in rows if row.id is not None]
    shown = present[: window.limit]
    total = first.total
    if first.is_cut:
        # The words stand in the statement's text, so that the planner sees how common they are.
        has_words = BookDocument.words.bool_op("@@")(cast(fixed(first.asked or ""), TSQUERY))
        is_of_form = BookDocument.format.in_([fixed(one) for one in first.formats or ()])
        expected = select(BookDocument.book_id).where(or_(has_words, is_of_form), *search.conditions)
        total = max(total, await planned_rows(connection, expected))
    found = Found(
        rows=shown,
        total=total,
        total_is_estimate=first.is_cut,
        snapshot=first.snapshot,
        last=[shown[-1][key] for key in range(len(search.sort) + 1)] if shown else (),
        has_next=len(present) > window.limit,
    )
    return SearchResult(found, first.corrected)


def search_statement(search: Search, window: Window) -> Select[Any]:
    """The one statement of a search: the window's rows beside the total; a row without a book where there is none."""
    asked = _asked(search)
    titled, formed = _titles(asked, search), _formed(asked, search)
    # With as many titles that begin so, nobody reads on to books that only have the words.
    has_room: ColumnElement[bool] = select(func.count() < RANKED).select_from(titled).scalar_subquery()
    worded = _words("worded", _only(asked.c.query), has_room, search, _only(asked.c.filled))
    mended = _mended(worded.found, has_room & _only(asked.c.formats).is_(None), search)
    guessed = _words("guessed", _only(mended.c.query), has_room, search)
    ranked = _ranked(titled, formed, worded, guessed, search)
    capped = (titled, formed, *worded.capped, *guessed.capped)
    return _page(search, window, (asked, mended), ranked, _counted(ranked, capped))


def partial_statement(search: Search, window: Window) -> Select[Any]:
    """The statement of a search that finds nothing: books with some of the words, rows as of `search_statement`."""
    asked, partial = _asked(search), _partial(search)
    some = _some_words(partial, search)
    place = _PARTIAL * TIER + some.found.c.rank
    ranked = select(some.found.c.book_id, place.label("place")).cte("ranked")
    return _page(search, window, (asked, partial), ranked, _counted(ranked, some.capped), partial)


def _asked(search: Search) -> CTE:
    """The title, the query, that with the words of form and filler that it leaves out, and forms asked for alone."""
    query = select(func.search_query(search.text).label("query")).subquery("meant")
    filled = query.c.query.op("&&")(func.filler_query(search.text)).label("filled")
    title, formats = func.search_title(search.text), searched_formats(search.text)
    return select(title.label("title"), query.c.query, filled, formats.label("formats")).cte("asked")


def _counted(ranked: CTE, capped: Sequence[CTE]) -> FromClause:
    is_cut = or_(*(select(func.count() >= RANKED).select_from(tier).scalar_subquery() for tier in capped))
    counted = select(func.count().label("total"), is_cut.label("is_cut"))
    return counted.select_from(ranked).subquery("counted")


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


def _formed(asked: CTE, search: Search) -> CTE:
    """Books of the form that is asked for by its name alone; in the order of the index, so that pages follow."""
    formats = _only(asked.c.formats)
    is_of_form = (formats.is_not(None), BookDocument.format == any_(cast(formats, ARRAY(Text))))
    formed = select(BookDocument.book_id).where(*is_of_form, *search.conditions)
    return formed.order_by(BookDocument.format).limit(RANKED).cte("formed")


def _words(
    name: str,
    query: ScalarSelect[Any],
    has_room: ColumnElement[bool],
    search: Search,
    filled: ScalarSelect[Any] | None = None,
) -> _Words:
    """Books that have the words mainly (title, names, series); anywhere only where those do not suffice.

    Of those the ones come first that have the words of form and filler too, as `filled` has them.
    """
    documents = select(BookDocument.book_id, BookDocument.words).limit(RANKED)
    documents = documents.where(query.is_not(None), *search.conditions)
    # A word that must not occur must not do so anywhere.
    main = documents.where(has_room, has_main_words(query), honours_words(query))
    mainly = main.cte(f"{name}_mainly")
    is_wanting = select(func.count() < RANKED).select_from(mainly).scalar_subquery()
    anywhere = documents.where(has_room, is_wanting, has_words(query)).cte(f"{name}_anywhere")
    found = union_all(select(mainly), select(anywhere)).subquery()
    rank: ColumnElement[Any] = TIER - func.round(func.ts_rank(found.c.words, query) * TIER)
    if filled is not None:
        lacks_filler = found.c.words.bool_op("@@")(filled).is_(other=False)
        rank = case((filled.is_(None), rank), (lacks_filler, TIER / 2 + rank / 2), else_=rank / 2)
    ranked = select(found.c.book_id, cast(func.least(TIER - 1, rank), Integer).label("rank")).cte(name)
    return _Words(ranked, (mainly, anywhere))


def _mended(worded: CTE, has_room: ColumnElement[bool], search: Search) -> CTE:
    """The corrected text and its query; no row where enough was found, or nothing is misspelt."""
    few = select(literal(1)).select_from(worded).limit(FEW).subquery()
    little: ColumnElement[bool] = select(func.count() < FEW).select_from(few).scalar_subquery()
    corrected = func.corrected_search(search.text).label("text")
    guess = select(corrected).where(has_room, little).cte("guess")
    return select(guess.c.text, func.search_query(guess.c.text).label("query")).cte("mended")


def _partial(search: Search) -> CTE:
    """What finds books with some of the words, and all those words as one query; no row where some book has all."""
    words = func.partial_search(search.text).table_valued("most", "rare", "words", "queries", "weights")
    query = func.unnest(words.c.queries).column_valued("query")
    any_word = select(cast(func.string_agg(cast(query, Text), " | "), TSQUERY)).scalar_subquery()
    return select(cast(null(), Text).label("text"), any_word.label("query"), words).cte("partial")


def _some_words(partial: CTE, search: Search) -> _Words:
    """Books with the most of the words; with the rarest only where the filters let none of those through.

    They rank by how many words they have, then by how rare these are, then by where they stand.
    """
    documents = select(BookDocument.book_id, BookDocument.words).limit(RANKED)
    most = documents.where(has_words(_only(partial.c.most)), *search.conditions).cte("most_words")
    is_wanting = ~exists(select(literal(1)).select_from(most))
    rare = documents.where(is_wanting, has_words(_only(partial.c.rare)), *search.conditions).cte("rare_words")
    found = union_all(select(most), select(rare)).subquery()
    word = (
        func.unnest(partial.c.queries, partial.c.weights)
        .table_valued("query", column("weight", Double))
        .render_derived(name="word")
    )
    has_it = found.c.words.bool_op("@@")(word.c.query)
    weight = func.coalesce(func.sum(word.c.weight).filter(has_it), 0.0, type_=Double)
    score = select(
        func.count().filter(has_it).label("count"), (weight / func.sum(word.c.weight)).label("share")
    )
    scored = score.select_from(partial.join(word, true())).lateral("scored")
    rarity = func.floor((1 - scored.c.share) * _SHARES)
    nearness = func.floor((1 - func.ts_rank(found.c.words, _only(partial.c.query))) * (_SHARE - 1))
    rank = func.greatest(0, _MOST_WORDS - scored.c.count) * _WORD + rarity * _SHARE + nearness
    ranked = select(found.c.book_id, cast(func.least(TIER - 1, rank), Integer).label("rank"))
    return _Words(ranked.select_from(found.join(scored, true())).cte("some_words"), (most, rare))


def _ranked(titled: CTE, formed: CTE, worded: _Words, guessed: _Words, search: Search) -> CTE:
    """Every book that was found, in the best place that any tier gives it."""
    tiers = [
        select(titled.c.book_id, titled.c.place.label("place")),
        select(worded.found.c.book_id, 3 * TIER + worded.found.c.rank),
        select(formed.c.book_id, literal(4 * TIER - 1)),
        select(guessed.found.c.book_id, 4 * TIER + guessed.found.c.rank),
    ]
    if search.isbn13 is not None:
        is_it = has_isbn(search.isbn13)
        tiers.append(select(BookDocument.book_id, literal(0)).where(is_it, *search.conditions))
    found = union_all(*tiers).subquery()
    best = select(found.c.book_id, func.min(found.c.place).label("place"))
    return best.group_by(found.c.book_id).cte("ranked")


def _page(
    search: Search,
    window: Window,
    meant: tuple[CTE, CTE],
    ranked: CTE,
    counted: FromClause,
    partial: CTE | None = None,
) -> Select[Any]:
    asked, mended = meant
    others: dict[str, ColumnElement[Any]] = {"relevance": ranked.c.place, "title": FILED_TITLE}
    order = item_order(search.sort, others, ranked.c.book_id)
    ids = select(ranked)
    if search.sort != [SearchSort.RELEVANCE]:
        ids = (
            ids.join(BookDocument, BookDocument.book_id == ranked.c.book_id)
            .join(Item, Item.id == ranked.c.book_id)
            .join(Book, Book.item_id == ranked.c.book_id)
        )
    page = page_of_ids(ids, order, window)
    headline, snippet = _headline(meant, search)
    envelope = counted.outerjoin(mended, true()).outerjoin(asked, true())
    source = join_books(envelope.outerjoin(page, true()), page.c.book_id).join(headline, true())
    columns: list[Any] = [
        *page_keys(page, order),
        counted.c.total,
        counted.c.is_cut,
        mended.c.text.label("corrected"),
        cast(asked.c.query, Text).label("asked"),
        asked.c.formats,
        cast(mended.c.query, Text).label("corrected_query"),
        snapshot_text,
        page.c.place,
        *BOOK_COLUMNS,
        snippet.label("snippet"),
    ]
    if search.is_explained or partial is not None:
        source = source.outerjoin(BookDocument, BookDocument.book_id == page.c.book_id)
    if partial is not None:
        columns.append(_missing_words(partial).label("missing_words"))
    if search.is_explained:
        columns.append(_matched_words(meant).label("matched_words"))
    return select(*columns).select_from(source).order_by(*page_order(page, order))


def _headline(meant: tuple[CTE, CTE], search: Search) -> tuple[FromClause, ColumnElement[str]]:
    """The texts of the page's books, the words that were looked for marked; and the snippet that is shown.

    That is the headline; where the text has the words otherwise, such as initials, one with any of them.
    """
    asked, mended = meant
    beginning = cast(func.replace(asked.c.title, " ", " <-> ") + ":*", TSQUERY)
    nothing = cast("", TSQUERY)
    wanted: ColumnElement[Any] = func.coalesce(beginning, nothing)
    plain = func.plainto_tsquery("search_headline", search.text)
    for query in (asked.c.query, mended.c.query, plain):
        wanted = wanted.op("||")(func.coalesce(query, nothing))
    # The offset keeps the planner from making the headline for each mention of it.
    shown = select(_marked(wanted).label("text")).offset(0)
    headline = shown.correlate(*meant, Item, Book, Series).lateral("headline")
    words = func.concat_ws(" ", asked.c.title, func.search_title(mended.c.text))
    any_word = cast(func.replace(words, " ", " | "), TSQUERY)
    is_marked = func.strpos(headline.c.text, MARKS[0]) > 0
    return headline, case((is_marked, headline.c.text), else_=_marked(any_word))


def _missing_words(partial: CTE) -> ColumnElement[Any]:
    """What the book lacks of the words that were looked for, as they were written."""
    word = (
        func.unnest(partial.c.words, partial.c.queries)
        .table_valued("word", "query")
        .render_derived(name="missing")
    )
    lacks_it = ~BookDocument.words.bool_op("@@")(word.c.query)
    return func.array(select(word.c.word).where(lacks_it).scalar_subquery(), type_=ARRAY(Text))


def _matched_words(meant: tuple[CTE, CTE]) -> ColumnElement[Any]:
    """The book's words that were looked for, each with its weights."""
    asked, mended = meant
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
