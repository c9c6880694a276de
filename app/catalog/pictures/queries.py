"""Which book a file name is of, and which pictures are in use."""

from collections.abc import Collection

from sqlalchemy import func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Book, Item

_NONE = literal([], JSONB)
_EACH = func.jsonb_array_elements(Item.pictures, type_=JSONB).column_valued("each", joins_implicitly=True)
_NAME = _EACH["name"].astext
_USED = select(_NAME).select_from(Item).where(Item.pictures != _NONE)


async def find_book_id(session: AsyncSession, isbn13: str) -> int | None:
    """The book with this ISBN."""
    return await session.scalar(select(Book.item_id).where(Book.isbn13 == isbn13))


async def find_used_pictures(session: AsyncSession, names: Collection[str]) -> set[str]:
    """Which of these pictures items use."""
    return set(await session.scalars(_USED.where(_NAME.in_(names))))


async def list_used_pictures(session: AsyncSession) -> list[str]:
    """Every picture that an item uses."""
    return list(await session.scalars(_USED.distinct()))
