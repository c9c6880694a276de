"""Who may change an item's pictures, and the change."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, cast

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.books.errors import InvalidIsbn, no_book_of_isbn
from app.catalog.books.service import BookService
from app.catalog.cache_groups import ITEM, LISTS
from app.catalog.goods.pictures import StoredPicture, placed
from app.catalog.goods.repository import ItemRepository
from app.catalog.goods.service import GoodsService, record_staff_edit
from app.catalog.isbn import parse_isbn
from app.catalog.models import Item, PictureFetch
from app.catalog.pictures.errors import FetchBlocked, PictureGap, PictureNotFound, PictureReplaced
from app.catalog.pictures.events import PictureWanted
from app.catalog.pictures.queries import find_book_id
from app.catalog.pictures.repository import FetchRepository
from app.core.cache.hot import invalidate
from app.core.clock import utc_now
from app.core.events.events import publish
from app.core.http.conditional import Precondition
from app.core.outbound import Outbound, OutboundBlocked
from app.identity.principal import Principal

_ANY_VERSION = Precondition(None)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture stands: the item, and which of its pictures it is, from 1; perhaps of books alone."""

    item_id: int
    number: int = 1
    is_of_book: bool = False


def cover_of(book_id: int) -> Place:
    """The place of a book's cover."""
    return Place(book_id, is_of_book=True)


def checked_address(outbound: Outbound, url: str) -> str:
    """The address as it will be called; its host is looked up by the worker. Raises FetchBlocked."""
    try:
        return outbound.check_url(url)
    except OutboundBlocked as reason:
        raise FetchBlocked(f"url: {reason}.", errors=FetchBlocked.about("url", str(reason))) from None


class PictureService:
    """Changes pictures in one transaction, which is short: they are made and stored outside of it."""

    def __init__(
        self,
        session: AsyncSession,
        goods: GoodsService,
        books: BookService,
        items: ItemRepository,
        fetches: FetchRepository,
    ) -> None:
        self._session = session
        self._goods = goods
        self._books = books
        self._items = items
        self._fetches = fetches

    @classmethod
    def build(cls, session: AsyncSession, currency: str) -> Self:
        """Compose it on one session."""
        goods, books = GoodsService.build(session, currency), BookService.build(session, currency)
        return cls(session, goods, books, ItemRepository(session), FetchRepository(session))

    async def check(self, editor: Principal, place: Place, precondition: Precondition) -> list[StoredPicture]:
        """Refuse what `put` would refuse now; the pictures there are.

        Raises ItemNotFound, BookNotFound, NotYourItem, StaleVersion, PictureGap.
        """
        return _pictures_of(await self._lock_for_put(editor, place, precondition))

    async def check_file_name(self, editor: Principal, filename: str) -> int:
        """The id of the book whose ISBN the file is named after. Raises InvalidIsbn, BookNotFound, NotYourItem."""
        stem = filename.rpartition(".")[0] or filename
        try:
            isbn13 = parse_isbn(stem)
        except ValueError as reason:
            raise InvalidIsbn(f"The file is not named after an ISBN: {reason}.", suggestions=[]) from None
        book_id = await find_book_id(self._session, isbn13)
        if book_id is None:
            raise no_book_of_isbn(isbn13)
        await self.check(editor, cover_of(book_id), _ANY_VERSION)
        return book_id

    async def put(
        self, editor: Principal, place: Place, precondition: Precondition, picture: StoredPicture
    ) -> None:
        """Set the picture of the place, as one more at the end too; one that the item has moves. Raises as `check`."""
        item = await self._lock_for_put(editor, place, precondition)
        await self._set(editor, item, placed(_pictures_of(item), place.number, picture))

    async def put_fetched(
        self, editor: Principal, place: Place, replaces: str | None, picture: StoredPicture
    ) -> int:
        """Set the picture of the place, if there is what was there when it was asked for; the item's version then.

        Raises ItemNotFound, NotYourItem, PictureReplaced.
        """
        item = await self._lock(editor, place, _ANY_VERSION)
        pictures = _pictures_of(item)
        if place.number > len(pictures) + 1 or _name_at(pictures, place.number) != replaces:
            raise PictureReplaced("The item's pictures were changed while this one was fetched.")
        await self.put(editor, place, _ANY_VERSION, picture)
        return item.version

    async def want(self, editor: Principal, place: Place, precondition: Precondition, url: str) -> int:
        """Have the worker fetch the picture; the fetch's id. Raises as `check`."""
        item = await self._lock_for_put(editor, place, precondition)
        fetch = PictureFetch(
            item_id=item.id,
            number=place.number,
            url=url,
            replaces=_name_at(_pictures_of(item), place.number),
            requested_by=editor.user_id,
        )
        await self._fetches.add(fetch)
        record_staff_edit(self._session, editor, item, "picture_wanted", {"picture": (None, place.number)})
        await publish(self._session, PictureWanted(fetch.id))
        return fetch.id

    async def delete(self, editor: Principal, place: Place, precondition: Precondition) -> None:
        """Take the picture away; those behind it move up. A book without a cover is left as it is.

        Raises ItemNotFound, BookNotFound, NotYourItem, StaleVersion, PictureNotFound.
        """
        item = await self._lock(editor, place, precondition)
        pictures = _pictures_of(item)
        if place.number > len(pictures) and not place.is_of_book:
            raise PictureNotFound(f"The item has {len(pictures)} pictures.")
        rest = [*pictures[: place.number - 1], *pictures[place.number :]]
        await self._set(editor, item, rest)

    async def _lock_for_put(self, editor: Principal, place: Place, precondition: Precondition) -> Item:
        item = await self._lock(editor, place, precondition)
        following = len(_pictures_of(item)) + 1
        if place.number > following:
            raise PictureGap(f"Pictures are numbered without gaps: the next is {following}.")
        return item

    async def _lock(self, editor: Principal, place: Place, precondition: Precondition) -> Item:
        of_kind = self._books if place.is_of_book else self._goods
        return await of_kind.lock(editor, place.item_id, precondition)

    async def _set(self, editor: Principal, item: Item, pictures: Sequence[StoredPicture]) -> None:
        old, new = _pictures_of(item), list(pictures)
        if old == new:
            return
        names = ([one["name"] for one in old], [one["name"] for one in new])
        record_staff_edit(self._session, editor, item, "pictures_changed", {"pictures": names})
        item.pictures = [dict(one) for one in new]
        item.updated_at = utc_now()
        await self._items.flush()
        invalidate(self._session, ITEM.format(item.id), LISTS)


def _name_at(pictures: Sequence[StoredPicture], number: int) -> str | None:
    return pictures[number - 1]["name"] if number <= len(pictures) else None


def _pictures_of(item: Item) -> list[StoredPicture]:
    return cast("list[StoredPicture]", item.pictures)
