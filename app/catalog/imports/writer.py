"""Reads, locks and writes books by the thousand: COPY, and statements over arrays, on the driver's own connection."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple, Self

import asyncpg
import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.books.fields import BOOK_FIELDS, PLAIN_BOOK_FIELDS, PLAIN_ITEM_FIELDS, BookState
from app.catalog.books.schemas import series_order
from app.catalog.goods.repository import StockLedger
from app.catalog.goods.schemas import ItemKind
from app.catalog.imports.batch import Edit, Names, Plan, StoredBook
from app.catalog.models import Book, Item, MovementKind
from app.catalog.partial_dates import format_partial_date, parse_partial_date
from app.catalog.works.resolver import TitlePage, WorkResolver
from app.core.db.driver import DriverConnection, driver_connection, reserve_ids
from app.core.db.locks import ACQUIRE, AdvisoryLock
from app.core.db.models import Base

_TIMEOUT = "120s"
_SETTINGS = """
    SELECT set_config('bookstore.defer_documents', 'on', true),
        set_config('bookstore.price_source', 'import', true),
        set_config('bookstore.price_actor', $1, true),
        set_config('statement_timeout', $2, true), set_config('idle_in_transaction_session_timeout', '0', true)
"""
# Everybody locks items by ascending id, so that no two wait for each other.
_LOCK_BY_ISBN = """
    SELECT item_id FROM books JOIN items ON items.id = item_id
    WHERE isbn13 = ANY ($1::text[]) ORDER BY item_id FOR UPDATE OF items
"""
_LOCK_BY_ID = "SELECT id FROM items WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE"
_FIND = "SELECT item_id FROM books WHERE isbn13 = ANY ($1::text[]) OR item_id = ANY ($2::bigint[])"
_AS_STORED = (*PLAIN_ITEM_FIELDS, *PLAIN_BOOK_FIELDS, "tags", "series_id")
_BOOKS = f"""
    SELECT item_id, isbn13, items.version, COALESCE(available, 0) AS quantity, COALESCE(reserved, 0) AS reserved,
        COALESCE(on_hand, 0) AS on_hand,
        {", ".join(_AS_STORED)}, published_on, published_precision, subjects, series.name AS series,
        (SELECT regular_price FROM price_schedules AS sale WHERE sale.item_id = items.id AND state = 'active')
        AS regular_price
    FROM books JOIN items ON items.id = item_id
    LEFT JOIN stock_levels USING (item_id) LEFT JOIN series ON series.id = series_id
    WHERE item_id = ANY ($1::bigint[])
"""  # noqa: S608 (names of columns)
_CONTRIBUTORS = """
    SELECT book_id, author_id, role, name FROM contributors JOIN authors ON authors.id = author_id
    WHERE book_id = ANY ($1::bigint[]) ORDER BY book_id, position
"""
_CATEGORIES = """
    SELECT book_id, category_id, slug FROM book_categories JOIN categories ON categories.id = category_id
    WHERE book_id = ANY ($1::bigint[]) ORDER BY book_id, category_id
"""
_SKUS = "SELECT sku, id FROM items WHERE sku = ANY ($1::text[])"
_ITEM_COLUMNS = ("id", "kind", "currency", "owner_id", "tags", *PLAIN_ITEM_FIELDS)
_BOOK_COLUMNS = (
    *PLAIN_BOOK_FIELDS,
    "published_on",
    "published_precision",
    "series_id",
    "series_order",
    "subjects",
)
_NOT_OF_BOOKS = frozenset({*PLAIN_ITEM_FIELDS, "tags", "quantity", "contributors", "category_ids"})
_IN_BOOKS = frozenset(one.state_name for one in BOOK_FIELDS) - _NOT_OF_BOOKS
"""The fields that are columns of `books`."""


def _arrays(model: type[Base], columns: Iterable[str]) -> str:
    """Parameters from `$2` on, an array for each column."""
    types = (model.__table__.c[name].type for name in columns)
    return ", ".join(f"${position}::{type_}[]" for position, type_ in enumerate(types, 2))


def _assign(columns: Iterable[str]) -> str:
    return ", ".join(f"{name} = new.{name}" for name in columns)


# Arrays of arrays cannot differ in length: tags travel as JSON.
_UPDATE_ITEMS = f"""
    UPDATE items SET {_assign(PLAIN_ITEM_FIELDS)}, tags = ARRAY(SELECT jsonb_array_elements_text(new.tags)),
        version = items.version + 1, updated_at = now()
    FROM unnest($1::bigint[], {_arrays(Item, PLAIN_ITEM_FIELDS)}, ${len(PLAIN_ITEM_FIELDS) + 2}::jsonb[])
        AS new (key, {", ".join(PLAIN_ITEM_FIELDS)}, tags)
    WHERE items.id = new.key
"""  # noqa: S608 (names of columns)
_UPDATE_BOOKS = f"""
    UPDATE books SET {_assign(_BOOK_COLUMNS)}
    FROM unnest($1::bigint[], {_arrays(Book, _BOOK_COLUMNS)})
        AS new (key, {", ".join(_BOOK_COLUMNS)})
    WHERE books.item_id = new.key
