"""Reads books as images and writes images as books, a batch at a time."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from operator import attrgetter
from typing import Any, Self

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.books.fields import BOOK_FIELDS, PLAIN_BOOK_FIELDS, PLAIN_ITEM_FIELDS
from app.catalog.goods.repository import MovementKind, StockLedger
from app.catalog.goods.schemas import ItemKind
from app.catalog.imports.apply.image import Edit, Image, Stored, title_page
from app.catalog.imports.apply.repository import BOOK_COLUMNS, BulkRepository
from app.catalog.imports.names import Names
from app.catalog.partial_dates import format_partial_date, parse_partial_date
from app.catalog.series_positions import series_order
from app.catalog.works.resolver import WorkResolver
from app.core.db.driver import DriverConnection

_ITEM = ("id", "kind", "currency", "owner_id", "tags", *PLAIN_ITEM_FIELDS)
_BOOK = ("item_id", "work_id", "isbn13", *BOOK_COLUMNS)
_CONTRIBUTOR = ("book_id", "position", "author_id", "role")
_NOT_OF_BOOKS = frozenset({*PLAIN_ITEM_FIELDS, "tags", "quantity", "contributors", "category_ids"})
_IN_BOOKS = frozenset(one.state_name for one in BOOK_FIELDS) - _NOT_OF_BOOKS
"""The fields that are columns of `books`."""
_READ_AS_STORED = (*PLAIN_ITEM_FIELDS, *PLAIN_BOOK_FIELDS, "tags", "series_id")
_plain_of_item = attrgetter(*PLAIN_ITEM_FIELDS)
_plain_of_book = attrgetter(*PLAIN_BOOK_FIELDS)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose the new books are, who stands in the ledger, the shop's currency, and how their first stock came."""

    user_id: int
    currency: str
    opening: MovementKind = MovementKind.IMPORT


