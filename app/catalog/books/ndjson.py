"""A whole list of books as NDJSON (one JSON object a line), in constant memory and its own order."""

from collections.abc import AsyncIterator
from typing import Any

from app.catalog.books.queries import book_out, expand_books, find_books
from app.catalog.books.representations import BookListQuery
from app.core.db.batches import STREAMED_AT_ONCE
from app.core.db.engine import Database
from app.core.db.paging import Window, key_text
from app.core.http.negotiation import NDJSON

LINES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            NDJSON: {
                "schema": {"type": "string"},
                "example": '{"id":42,"title":"The Hobbit"}\n{"id":43,"title":"Emma"}\n',
            }
        }
    }
}
"""The second representation of the list, for the document."""


async def stream_lines(database: Database, query: BookListQuery) -> AsyncIterator[bytes]:
    """Stream every book that meets the filters, a piece per batch of them; where a page begins does not matter.

    Each batch is a read of its own: a slow client holds no connection, and a book that is edited
    meanwhile may be missed or come twice only if the edit moves it in the list.
    """
    include = query.view.parts
    window, has_next = Window(limit=STREAMED_AT_ONCE, skip=0), True
    while has_next:
        async with database.reading() as connection:
            found = await find_books(connection, query, window)
            books = [book_out(row) for row in found.rows]
            if query.expand:
                books = list(await expand_books(connection, books, query.expand))
        has_next = found.has_next
        window = Window(limit=STREAMED_AT_ONCE, skip=0, after=tuple(key_text(value) for value in found.last))
        yield b"".join(f"{book.model_dump_json(include=include)}\n".encode() for book in books)
