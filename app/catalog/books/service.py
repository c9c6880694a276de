"""Editing books."""

from collections.abc import Iterable, Sequence
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.authors.resolver import Credit, resolve_authors
from app.catalog.books.errors import no_book
from app.catalog.books.fields import PLAIN_BOOK_FIELDS
from app.catalog.books.queries import book_out
from app.catalog.books.repository import BookRepository
from app.catalog.books.schemas import BookIn, BookOut, BookPatch, ContributorIn, series_order
from app.catalog.goods.pictures import StoredPicture
from app.catalog.goods.schemas import GoodsIn, ItemKind
from app.catalog.goods.service import GoodsService, record_staff_edit
from app.catalog.models import Book, Item
from app.catalog.partial_dates import parse_partial_date
from app.catalog.series.resolver import resolve_series
from app.catalog.works.resolver import EditionChange, TitlePage, WorkResolver
from app.core.audit import Changes
from app.core.http.conditional import Precondition
from app.identity.principal import Principal

_SHOWN_AS = {"author": "contributors"}


class BookService:
    """Edits books: what they share with all goods is `GoodsService`'s."""

    def __init__(
        self,
        session: AsyncSession,
        goods: GoodsService,
        books: BookRepository,
        works: WorkResolver,
    ) -> None:
        self._session = session
        self._goods = goods
        self._books = books
        self._works = works

    @classmethod
    def build(cls, session: AsyncSession, currency: str) -> Self:
        """Compose it on one session; prices are in `currency` (ISO 4217)."""
        return cls(
            session,
            GoodsService.build(session, currency),
            BookRepository(session),
            WorkResolver(session),
        )

    async def create(self, seller: Principal, request: BookIn, pictures: Sequence[StoredPicture] = ()) -> int:
        """List a book as the seller's own, its cover first among the pictures; returns its id.

        Raises IsbnTaken, SkuTaken, UnknownAuthor, UnknownCategory, UnknownWork, DuplicateContributor.
        """
        item = await self._goods.create(seller, request, ItemKind.BOOK, pictures)
        contributors = await self._credit(request.stated_contributors)
        series_id = await self._series_of(request)
        if request.work_id is None:
            page = TitlePage.of(request.title, contributors)
            [work_id] = await self._works.resolve([page])
        else:
            work_id = await self._works.lock_canonical(request.work_id)
        book = Book(item_id=item.id, work_id=work_id)
        set_columns(book, request, series_id)
        await self._books.add(book)
        await self._books.set_contributors(item.id, contributors)
        return item.id

    async def change(
        self, editor: Principal, book_id: int, precondition: Precondition, change: BookIn | BookPatch
    ) -> None:
        """Set every field of a whole book, of a patch those that were sent; an empty patch changes nothing.

        Raises BookNotFound, NotYourItem, StaleVersion, QuantityNotSettable, and the errors of `create`.
        """
        item = await self.lock(editor, book_id, precondition)
        await self.edit(editor, item, change)

    async def delete(self, editor: Principal, book_id: int, precondition: Precondition) -> None:
        """Delete the book. Raises BookNotFound, NotYourItem, StaleVersion."""
        await self._goods.delete(editor, await self.lock(editor, book_id, precondition))

    async def lock(self, editor: Principal, book_id: int, precondition: Precondition) -> Item:
        """Lock the book's item for a change. Raises BookNotFound, NotYourItem, StaleVersion."""
        if not await self._books.exists(book_id):
            raise no_book(book_id)
        return await self._goods.lock(editor, book_id, precondition, no_book)

    async def edit(self, editor: Principal, item: Item, change: BookIn | BookPatch) -> None:
        """Change a book whose item is locked, as `change` does.

        Merges lock the books they touch, then authors or works. So does an edit, and it locks all that
        the change names before it writes anything: there can be no deadlock.
        """
        fields = change.fields_to_set
        bookish = fields - GoodsIn.model_fields.keys()
        book, old_title = await self._books.get(item.id), item.title
        before = None
        if bookish and editor.user_id != item.owner_id:
            before = await self._shown(item.id)
        has_new_people = not bookish.isdisjoint({"author", "contributors"})
        credited = await self._books.list_credits(item.id) if has_new_people else []
        contributors = await self._credit(change.stated_contributors, credited) if has_new_people else []
        series_id = await self._series_of(change) if "series" in bookish else book.series_id
        work_id = change.work_id
        if work_id is not None:
            book.work_id = await self._works.lock_canonical(work_id, leaving=book.work_id)
        await self._goods.change(editor, item, change)
        set_columns(book, change, series_id)
        if has_new_people:
            await self._books.set_contributors(item.id, contributors)
        await self._books.flush()
        if work_id is None:
            old = TitlePage.of(old_title, credited)
            new = TitlePage.of(item.title, contributors)
            await self._works.follow([EditionChange(item.id, old, new)])
        if before is not None:
            changes = shown_changes(before, await self._shown(item.id), bookish)
            record_staff_edit(self._session, editor, item, "book_changed", changes)

    async def _shown(self, book_id: int) -> BookOut:
        row = await self._books.show(book_id)
        if row is None:
            raise no_book(book_id)
        return book_out(row)

    async def _series_of(self, change: BookIn | BookPatch) -> int | None:
        if change.series is None:
            return None
        return (await resolve_series(self._session, [change.series])).by_name[change.series].id

    async def _credit(
        self, contributors: Sequence[ContributorIn], credited: Sequence[Credit] = ()
    ) -> list[Credit]:
        """Turn contributors into credits of a book that has the `credited` ones, creating who is unknown."""
        named = [one.name for one in contributors if one.name is not None]
        ids = [one.author_id for one in contributors if one.author_id is not None]
        authors = await resolve_authors(self._session, named, ids, {author_id for author_id, _ in credited})
        # An id that does not exist is refused by the foreign key.
        return authors.credit(
            [(one.name or one.author_id or 0, one.role.value) for one in contributors], credited
        )


def set_columns(book: Book, change: BookIn | BookPatch, series_id: int | None) -> None:
    """Give the row what the change sets of it, and its series; without one it has no position."""
    fields = change.fields_to_set
    for name in PLAIN_BOOK_FIELDS:
        if name in fields:
            setattr(book, name, getattr(change, name))
    if "isbn" in fields:
        book.isbn13 = change.isbn
    if "subjects" in fields:
        book.subjects = [subject.model_dump() for subject in change.subjects]
    if "published_on" in fields:
        text = change.published_on
        book.published_on, book.published_precision = parse_partial_date(text) if text else (None, None)
    book.series_id = series_id
    if series_id is None:
        book.series_position = None
    book.series_order = series_order(book.series_position)


def shown_changes(before: BookOut, after: BookOut, sent: Iterable[str]) -> Changes:
    """List what setting these fields changed of the book, as anybody sees it."""
    fields = {_SHOWN_AS.get(name, name) for name in sent}
    old, new = before.model_dump(include=fields), after.model_dump(include=fields)
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}