class BookWriter:
    """Books of one transaction."""

    def __init__(self, books: BulkRepository, works: WorkResolver, stock: StockLedger, owner: Owner) -> None:
        self._books = books
        self._works = works
        self._stock = stock
        self._owner = owner

    @classmethod
    def build(cls, session: AsyncSession, connection: DriverConnection, owner: Owner) -> Self:
        """Compose it on one session and the driver's connection behind it."""
        works = WorkResolver.build(session, locks_titles=False)
        return cls(BulkRepository(connection), works, StockLedger(session), owner)

    async def read(self, ids: Sequence[int], names: Names) -> list[Stored]:
        """These books as they stand; notes what their authors, series and categories are called."""
        if not ids:
            return []
        contributors: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for row in await self._books.list_contributors(ids):
            contributors[row["book_id"]].append((row["author_id"], row["role"]))
            names.author_names[row["author_id"]] = row["name"]
        shelves: dict[int, list[int]] = defaultdict(list)
        for row in await self._books.list_categories(ids):
            shelves[row["book_id"]].append(row["category_id"])
            names.slugs[row["category_id"]] = row["slug"]
        books = []
        for row in await self._books.list_books(ids):
            if row["series_id"] is not None:
                names.series_names[row["series_id"]] = row["series"]
            books.append(_stored(row, contributors[row["item_id"]], shelves[row["item_id"]]))
        return books

    async def create(self, books: Sequence[tuple[str | None, Image]]) -> list[int]:
        """Insert the books with their works, stock and ledger; their ids in order."""
        if not books:
            return []
        ids = await self._books.reserve_item_ids(len(books))
        works = await self._works.resolve([title_page(image) for _, image in books])
        numbered = list(zip(ids, books, strict=True))
        await self._books.copy("items", _ITEM, [self._item(id_, image) for id_, (_, image) in numbered])
        rows = [
            (id_, work_id, isbn13, *_book(image))
            for (id_, (isbn13, image)), work_id in zip(numbered, works, strict=True)
        ]
        await self._books.copy("books", _BOOK, rows)
        await self._write_lists([(id_, image) for id_, (_, image) in numbered])
        quantities = [(id_, image.quantity) for id_, (_, image) in numbered]
        await self._stock.open(quantities, self._owner.opening, self._owner.user_id)
        return list(ids)

    async def update(self, edits: Sequence[Edit]) -> None:
        """Write what the edits change, and raise each book's version by one."""
        if not edits:
            return
        ids = [edit.stored.item_id for edit in edits]
        items = [(*_plain_of_item(edit.image), _json(edit.image.tags)) for edit in edits]
        await self._books.update_items(ids, list(zip(*items, strict=True)))
        bookish = [edit for edit in edits if not _IN_BOOKS.isdisjoint(edit.fields)]
        if bookish:
            columns = list(zip(*(_book(edit.image) for edit in bookish), strict=True))
            await self._books.update_books([edit.stored.item_id for edit in bookish], columns)
        await self._works.follow(edit.of_title_page for edit in edits)
        made_by = [edit for edit in edits if "contributors" in edit.fields]
        shelved = [edit for edit in edits if "category_ids" in edit.fields]
        await self._books.clear_contributors([edit.stored.item_id for edit in made_by])
        await self._books.clear_categories([edit.stored.item_id for edit in shelved])
        await self._write_contributors([(edit.stored.item_id, edit.image) for edit in made_by])
        await self._write_categories([(edit.stored.item_id, edit.image) for edit in shelved])
        counted = [(edit.stored.item_id, edit.image.quantity) for edit in edits if "quantity" in edit.fields]
        await self._stock.set(counted, MovementKind.IMPORT, self._owner.user_id)

    async def delete(self, books: Sequence[Stored]) -> None:
        """Delete the books; what was on hand leaves the ledger too."""
        ids = [book.item_id for book in books]
        await self._stock.close(ids, MovementKind.IMPORT, self._owner.user_id)
        await self._books.delete(ids)

    async def finish(self, ids: Sequence[int]) -> None:
        """Bring the search documents of these books up to date."""
        if ids:
            await self._books.refresh_documents(ids)

    def _item(self, id_: int, image: Image) -> tuple[Any, ...]:
        owner = self._owner
        return id_, ItemKind.BOOK.value, owner.currency, owner.user_id, image.tags, *_plain_of_item(image)

    async def _write_lists(self, books: Sequence[tuple[int, Image]]) -> None:
        await self._write_contributors(books)
        await self._write_categories(books)

    async def _write_contributors(self, books: Sequence[tuple[int, Image]]) -> None:
        rows = [
            (id_, position, author_id, role)
            for id_, image in books
            for position, (author_id, role) in enumerate(image.contributors, start=1)
        ]
        await self._books.copy("contributors", _CONTRIBUTOR, rows)

    async def _write_categories(self, books: Sequence[tuple[int, Image]]) -> None:
        rows = [(id_, category_id) for id_, image in books for category_id in image.category_ids]
        await self._books.copy("book_categories", ("book_id", "category_id"), rows)


def _book(image: Image) -> tuple[Any, ...]:
    """The values of BOOK_COLUMNS."""
    order = series_order(image.series_position)
    return *_plain_of_book(image), *_date(image.published_on), image.series_id, order, _json(image.subjects)


@lru_cache(maxsize=4096)
def _date(text: str | None) -> tuple[date | None, str | None]:
    if text is None:
        return None, None
    earliest, precision = parse_partial_date(text)
    return earliest, precision.value


def _json(value: Sequence[Any]) -> str:
    return orjson.dumps(value).decode() if value else "[]"


def _stored(row: Any, contributors: list[tuple[int, str]], shelves: list[int]) -> Stored:
    precision = row["published_precision"]
    image = Image(
        **{name: row[name] for name in _READ_AS_STORED},
        quantity=row["on_hand"] - row["reserved"],
        published_on=format_partial_date(row["published_on"], precision) if precision else None,
        contributors=contributors,
        category_ids=shelves,
        subjects=_listed(row["subjects"]),
    )
    return Stored(
        *(row["item_id"], row["isbn13"], row["version"], row["reserved"]),
        *(row["regular_price"], image),
    )


def _listed(subjects: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = orjson.loads(subjects) if isinstance(subjects, str | bytes) else subjects
    return found