"""  # noqa: S608 (names of columns)
_CLEAR_CONTRIBUTORS = "DELETE FROM contributors WHERE book_id = ANY ($1::bigint[])"
_CLEAR_CATEGORIES = "DELETE FROM book_categories WHERE book_id = ANY ($1::bigint[])"
_DELETE = "DELETE FROM items WHERE id = ANY ($1::bigint[])"
# Names that are being changed are waited for: they stand in the documents.
_LOCK_AUTHORS = """
    SELECT FROM authors WHERE id IN (SELECT author_id FROM contributors WHERE book_id = ANY ($1::bigint[]))
    ORDER BY id FOR SHARE
"""
_LOCK_SERIES = """
    SELECT FROM series WHERE id IN (SELECT series_id FROM books WHERE item_id = ANY ($1::bigint[]))
    ORDER BY id FOR SHARE
"""
_REFRESH_DOCUMENTS = "SELECT refresh_book_documents($1::bigint[])"
_plain_of_item = attrgetter(*PLAIN_ITEM_FIELDS)
_plain_of_book = attrgetter(*PLAIN_BOOK_FIELDS)


class _Contribution(NamedTuple):
    book_id: int
    author_id: int
    role: str
    name: str


class _Placement(NamedTuple):
    book_id: int
    category_id: int
    slug: str


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose the new books are, who stands in the ledger, the shop's currency, and how their first stock came."""

    user_id: int
    currency: str
    opening: MovementKind = MovementKind.IMPORT


