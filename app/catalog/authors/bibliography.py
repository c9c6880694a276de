"""The books of one author, apart from `service`, which books themselves ask for their authors."""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.authors.service import AuthorCatalogue
from app.catalog.books.repository import Within
from app.catalog.books.schemas import BookFilter
from app.catalog.books.service import BookCatalogue
from app.core.answers import Document
from app.core.paging import Pager


async def list_books_of_author(
    connection: AsyncConnection, author_id: int, query: BookFilter, pager: Pager
) -> Document:
    """One page of the books that the author contributed to, in whatever role. AuthorNotFound, InvalidCursor."""
    author = await AuthorCatalogue(connection).get(author_id)
    books = await BookCatalogue(connection).list(query, pager, Within(author_id=author_id))
    # The older snapshot of the two: were the author deleted in between, the list must not be kept.
    return replace(books, snapshot=author.snapshot)
