"""A whole list of books as NDJSON (one JSON object a line), in constant memory and its own order."""

from collections.abc import AsyncIterator

from app.catalog.books.answers import book_out
from app.catalog.books.repository import list_books
from app.catalog.books.representations import expand_books
from app.catalog.books.views import BookListQuery, included
from app.catalog.goods.queries import item_order
from app.core.db.engine import Database
from app.core.db.paging import Window, key_text

BATCH = 500


async def stream_lines(database: Database, query: BookListQuery) -> AsyncIterator[bytes]:
    """Every book that meets the filters, a piece per batch of them; where a page begins does not matter.

    Each batch is a read of its own: a slow client holds no connection, and a book that is edited
    meanwhile may be missed or come twice only if the edit moves it in the list.
    """
    order, include = item_order(query), included(query.fields, query.expand)
    window, has_next = Window(limit=BATCH, skip=0), True
    while has_next:
        async with database.reading() as connection:
            found = await list_books(connection, query, order, window)
            books = [book_out(row) for row in found.rows]
            if query.expand:
                books = list(await expand_books(connection, books, query.expand))
        has_next = found.has_next
        window = Window(limit=BATCH, skip=0, after=tuple(key_text(value) for value in found.last))
        yield b"".join(f"{book.model_dump_json(include=include)}\n".encode() for book in books)
