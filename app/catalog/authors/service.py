"""Editing authors."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.authors.errors import AuthorInUse, merged_author, no_author
from app.catalog.authors.names import sort_name
from app.catalog.authors.repository import AuthorRepository
from app.catalog.authors.schemas import AuthorIn, AuthorPatch
from app.catalog.cache_groups import AUTHORS
from app.catalog.canonical import find_canonical
from app.catalog.models import Author
from app.core.audit import differences, record_audit, record_edit
from app.core.cache.hot import EVERYTHING, invalidate
from app.core.http.conditional import Precondition


class AuthorService:
    """Edits authors."""

    def __init__(self, session: AsyncSession, authors: AuthorRepository) -> None:
        self._session = session
        self._authors = authors

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
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
        """Set every field. Raises AuthorNotFound, AuthorMerged, StaleVersion."""
        author = await self._lock(author_id, precondition)
        filed = request.sort_name or sort_name(request.name)
        await self._set(author, request.name, filed, request.aliases)

    async def change(self, author_id: int, precondition: Precondition, patch: AuthorPatch) -> None:
        """Set the fields that were sent; nothing sent changes nothing.

        A sort name that was made from the old name follows the new one. Raises AuthorNotFound,
        AuthorMerged, StaleVersion.
        """
        author = await self._lock(author_id, precondition)
        sent = patch.model_fields_set
        if not sent:
            return
        name = patch.name if "name" in sent else author.name
        aliases = patch.aliases if "aliases" in sent else author.aliases
        if "sort_name" in sent:
            filed = patch.sort_name
        elif author.sort_name == sort_name(author.name):
            filed = sort_name(name)
        else:
            filed = author.sort_name
        await self._set(author, name, filed, aliases)

    async def delete(self, author_id: int, precondition: Precondition) -> None:
        """Delete an author of no book. Raises AuthorNotFound, AuthorMerged, StaleVersion, AuthorInUse."""
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
            raise no_author(author_id)
        if author.merged_into_id is not None:
            raise merged_author(author_id, await find_canonical(self._session, Author, author_id))
        precondition.check(author.version)
        return author

    async def _set(self, author: Author, name: str, filed: str, aliases: list[str]) -> None:
        changes = differences(author, {"name": name, "sort_name": filed, "aliases": aliases})
        record_edit(self._session, "author.changed", ("author", author.id), changes)
        author.name, author.sort_name = name, filed
        author.aliases = aliases
        await self._authors.flush()
        # Names show in books and in lists of books, and are searched there.
        invalidate(self._session, EVERYTHING)
