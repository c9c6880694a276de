"""SQL of series."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import SQLColumnExpression, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.books.repository import BOOK_COLUMNS, join_books
from app.catalog.models import Book, Item, Series
from app.core.db.paging import Found, Window
from app.core.db.queries import AnyRow, find_page
from app.core.db.sorting import Order

_AFTER_ALL_NUMBERS = Decimal(9_999_999)
_POSITIONS: Mapping[str, SQLColumnExpression[Any]] = {
    "order": func.coalesce(Book.series_order, _AFTER_ALL_NUMBERS),
    "position": func.coalesce(Book.series_position.collate("C"), ""),
}


class SeriesRepository:
    """Series of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self, series_id: int) -> Series | None:
        """The series, locked against other writers, and against new books, until the transaction ends."""
        return await self._session.get(Series, series_id, with_for_update=True)

    async def has_books(self, series_id: int) -> bool:
        """Whether any book is of the series."""
        return bool(
            await self._session.scalar(select(select(Book).where(Book.series_id == series_id).exists()))
        )

    async def delete(self, series: Series) -> None:
        """Delete the series."""
        await self._session.delete(series)
        await self._session.flush()

    async def rename(self, series: Series, name: str) -> None:
        """Give the series a name; a taken one is refused at once."""
        series.name = name
        await self._session.flush()


async def list_books_of_series(connection: AsyncConnection, series_id: int, window: Window) -> Found[AnyRow]:
    """One page of the books of a series: by number, those without one last."""
    matching = select(Item.id).join(Book, Book.item_id == Item.id).where(Book.series_id == series_id)
    order = Order.by(["order", "position"], _POSITIONS, Item.id)
    return await find_page(connection, matching, order, window, BOOK_COLUMNS, join_books)
