"""SQL of covers."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Book

_NAME = Book.cover["name"].astext


class CoverRepository:
    """Covers of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find_book_id(self, isbn13: str) -> int | None:
        """The book with this ISBN."""
        statement = select(Book.item_id).where(Book.isbn13 == isbn13)
        return await self._session.scalar(statement)

    async def find_used(self, names: Collection[str]) -> set[str]:
        """Which of these pictures books use."""
        used = select(_NAME).where(Book.cover.is_not(None), _NAME.in_(names))
        return set(await self._session.scalars(used))
