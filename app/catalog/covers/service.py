"""Who may change a book's cover, and the change."""

from typing import Self, cast

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.books.errors import InvalidIsbn, no_book_of_isbn
from app.catalog.books.repository import BookRepository
from app.catalog.books.service import BookService
from app.catalog.cache_groups import ITEM, LISTS
from app.catalog.covers.queries import find_book_id
from app.catalog.covers.schemas import (
    StoredCover,
)
from app.catalog.goods.service import record_staff_edit
from app.catalog.isbn import parse_isbn
from app.core.cache.hot import invalidate
from app.core.clock import utc_now
from app.core.http.conditional import Precondition
from app.identity.principal import Principal

_ANY_VERSION = Precondition(None)


class CoverService:
    """Changes covers in one transaction, which is short: pictures are made and stored outside of it."""

    def __init__(self, session: AsyncSession, books: BookService, rows: BookRepository) -> None:
        self._session = session
        self._books = books
        self._rows = rows

    @classmethod
    def build(cls, session: AsyncSession, currency: str) -> Self:
        """Compose it on one session."""
        return cls(session, BookService.build(session, currency), BookRepository(session))

    async def check(self, editor: Principal, book_id: int, precondition: Precondition) -> None:
        """Refuse what `change` would refuse now. Raises BookNotFound, NotYourItem, StaleVersion."""
        await self._books.lock(editor, book_id, precondition)

    async def check_file_name(self, editor: Principal, filename: str) -> int:
        """The id of the book whose ISBN the file is named after. Raises InvalidIsbn, BookNotFound, NotYourItem."""
        stem = filename.rpartition(".")[0] or filename
        try:
            isbn13 = parse_isbn(stem)
        except ValueError as reason:
            raise InvalidIsbn(f"The file is not named after an ISBN: {reason}.") from None
        book_id = await find_book_id(self._session, isbn13)
        if book_id is None:
            raise no_book_of_isbn(isbn13)
        await self.check(editor, book_id, _ANY_VERSION)
        return book_id

    async def change(
        self, editor: Principal, book_id: int, precondition: Precondition, cover: StoredCover | None
    ) -> None:
        """Set or take away the cover. Raises BookNotFound, NotYourItem, StaleVersion."""
        item = await self._books.lock(editor, book_id, precondition)
        book = await self._rows.get(book_id)
        old = cast("StoredCover | None", book.cover)
        if old == cover:
            return
        names = (old and old["name"], cover and cover["name"])
        record_staff_edit(self._session, editor, item, "cover_changed", {"cover": names})
        book.cover = None if cover is None else dict(cover)
        item.updated_at = utc_now()
        await self._rows.flush()
        invalidate(self._session, ITEM.format(book_id), LISTS)
