"""SQL that reads and writes many books at a time, on the driver's own connection."""

from collections.abc import Iterable, Sequence
from typing import Any

from app.catalog.books.fields import PLAIN_BOOK_FIELDS, PLAIN_ITEM_FIELDS
from app.catalog.models import Book, Item
from app.core.db.driver import reserve_ids
from app.core.db.locks import ACQUIRE, AdvisoryLock
from app.core.db.models import Base

Rows = Sequence[Any]

_SETTINGS = """
    SELECT set_config('bookstore.defer_documents', 'on', true),
        set_config('bookstore.price_source', 'import', true),
        set_config('bookstore.price_actor', $1, true),
        set_config('statement_timeout', $2, true), set_config('idle_in_transaction_session_timeout', '0', true)
"""
_LOCK_BY_ISBN = """
    SELECT item_id FROM books JOIN items ON items.id = item_id
    WHERE isbn13 = ANY ($1::text[]) ORDER BY item_id FOR UPDATE OF items
"""
_LOCK_BY_ID = "SELECT id AS item_id FROM items WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE"
_BOOKS = f"""
    SELECT item_id, isbn13, items.version, COALESCE(on_hand, 0) AS on_hand, COALESCE(reserved, 0) AS reserved,
        {", ".join((*PLAIN_ITEM_FIELDS, *PLAIN_BOOK_FIELDS))},
        tags, published_on, published_precision, series_id, series.name AS series, subjects,
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
BOOK_COLUMNS = (
    *PLAIN_BOOK_FIELDS,
    "published_on",
    "published_precision",
    "series_id",
    "series_order",
    "subjects",
)


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
    UPDATE books SET {_assign(BOOK_COLUMNS)}
    FROM unnest($1::bigint[], {_arrays(Book, BOOK_COLUMNS)})
        AS new (key, {", ".join(BOOK_COLUMNS)})
    WHERE books.item_id = new.key
"""  # noqa: S608 (names of columns)
_CLEAR_CONTRIBUTORS = "DELETE FROM contributors WHERE book_id = ANY ($1::bigint[])"
_CLEAR_CATEGORIES = "DELETE FROM book_categories WHERE book_id = ANY ($1::bigint[])"
_DELETE = "DELETE FROM items WHERE id = ANY ($1::bigint[])"
_HOLD_NAMES = (
    """
    SELECT FROM authors WHERE id IN (SELECT author_id FROM contributors WHERE book_id = ANY ($1::bigint[]))
    ORDER BY id FOR SHARE
    """,
    """
    SELECT FROM series WHERE id IN (SELECT series_id FROM books WHERE item_id = ANY ($1::bigint[]))
    ORDER BY id FOR SHARE
    """,
)
_REFRESH = "SELECT refresh_book_documents($1::bigint[])"
_TIMEOUT = "120s"


class BulkRepository:
    """Books of one transaction, which a statement of SQLAlchemy began."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def prepare(self, actor_id: int | None) -> None:
        """Set what holds until the transaction ends: documents are refreshed by us, and the batch may take long."""
        await self._connection.execute(_SETTINGS, "" if actor_id is None else str(actor_id), _TIMEOUT)

    async def lock_names(self) -> None:
        """Keep requests from creating authors and works until the transaction ends: one lock for thousands."""
        await self._connection.execute(ACQUIRE, AdvisoryLock.NAMING)

    async def reserve_item_ids(self, count: int) -> Sequence[int]:
        """Ids for new items."""
        return await reserve_ids(self._connection, "items", count)

    async def lock_by_isbn(self, isbns: Sequence[str]) -> list[int]:
        """The ids of these books, held against other writers, in the order in which everybody holds items."""
        return [row["item_id"] for row in await self._fetch(_LOCK_BY_ISBN, isbns)]

    async def lock_by_id(self, ids: Sequence[int]) -> list[int]:
        """As `lock_by_isbn`, of those that are still there."""
        return [row["item_id"] for row in await self._fetch(_LOCK_BY_ID, ids)]

    async def list_books(self, ids: Sequence[int]) -> Rows:
        """The books' own fields."""
        return await self._fetch(_BOOKS, ids)

    async def list_contributors(self, ids: Sequence[int]) -> Rows:
        """Who made them, in printed order."""
        return await self._fetch(_CONTRIBUTORS, ids)

    async def list_categories(self, ids: Sequence[int]) -> Rows:
        """Where they stand."""
        return await self._fetch(_CATEGORIES, ids)

    async def list_skus(self, skus: Sequence[str]) -> Rows:
        """`sku` and `id` of the items that have one of these."""
        return await self._fetch(_SKUS, skus)

    async def copy(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """COPY into the table: many times as fast as INSERT."""
        if rows:
            await self._connection.copy_records_to_table(table, columns=columns, records=rows)

    async def update_items(self, ids: Sequence[int], columns: Sequence[Sequence[Any]]) -> None:
        """Set PLAIN_ITEM_FIELDS and tags (as JSON), and raise the versions; an array for each column."""
        await self._connection.execute(_UPDATE_ITEMS, ids, *columns)

    async def update_books(self, ids: Sequence[int], columns: Sequence[Sequence[Any]]) -> None:
        """Set BOOK_COLUMNS; an array for each."""
        await self._connection.execute(_UPDATE_BOOKS, ids, *columns)

    async def clear_contributors(self, ids: Sequence[int]) -> None:
        """Remove the contributors of these books."""
        await self._connection.execute(_CLEAR_CONTRIBUTORS, ids)

    async def clear_categories(self, ids: Sequence[int]) -> None:
        """Take these books out of their categories."""
        await self._connection.execute(_CLEAR_CATEGORIES, ids)

    async def delete(self, ids: Sequence[int]) -> None:
        """Delete the items with all that is theirs."""
        await self._connection.execute(_DELETE, ids)

    async def refresh_documents(self, ids: Sequence[int]) -> None:
        """Bring the search documents up to date; names that are being changed are waited for."""
        for names in _HOLD_NAMES:
            await self._connection.execute(names, ids)
        await self._connection.execute(_REFRESH, ids)

    async def _fetch(self, statement: str, *arguments: object) -> Rows:
        rows: Rows = await self._connection.fetch(statement, *arguments)
        return rows
