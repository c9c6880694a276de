"""Which books a file name or a picture belongs to."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Book

_NAME = Book.cover["name"].astext


async def find_book_id(session: AsyncSession, isbn13: str) -> int | None:
    """The book with this ISBN."""
    return await session.scalar(select(Book.item_id).where(Book.isbn13 == isbn13))


async def find_used_pictures(session: AsyncSession, names: Collection[str]) -> set[str]:
    """Which of these pictures books use."""
    used = select(_NAME).where(Book.cover.is_not(None), _NAME.in_(names))
    return set(await session.scalars(used))
