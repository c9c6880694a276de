"""Searches for books, with a corrected text where little is found."""

import asyncio
import html
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.books.queries import book_out
from app.catalog.index.conditions import document_conditions, find_names
from app.catalog.index.matching import isbn_of, list_meant_isbns, mistyped_isbn_of
from app.catalog.search.errors import SearchTooSlow
from app.catalog.search.queries import MARKS, TIER, Search, find_books
from app.catalog.search.schemas import (
    Explanation,
    FoundBook,
    Match,
    MistypedIsbnOut,
    SearchPage,
    SearchQuery,
    Tier,
)
from app.core.db.paging import Pager
from app.core.db.queries import AnyRow
from app.core.http.responses import ReadResult

_TIERS = tuple(Tier)
_MATCHES = {
    Tier.ISBN: Match.EXACT,
    Tier.TITLE: Match.EXACT,
    Tier.CORRECTED_WORDS: Match.FUZZY,
    Tier.SOME_WORDS: Match.PARTIAL,
}


async def search_catalog(
    connection: AsyncConnection, query: SearchQuery, pager: Pager, time_limit: float
) -> ReadResult:
    """Search for so many seconds at most, and read one page of found books.

    Unless asked otherwise best first: tier, then rank, then id. Raises InvalidCursor, SearchTooSlow.
    """
    window = pager.window(query)
    try:
        # A transaction for `SET LOCAL statement_timeout` would cost every search three round trips;
        # this cancels the statement on the server just as well.
        async with asyncio.timeout(time_limit):
            names = await find_names(connection, query)
            conditions = [one.clause for one in document_conditions(query, names)]
            search = Search(query.q, isbn_of(query.q), conditions, query.sort, is_explained=query.explain)
            result = await find_books(connection, search, window)
    except TimeoutError:
        raise SearchTooSlow(
            "Ask for rarer words, or try again in a moment.", headers={"Retry-After": "1"}
        ) from None
    books = [_found_book(row, is_explained=query.explain) for row in result.found.rows]
    page = pager.page(query, window, result.found, books)
    meant = result.corrected if page.total else None
    mistyped = await _mistyped_isbn(connection, query.q)
    return ReadResult(
        SearchPage(**dict(page), did_you_mean=meant, mistyped_isbn=mistyped), result.found.snapshot
    )


async def _mistyped_isbn(connection: AsyncConnection, text: str) -> MistypedIsbnOut | None:
    refusal = mistyped_isbn_of(text)
    if refusal is None:
        return None
    meant = await list_meant_isbns(connection, [refusal])
    return MistypedIsbnOut(isbn=refusal.digits, message=str(refusal), suggestions=meant[refusal])


def _found_book(row: AnyRow, *, is_explained: bool) -> FoundBook:
    tier = _TIERS[row.place // TIER]
    values: dict[str, Any] = dict(book_out(row))
    explanation = None
    if is_explained:
        explanation = Explanation(
            tier=tier,
            rank=row.place % TIER,
            query=row.asked,
            corrected_query=row.corrected_query if row.corrected is not None else None,
            words=row.matched_words or {},
        )
    return FoundBook.model_construct(
        **values,
        match=_MATCHES.get(tier, Match.TEXT),
        missing_words=row.missing_words if tier is Tier.SOME_WORDS else [],
        # Everything in the text is text, but for our own marks.
        snippet=html.escape(row.snippet, quote=False).replace(MARKS[0], "<b>").replace(MARKS[1], "</b>"),
        explanation=explanation,
    )
