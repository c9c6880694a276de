"""Books that go with a book."""

from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.books.errors import no_book
from app.catalog.books.representations import book_out
from app.catalog.search.related.repository import AUTHOR, CATEGORY, SERIES, find_relations, list_related
from app.catalog.search.related.schemas import Reason, RelatedBook, RelatedBooks
from app.core.http.responses import ReadResult

_REASONS = {SERIES: Reason.SERIES, AUTHOR: Reason.AUTHOR, CATEGORY: Reason.CATEGORY}


class RelatedCatalogue:
    """Finds what goes with a book."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def list(self, book_id: int, limit: int) -> ReadResult:
        """Books of its series in order, then by its authors, then of its categories; no edition of its work.

        BookNotFound.
        """
        book = await find_relations(self._connection, book_id)
        if book is None:
            raise no_book(book_id)
        rows = await list_related(self._connection, book_id, book, limit)
        items = [RelatedBook(**book_out(row).model_dump(), reason=_REASONS[row.reason]) for row in rows]
        # The older snapshot of the two: were the book changed in between, the answer must not be kept.
        return ReadResult(RelatedBooks(items=items), book.snapshot)
