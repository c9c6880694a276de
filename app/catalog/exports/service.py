"""Streams of exported books, in constant memory and without a long transaction."""

from collections.abc import AsyncIterator

from app.catalog.exports.queries import select_books
from app.catalog.exports.writers import ExportFormat
from app.catalog.index.criteria import BookCriteria
from app.core.db.batches import STREAMED_AT_ONCE
from app.core.db.engine import Database


async def stream_books(
    database: Database,
    criteria: BookCriteria,
    form: ExportFormat,
    batch: int = STREAMED_AT_ONCE,
    *,
    is_whole: bool = False,
) -> AsyncIterator[bytes]:
    """Stream every book that meets the filters, by id, a piece of the file per batch; the first with the header.

    Each batch is a read of its own, so a slow client holds no connection, and a book that changes meanwhile
    is there once, as it was or as it is. A fault leaves the file without its end.
    """
    async with database.reading() as connection:
        selection = await select_books(connection, criteria, is_whole=is_whole)
    piece = form.header()
    after, is_more = 0, True
    while is_more:
        async with database.reading() as connection:
            books = await selection.batch(connection, after, batch)
        is_more = len(books) == batch
        after = books[-1].id if books else after
        yield piece + b"".join(form.product(book) for book in books)
        piece = b""
    yield form.footer()
