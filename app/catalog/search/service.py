"""Searches for books, with a corrected text where little is found."""

import asyncio
import html
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.books.representations import book_out
from app.catalog.index.conditions import document_conditions, find_names
from app.catalog.index.matching import isbn_of
from app.catalog.search.errors import SearchTooSlow
from app.catalog.search.repository import MARKS, TIER, Search, SearchResult, find_books
from app.catalog.search.schemas import Explanation, FoundBook, Match, SearchPage, SearchQuery, Tier
from app.core.db.paging import Pager, Window
from app.core.db.queries import AnyRow
from app.core.http.responses import ReadResult

TIME_LIMIT = 2.0
"""Seconds. A transaction for `SET LOCAL statement_timeout` would cost every search three round trips;
this cancels the statement on the server just as well."""

_TIERS = tuple(Tier)
_MATCHES = {Tier.ISBN: Match.EXACT, Tier.TITLE: Match.EXACT, Tier.CORRECTED_WORDS: Match.FUZZY}


class BookSearch:
    """Searches the catalogue."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, query: SearchQuery, pager: Pager) -> ReadResult:
        """One page of found books, best first: tier, then rank, then id. InvalidCursor, SearchTooSlow."""
        window = pager.window(query)
        try:
            async with asyncio.timeout(TIME_LIMIT):
                result = await self._ask(query, window)
        except TimeoutError:
            raise SearchTooSlow(
                "Ask for rarer words, or try again in a moment.", headers={"Retry-After": "1"}
            ) from None
        books = [_found_book(row, is_explained=query.explain) for row in result.found.rows]
        page = pager.page(query, window, result.found, books)
        meant = result.corrected if page.total else None
        return ReadResult(SearchPage(**dict(page), did_you_mean=meant), result.found.snapshot)

    async def _ask(self, query: SearchQuery, window: Window) -> SearchResult:
        names = await find_names(self._connection, query)
        conditions = [one.clause for one in document_conditions(query, names)]
        search = Search(query.q, isbn_of(query.q), conditions, is_explained=query.explain)
        return await find_books(self._connection, search, window)


def _found_book(row: AnyRow, *, is_explained: bool) -> FoundBook:
    tier = _TIERS[row.place // TIER]
    values: dict[str, Any] = dict(book_out(row))
    return FoundBook.model_construct(
        **values,
        match=_MATCHES.get(tier, Match.TEXT),
        snippet=_marked(row.snippet),
        explanation=_explanation(row, tier) if is_explained else None,
    )


def _marked(snippet: str) -> str:
    """HTML of the text: everything in it is text, but for our own marks."""
    start, stop = MARKS
    return html.escape(snippet, quote=False).replace(start, "<b>").replace(stop, "</b>")


def _explanation(row: AnyRow, tier: Tier) -> Explanation:
    return Explanation(
        tier=tier,
        rank=row.place % TIER,
        query=row.asked,
        corrected_query=row.corrected_query,
        words=row.matched_words or {},
    )
