"""Reading, listing and editing books."""

from collections.abc import Sequence
from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.authors.directory import AuthorDirectory
from app.catalog.books.answers import book_out
from app.catalog.books.edits import Contributions, Edit, principal_author, shown_changes, stated_contributors
from app.catalog.books.errors import InvalidIsbn, no_book, no_book_of_isbn
from app.catalog.books.fields import PLAIN_BOOK_FIELDS
from app.catalog.books.locking import lock_book
from app.catalog.books.repository import (
    EVERYWHERE,
    BookRepository,
    ListScope,
    find_book,
    find_book_by_isbn,
    list_books,
)
from app.catalog.books.schemas import BookFilter, BookIn, BookOut, BookPatch, ContributorIn
from app.catalog.goods.repository import item_order
from app.catalog.goods.schemas import GoodsIn, ItemIn, ItemKind, ItemPatch
from app.catalog.goods.service import ItemService, set_kind
from app.catalog.isbn import parse_isbn
from app.catalog.models import Book, Item
from app.catalog.partial_dates import parse_partial_date
from app.catalog.series_positions import series_order
from app.catalog.works.directory import WorkDirectory
from app.core.db.paging import Pager
from app.core.db.queries import AnyRow
from app.core.errors import FieldProblem
from app.core.http.conditional import Precondition, version_etag
from app.core.http.responses import ReadResult
from app.identity.principal import Principal


class BookService:
    """Edits books: what they share with all items is `ItemService`'s."""

    def __init__(
        self, items: ItemService, books: BookRepository, authors: AuthorDirectory, works: WorkDirectory
    ) -> None:
        self._items = items
        self._books = books
        self._authors = authors
        self._works = works

    @classmethod
    def build(cls, session: AsyncSession, currency: str) -> Self:
        """The service on one session; prices are in `currency` (ISO 4217)."""
        return cls(
            ItemService.build(session, currency),
            BookRepository(session),
            AuthorDirectory.build(session),
            WorkDirectory.build(session),
        )

    async def create(self, seller: Principal, request: BookIn) -> int:
        """List a book as the seller's own; returns its id.

        IsbnTaken, SkuTaken, UnknownAuthor, UnknownCategory, UnknownWork, DuplicateContributor.
        """
        item = await self._items.create(seller, request, ItemKind.BOOK)
        values = _all_values(request)
        contributors = await self._resolve(stated_contributors(values))
        work_id = await self._work_of(request, contributors)
        book = Book(item_id=item.id, work_id=work_id, isbn13=request.isbn)
        await self._books.add(book)
        await self._books.set_contributors(item.id, contributors)
        await self._apply(book, values | {"work_id": work_id})
        return item.id

    async def replace(
        self, editor: Principal, book_id: int, precondition: Precondition, request: BookIn
    ) -> None:
        """Set every field. Errors of `create`, and BookNotFound, NotYourItem, StaleVersion, StockReserved."""
        item, book = await lock_book(self._items, self._books, editor, book_id, precondition)
        edit = await self._settle(item, _all_values(request), book)
        await self._items.replace(editor, item, request)
        await self._edit(editor, item, book, edit)

    async def change(
        self, editor: Principal, book_id: int, precondition: Precondition, patch: BookPatch
    ) -> None:
        """Set the fields that were sent; nothing sent changes nothing. Errors as `replace`."""
        item, book = await lock_book(self._items, self._books, editor, book_id, precondition)
        edit = await self._settle(item, patch.sent(), book)
        await self._items.change(editor, item, patch)
        await self._edit(editor, item, book, edit)

    async def delete(self, editor: Principal, book_id: int, precondition: Precondition) -> None:
        """Delete the book. BookNotFound, NotYourItem, StaleVersion."""
        item, _ = await lock_book(self._items, self._books, editor, book_id, precondition)
        await self._items.remove(editor, item)

    async def create_item(self, seller: Principal, request: ItemIn) -> int:
        """List an item of any kind, a book where the request tells of one; returns its id. Errors of `create`."""
        kind = request.stated_kind or ItemKind.OTHER
        if kind is not ItemKind.BOOK:
            return (await self._items.create(seller, request, kind)).id
        return await self.create(seller, BookIn.model_validate(request.model_dump(exclude={"kind"})))

    async def replace_item(
        self, editor: Principal, item_id: int, precondition: Precondition, request: ItemIn
    ) -> None:
        """Set every field that items have, and of a book author and ISBN where they are sent.

        ItemNotFound, KindFixed, and the errors of `replace`.
        """
        item = await self._items.lock(editor, item_id, precondition)
        bookish = request.model_dump(include={"author", "isbn"}, exclude_none=True)
        edit = await self._settle(item, BookPatch.model_validate(bookish).sent())
        set_kind(item, request.stated_kind)
        await self._items.replace(editor, item, request)
        book = await self._books.find(item_id)
        if book is not None:
            await self._edit(editor, item, book, edit)

    async def change_item(
        self, editor: Principal, item_id: int, precondition: Precondition, patch: ItemPatch
    ) -> None:
        """Set the fields of an item that were sent. ItemNotFound, KindFixed, and the errors of `change`."""
        item = await self._items.lock(editor, item_id, precondition)
        edit = await self._settle(item, {})
        set_kind(item, patch.sent().get("kind"))
        await self._items.change(editor, item, patch)
        book = await self._books.find(item_id)
        if book is not None:
            await self._edit(editor, item, book, edit)

    async def _settle(self, item: Item, values: dict[str, object], book: Book | None = None) -> Edit:
        """Who and what the values name, followed through merges and held, before anything is written.

        Merges hold the books they touch, then authors or works, then write: in this order nobody waits in a circle.
        """
        contributors = None
        if "contributors" in values or "author" in values:
            contributors = await self._resolve(stated_contributors(values))
        if isinstance(work_id := values.get("work_id"), int):
            leaving = None if book is None else book.work_id
            values = values | {"work_id": await self._works.current(work_id, leaving)}
        return Edit(values, contributors, item.title)

    async def _edit(self, editor: Principal, item: Item, book: Book, edit: Edit) -> None:
        bookish = edit.values.keys() - GoodsIn.model_fields.keys()
        before = await self._shown(book) if bookish and editor.user_id != item.owner_id else None
        if edit.contributors is not None:
            await self._books.set_contributors(book.item_id, edit.contributors)
        await self._apply(book, edit.values)
        if edit.values.get("work_id") is None:
            book.work_id = await self._works.follow(book.work_id, edit.of_title_page(item.title))
            await self._books.flush()
        if before is not None:
            changes = shown_changes(before, await self._shown(book), bookish)
            await self._items.record(editor, item, "book_changed", changes)

    async def _shown(self, book: Book) -> BookOut:
        row = await self._books.show(book.item_id)
        if row is None:
            raise no_book(book.item_id)
        return book_out(row)

    async def _work_of(self, request: BookIn, contributors: Contributions) -> int:
        if request.work_id is not None:
            return await self._works.current(request.work_id)
        return await self._works.id_for(request.title, principal_author(contributors))

    async def _apply(self, book: Book, values: dict[str, object]) -> None:
        for name in PLAIN_BOOK_FIELDS:
            if name in values:
                setattr(book, name, values[name])
        if isinstance(work_id := values.get("work_id"), int):
            book.work_id = work_id
        if isinstance(subjects := values.get("subjects"), list):
            book.subjects = [subject.model_dump() for subject in subjects]
        if "isbn" in values:
            book.isbn13 = _text(values["isbn"])
        if "published_on" in values:
            _set_published_on(book, _text(values["published_on"]))
        if "series" in values:
            series = _text(values["series"])
            book.series_id = None if series is None else await self._books.series_id(series)
        book.series_position = book.series_position if book.series_id is not None else None
        book.series_order = series_order(book.series_position)
        await self._books.flush()
        if isinstance(category_ids := values.get("category_ids"), list):
            await self._books.set_categories(book.item_id, category_ids)

    async def _resolve(self, contributors: Sequence[ContributorIn]) -> Contributions:
        """Each contributor as (author id, role); who is named and unknown is made."""
        names = [one.name for one in contributors if one.name is not None]
        ids = await self._authors.ids_by_name(names) if names else {}
        named = [one.author_id if one.author_id is not None else ids[one.name or ""] for one in contributors]
        current = await self._authors.current(named) if named else {}
        roles = [one.role.value for one in contributors]
        # Who does not exist is refused by the foreign key.
        return [(current.get(id_, id_), role) for id_, role in zip(named, roles, strict=True)]