class BookWriter:
    """Locks, reads and writes the books of a batch, past the ORM: through the driver."""

    def __init__(
        self, connection: DriverConnection, works: WorkResolver, stock: StockLedger, owner: Owner
    ) -> None:
        self._connection = connection
        self._works = works
        self._stock = stock
        self._owner = owner

    @classmethod
    async def build(cls, session: AsyncSession, owner: Owner) -> Self:
        """Compose it on one session and the driver's connection behind it."""
        works = WorkResolver(session, locks_titles=False)
        return cls(await driver_connection(session), works, StockLedger(session), owner)

    async def prepare(self) -> None:
        """Set what holds until the transaction ends: search documents are left to the caller, and a batch may take long."""
        await self._connection.execute(_SETTINGS, str(self._owner.user_id), _TIMEOUT)

    async def lock_names(self) -> None:
        """Keep requests from creating authors and works until the transaction ends: one lock for thousands."""
        await self._connection.execute(ACQUIRE, AdvisoryLock.NAMING)

    async def lock_by_isbn(self, isbns: Sequence[str]) -> list[int]:
        """Lock these books against other writers and return their ids."""
        return [id_ for (id_,) in await self._connection.fetch(_LOCK_BY_ISBN, isbns)] if isbns else []

    async def lock_by_id(self, ids: Sequence[int]) -> list[int]:
        """Lock those of these books that are still there, and return their ids."""
        return [id_ for (id_,) in await self._connection.fetch(_LOCK_BY_ID, ids)] if ids else []

    async def find(self, isbns: Sequence[str], ids: Sequence[int]) -> list[int]:
        """Find those of these books that there are."""
        return [id_ for (id_,) in await self._connection.fetch(_FIND, isbns, ids)]

    async def read(self, ids: Sequence[int], names: Names) -> list[StoredBook]:
        """Read these books as they stand, and note what their authors, series and categories are called."""
        if not ids:
            return []
        contributors: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for record in await self._connection.fetch(_CONTRIBUTORS, ids):
            contribution = _Contribution(*record)
            contributors[contribution.book_id].append((contribution.author_id, contribution.role))
            names.author_names[contribution.author_id] = contribution.name
        categories: dict[int, list[int]] = defaultdict(list)
        for record in await self._connection.fetch(_CATEGORIES, ids):
            placement = _Placement(*record)
            categories[placement.book_id].append(placement.category_id)
            names.slugs[placement.category_id] = placement.slug
        books = []
        for record in await self._connection.fetch(_BOOKS, ids):
            if record["series_id"] is not None:
                names.series_names[record["series_id"]] = record["series"]
            books.append(_stored(record, contributors[record["item_id"]], categories[record["item_id"]]))
        return books

    async def list_sku_owners(self, skus: Sequence[str]) -> Mapping[str, int]:
        """Find the item that has each of these SKUs, where one has."""
        rows = await self._connection.fetch(_SKUS, skus) if skus else []
        return {row["sku"]: row["id"] for row in rows}

    async def write(self, plan: Plan) -> None:
        """Write what the plan says; the outcomes of its creations get the ids of their books."""
        ids = await self.create([(outcome.isbn13, state) for outcome, state in plan.creations])
        for (outcome, _), item_id in zip(plan.creations, ids, strict=True):
            outcome.item_id = item_id
        await self.update(plan.edits)
        await self.delete(plan.deletions)

    async def create(self, books: Sequence[tuple[str | None, BookState]]) -> Sequence[int]:
        """Insert the books, each with its ISBN, with their works, stock and ledger; return their ids in order."""
        if not books:
            return []
        ids = await reserve_ids(self._connection, "items", len(books))
        works = await self._works.resolve(
            [TitlePage.of(state.title, state.contributors) for _, state in books]
        )
        states = [(id_, state) for id_, (_, state) in zip(ids, books, strict=True)]
        owner = self._owner
        items = [
            (id_, ItemKind.BOOK.value, owner.currency, owner.user_id, state.tags, *_plain_of_item(state))
            for id_, state in states
        ]
        await self._copy("items", _ITEM_COLUMNS, items)
        rows = [
            (id_, work_id, isbn13, *_book(state))
            for id_, work_id, (isbn13, state) in zip(ids, works, books, strict=True)
        ]
        await self._copy("books", ("item_id", "work_id", "isbn13", *_BOOK_COLUMNS), rows)
        await self._copy_contributors(states)
        await self._copy_categories(states)
        quantities = [(id_, state.quantity) for id_, state in states]
        await self._stock.open(quantities, owner.opening, owner.user_id)
        return ids

    async def update(self, edits: Sequence[Edit]) -> None:
        """Write what the edits change, and raise each book's version by one."""
        if not edits:
            return
        ids = [edit.stored.item_id for edit in edits]
        items = zip(*((*_plain_of_item(edit.state), _json(edit.state.tags)) for edit in edits), strict=True)
        await self._connection.execute(_UPDATE_ITEMS, ids, *items)
        of_books = [edit for edit in edits if not _IN_BOOKS.isdisjoint(edit.fields)]
        if of_books:
            books = zip(*(_book(edit.state) for edit in of_books), strict=True)
            await self._connection.execute(_UPDATE_BOOKS, [edit.stored.item_id for edit in of_books], *books)
        await self._works.follow(edit.of_title_page for edit in edits)
        credited = [(edit.stored.item_id, edit.state) for edit in edits if "contributors" in edit.fields]
        placed = [(edit.stored.item_id, edit.state) for edit in edits if "category_ids" in edit.fields]
        await self._connection.execute(_CLEAR_CONTRIBUTORS, [id_ for id_, _ in credited])
        await self._connection.execute(_CLEAR_CATEGORIES, [id_ for id_, _ in placed])
        await self._copy_contributors(credited)
        await self._copy_categories(placed)
        counted = [(edit.stored.item_id, edit.state.quantity) for edit in edits if "quantity" in edit.fields]
        await self._stock.set(counted, MovementKind.IMPORT, self._owner.user_id)

    async def delete(self, books: Sequence[StoredBook]) -> None:
        """Delete the books with all that is theirs; what was on hand leaves the ledger too."""
        if books:
            ids = [book.item_id for book in books]
            await self._stock.close(ids, MovementKind.IMPORT, self._owner.user_id)
            await self._connection.execute(_DELETE, ids)

    async def _copy(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            await self._connection.copy_records_to_table(table, columns=columns, records=rows)

    async def _copy_contributors(self, books: Sequence[tuple[int, BookState]]) -> None:
        rows = [
            (id_, position, author_id, role)
            for id_, state in books
            for position, (author_id, role) in enumerate(state.contributors, start=1)
        ]
        await self._copy("contributors", ("book_id", "position", "author_id", "role"), rows)

    async def _copy_categories(self, books: Sequence[tuple[int, BookState]]) -> None:
        rows = [(id_, category_id) for id_, state in books for category_id in state.category_ids]
        await self._copy("book_categories", ("book_id", "category_id"), rows)


async def refresh_documents(connection: DriverConnection, ids: Sequence[int]) -> None:
    """Bring the search documents of these books up to date: writing the books does not."""
    if ids:
        for statement in (_LOCK_AUTHORS, _LOCK_SERIES, _REFRESH_DOCUMENTS):
            await connection.execute(statement, ids)


def _book(state: BookState) -> tuple[Any, ...]:
    """The values of _BOOK_COLUMNS."""
    order = series_order(state.series_position)
    return *_plain_of_book(state), *_date(state.published_on), state.series_id, order, _json(state.subjects)


@lru_cache(maxsize=4096)
def _date(text: str | None) -> tuple[date | None, str | None]:
    if text is None:
        return None, None
    earliest, precision = parse_partial_date(text)
    return earliest, precision.value


def _json(value: Sequence[Any]) -> str:
    return orjson.dumps(value).decode() if value else "[]"


def _stored(
    record: asyncpg.Record, contributors: list[tuple[int, str]], category_ids: list[int]
) -> StoredBook:
    precision, subjects = record["published_precision"], record["subjects"]
    state = BookState(
        **{name: record[name] for name in _AS_STORED},
        quantity=record["quantity"],
        published_on=format_partial_date(record["published_on"], precision) if precision else None,
        contributors=contributors,
        category_ids=category_ids,
        subjects=orjson.loads(subjects) if isinstance(subjects, str | bytes) else subjects,
    )
    return StoredBook(
        item_id=record["item_id"],
        isbn13=record["isbn13"],
        version=record["version"],
        reserved=record["reserved"],
        on_hand=record["on_hand"],
        regular_price=record["regular_price"],
        state=state,
    )
