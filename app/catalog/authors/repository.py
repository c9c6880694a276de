"""SQL of authors."""

from sqlalchemy import delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Author, Contributor


class AuthorRepository:
    """Writes and locks one author."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, author: Author) -> None:
        """Insert the author, so that the id is known."""
        self._session.add(author)
        await self._session.flush()

    async def lock(self, author_id: int) -> Author | None:
        """Lock the author against other writers, and against new contributions, until the transaction ends."""
        return await self._session.get(Author, author_id, with_for_update=True)

    async def flush(self) -> None:
        """Write what is pending, so that the answer reads what the database made of it."""
        await self._session.flush()

    async def delete(self, author: Author) -> None:
        """Delete the author."""
        await self._session.execute(delete(Author).where(Author.id == author.id))

    async def is_in_use(self, author_id: int) -> bool:
        """Tell whether any book names the author, or another author was merged into this one."""
        contributions = exists().where(Contributor.author_id == author_id)
        merged = exists().where(Author.merged_into_id == author_id)
        return bool(await self._session.scalar(select(contributions | merged)))
