"""Writes of books, their contributors and series."""

from collections.abc import Iterable

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.books.queries import find_book
from app.catalog.models import Book, Contributor
from app.core.db.queries import AnyRow


class BookRepository:
    """Writes what only books have; `ItemRepository` locks and deletes them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, book: Book) -> None:
        """Insert the book; a taken ISBN is refused at once."""
        self._session.add(book)
        # Contributors and categories refer to the row.
        await self._session.flush()

    async def exists(self, item_id: int) -> bool:
        """Tell whether the item is a book."""
        return bool(await self._session.scalar(select(exists().where(Book.item_id == item_id))))

    async def get(self, item_id: int) -> Book:
        """Read the book of a locked item, as it is now that it is locked."""
        return await self._session.get_one(Book, item_id, populate_existing=True)

    async def show(self, item_id: int) -> AnyRow | None:
        """As `find_book`, as far as this transaction has written."""
        return await find_book(await self._session.connection(), item_id)

    async def flush(self) -> None:
        """Write what is pending, so that the answer reads what the database made of it."""
        await self._session.flush()

    async def list_credits(self, book_id: int) -> list[tuple[int, str]]:
        """The contributors as (author id, role) in printed order."""
        credited = select(Contributor.author_id, Contributor.role).where(Contributor.book_id == book_id)
        rows = await self._session.execute(credited.order_by(Contributor.position))
        return [(author_id, role) for author_id, role in rows]

    async def set_contributors(self, book_id: int, contributors: Iterable[tuple[int, str]]) -> None:
        """Replace the contributors by these (author id, role) in order."""
        await self._session.execute(delete(Contributor).where(Contributor.book_id == book_id))
        rows = [
            {"book_id": book_id, "position": position, "author_id": author_id, "role": role}
            for position, (author_id, role) in enumerate(contributors, start=1)
        ]
        if rows:
            await self._session.execute(insert(Contributor), rows)
