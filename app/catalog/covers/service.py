"""Who may change a book's cover, and the change."""

from typing import Self, cast

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import LISTS, item_group
from app.catalog.covers.repository import CoverRepository
from app.catalog.covers.schemas import StoredCover
from app.catalog.errors import BookNotFound, InvalidIsbn
from app.catalog.isbn import parse_isbn
from app.catalog.items.service import ItemService
from app.catalog.models import Book, Item
from app.core.cache import invalidate
from app.core.clock import utc_now
from app.core.conditional import Precondition
from app.identity.principal import Principal


class CoverService:
    """Changes covers in one transaction, which is short: pictures are made and stored outside of it."""

    def __init__(self, session: AsyncSession, items: ItemService, covers: CoverRepository) -> None:
        self._session = session
        self._items = items
        self._covers = covers

    @classmethod
    def build(cls, session: AsyncSession, currency: str) -> Self:
        """The service on one session."""
        return cls(session, ItemService.build(session, currency), CoverRepository(session))

    async def check(self, editor: Principal, book_id: int, precondition: Precondition) -> None:
        """Whether `change` would be allowed now. BookNotFound, NotYourItem, StaleVersion."""
        await self._lock(editor, book_id, precondition)

    async def check_file_name(self, editor: Principal, filename: str) -> int:
        """The id of the book whose ISBN the file is named after. InvalidIsbn, BookNotFound, NotYourItem."""
        stem = filename.rpartition(".")[0] or filename
        try:
            isbn13 = parse_isbn(stem)
        except ValueError as reason:
            raise InvalidIsbn(f"The file is not named after an ISBN: {reason}.") from None
        book_id = await self._covers.find_book_id(isbn13)
        if book_id is None:
            raise BookNotFound(f"There is no book with the ISBN {isbn13}.")
        await self.check(editor, book_id, Precondition(None))
        return book_id

    async def change(
        self, editor: Principal, book_id: int, precondition: Precondition, cover: StoredCover | None
    ) -> None:
        """Set or take away the cover. BookNotFound, NotYourItem, StaleVersion."""
        item, book = await self._lock(editor, book_id, precondition)
        old = cast("StoredCover | None", book.cover)
        if old == cover:
            return
        await self._items.record(editor, item, "cover_changed", {"cover": (_name(old), _name(cover))})
        book.cover = None if cover is None else dict(cover)
        item.updated_at = utc_now()
        await self._covers.flush()
        invalidate(self._session, item_group(book_id), LISTS)

    async def _lock(self, editor: Principal, book_id: int, precondition: Precondition) -> tuple[Item, Book]:
        if await self._covers.find_book(book_id) is None:
            raise _unknown(book_id)
        item = await self._items.lock(editor, book_id, precondition)
        # Read again under the lock: another cover may have been set while this waited for it.
        book = await self._covers.find_book(book_id)
        if book is None:
            raise _unknown(book_id)
        return item, book


def _unknown(book_id: int) -> BookNotFound:
    return BookNotFound(f"There is no book {book_id}.")


def _name(cover: StoredCover | None) -> str | None:
    return None if cover is None else cover["name"]