def _all_values(request: BookIn) -> dict[str, object]:
    return {name: getattr(request, name) for name in BookIn.model_fields}


def _set_published_on(book: Book, text: str | None) -> None:
    if text is None:
        book.published_on = book.published_precision = None
        return
    book.published_on, precision = parse_partial_date(text)
    book.published_precision = precision.value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


class BookCatalogue:
    """Reads books for display."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, book_id: int) -> ReadResult:
        """One book. BookNotFound."""
        row = await find_book(self._connection, book_id)
        if row is None:
            raise no_book(book_id)
        return _document(row)

    async def get_by_isbn(self, printed: str) -> ReadResult:
        """The book with this ISBN in any form. InvalidIsbn, BookNotFound."""
        try:
            isbn13 = parse_isbn(printed)
        except ValueError as reason:
            problem: FieldProblem = {"field": "isbn", "message": str(reason), "type": InvalidIsbn.code}
            raise InvalidIsbn(f"{printed!r}: {reason}.", errors=[problem]) from None
        row = await find_book_by_isbn(self._connection, isbn13)
        if row is None:
            raise no_book_of_isbn(isbn13)
        return _document(row)

    async def list(self, query: BookFilter, pager: Pager, within: ListScope = EVERYWHERE) -> ReadResult:
        """One page of books. InvalidCursor."""
        window, order = pager.window(query), item_order(query)
        found = await list_books(self._connection, query, order, window, within)
        books = [book_out(row) for row in found.rows]
        return ReadResult(pager.page(query, window, found, books), found.snapshot)


def _document(row: AnyRow) -> ReadResult:
    book = book_out(row)
    # Names of authors, categories and series show in the answer: a rename must change the tag, but stop no
    # editor. The sum only rises while the book's version stands: merges and their undo raise the others.
    named = sum(one["version"] for one in (*(row.contributors or ()), *(row.categories or ())))
    tag = version_etag(book.version, row.stock_version, named + row.series_version)
    return ReadResult(book, row.snapshot, tag)
