"""Writes of books, their contributors and series."""

from collections.abc import Iterable

from sqlalchemy import delete, exists, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.books.queries import find_book
from app.catalog.models import Book, BookCategory, Contributor, Series
from app.core.db.queries import AnyRow


class BookRepository:
    """Books of one transaction."""

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

    async def set_contributors(self, book_id: int, contributors: Iterable[tuple[int, str]]) -> None:
        """Replace the contributors by these (author id, role) in order."""
        await self._session.execute(delete(Contributor).where(Contributor.book_id == book_id))
        rows = [
            {"book_id": book_id, "position": position, "author_id": author_id, "role": role}
            for position, (author_id, role) in enumerate(contributors, start=1)
        ]
        if rows:
            await self._session.execute(insert(Contributor), rows)

    async def set_categories(self, book_id: int, category_ids: Iterable[int]) -> None:
        """Replace the categories."""
        await self._session.execute(delete(BookCategory).where(BookCategory.book_id == book_id))
        rows = [{"book_id": book_id, "category_id": one} for one in sorted(set(category_ids))]
        if rows:
            await self._session.execute(insert(BookCategory), rows)

    async def series_id(self, name: str) -> int:
        """The series of this name, made if there is none; case and accents do not count.

        Held until the commit: nobody deletes it for being empty meanwhile.
        """
        named = select(Series.id).where(Series.name_folded == func.fold(name))
        held = named.with_for_update(read=True, key_share=True)
        found = None
        while found is None:
            await self._session.execute(upsert(Series).values(name=name).on_conflict_do_nothing())
            found = await self._session.scalar(held)
        return found
