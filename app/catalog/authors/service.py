"""Reading, listing and editing authors."""

from dataclasses import replace
from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.authors.errors import AuthorInUse, AuthorMerged, AuthorNotFound
from app.catalog.authors.names import sort_name
from app.catalog.authors.repository import AuthorRepository, find_author, list_authors
from app.catalog.authors.schemas import AuthorFilter, AuthorIn, AuthorOut, AuthorPatch
from app.catalog.books.repository import ListScope
from app.catalog.books.schemas import BookFilter
from app.catalog.books.service import BookCatalogue
from app.catalog.cache_groups import AUTHORS
from app.catalog.canonical import find_canonical
from app.catalog.models import Author
from app.core.audit import differences, record_audit, record_edit
from app.core.cache.hot import EVERYTHING, invalidate
from app.core.db.paging import Pager
from app.core.http.conditional import Precondition, version_etag
from app.core.http.responses import ReadResult


class AuthorService:
    """Edits authors."""

    def __init__(self, session: AsyncSession, authors: AuthorRepository) -> None:
        self._session = session
        self._authors = authors

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """The service on one session."""
        return cls(session, AuthorRepository(session))

    async def create(self, request: AuthorIn) -> int:
        """Add an author, namesakes or not; returns the id."""
        author = Author(
            name=request.name,
            sort_name=request.sort_name or sort_name(request.name),
            aliases=request.aliases,
        )
        await self._authors.add(author)
        record_audit(self._session, "author.created", ("author", author.id), {"name": (None, author.name)})
        invalidate(self._session, AUTHORS)
        return author.id

    async def replace(self, author_id: int, precondition: Precondition, request: AuthorIn) -> None:
        """Set every field. AuthorNotFound, StaleVersion."""
        author = await self._lock(author_id, precondition)
        values = {"name": request.name, "sort_name": request.sort_name or sort_name(request.name)}
        await self._apply(author, {**values, "aliases": request.aliases})

    async def change(self, author_id: int, precondition: Precondition, patch: AuthorPatch) -> None:
        """Set the fields that were sent; nothing sent changes nothing. AuthorNotFound, StaleVersion.

        A sort name that was made from the old name follows the new one.
        """
        author = await self._lock(author_id, precondition)
        sent = patch.sent()
        if not sent:
            return
        if "name" in sent and author.sort_name == sort_name(author.name):
            sent.setdefault("sort_name", sort_name(patch.name))
        await self._apply(author, sent)

    async def delete(self, author_id: int, precondition: Precondition) -> None:
        """Delete an author of no book. AuthorNotFound, AuthorMerged, StaleVersion, AuthorInUse."""
        author = await self._lock(author_id, precondition)
        # The lock keeps new contributions out, so that the answer still holds when the row goes.
        if await self._authors.is_in_use(author_id):
            raise AuthorInUse("Take the author off all books first; undo the merges into the author.")
        record_audit(self._session, "author.deleted", ("author", author_id), {"name": (author.name, None)})
        await self._authors.delete(author)
        invalidate(self._session, EVERYTHING)

    async def _lock(self, author_id: int, precondition: Precondition) -> Author:
        author = await self._authors.lock(author_id)
        if author is None:
            raise _no_author(author_id)
        if author.merged_into_id is not None:
            raise _merged_author(author_id, await self._authors.find_current(author_id))
        precondition.check(author.version)
        return author

    async def _apply(self, author: Author, values: dict[str, object]) -> None:
        record_edit(self._session, "author.changed", ("author", author.id), differences(author, values))
        for name, value in values.items():
            setattr(author, name, value)
        await self._authors.flush()
        # Names show in books and in lists of books, and are searched there.
        invalidate(self._session, EVERYTHING)


class AuthorCatalogue:
    """Reads authors for display."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, author_id: int) -> ReadResult:
        """One author. AuthorNotFound, AuthorMerged."""
        row = await find_author(self._connection, author_id)
        if row is None:
            raise _no_author(author_id)
        if row.merged_into_id is not None:
            raise _merged_author(author_id, await find_canonical(self._connection, Author, author_id))
        author = AuthorOut.model_validate(row)
        return ReadResult(author, row.snapshot, version_etag(author.version))

    async def list(self, query: AuthorFilter, pager: Pager) -> ReadResult:
        """One page of authors. InvalidCursor."""
        window = pager.window(query)
        found = await list_authors(self._connection, query.search, query.sort, window)
        authors = [AuthorOut.model_validate(row) for row in found.rows]
        return ReadResult(pager.page(query, window, found, authors), found.snapshot)

    async def list_books(self, author_id: int, query: BookFilter, pager: Pager) -> ReadResult:
        """One page of the books that the author contributed to. AuthorNotFound, AuthorMerged, InvalidCursor."""
        author = await self.get(author_id)
        books = await BookCatalogue(self._connection).list(query, pager, ListScope(author_id=author_id))
        # The older snapshot of the two: were the author deleted in between, the list must not be kept.
        return replace(books, snapshot=author.snapshot)


def _no_author(author_id: int) -> AuthorNotFound:
    return AuthorNotFound(f"There is no author {author_id}.")


def _merged_author(author_id: int, current_id: int) -> AuthorMerged:
    detail = f"Author {author_id} was merged into author {current_id}."
    return AuthorMerged(detail, moved={"author_id": current_id}, current_id=current_id)
