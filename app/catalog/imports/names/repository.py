"""SQL that finds or makes what books refer to by name, a batch per statement."""

from collections.abc import Sequence
from typing import Any

from app.catalog.authors.names import sort_name
from app.catalog.categories.repository import TREE_LOCK

Rows = Sequence[Any]

_LOCK = "SELECT pg_advisory_xact_lock($1)"
# Looked up name by name through the index on the folded name: a join would fold every author there is,
# and `ORDER BY id` would walk them by id.
_AUTHORS = """
    WITH wanted AS MATERIALIZED (SELECT name, fold(name) AS key FROM unnest($1::text[]) AS name)
    SELECT wanted.name, key, id, shown FROM wanted LEFT JOIN LATERAL (
        SELECT id, authors.name AS shown FROM authors
        WHERE fold(authors.name) = key AND COALESCE(merged_into_id, 0) = 0 ORDER BY id + 0 LIMIT 1
    ) AS author ON true
"""
_ALIASES = """
    SELECT key, min(id) AS id FROM authors, unnest(string_to_array(names_folded, chr(10))) AS key
    WHERE aliases <> '{}' AND string_to_array(names_folded, chr(10)) && $1::text[] AND key = ANY ($1::text[])
    AND merged_into_id IS NULL GROUP BY key
"""
_MAKE_AUTHORS = """
    INSERT INTO authors (name, sort_name) SELECT * FROM unnest($1::text[], $2::text[]) RETURNING id, name
"""
_SERIES = """
    WITH wanted AS MATERIALIZED (SELECT name, fold(name) AS key FROM unnest($1::text[]) AS name)
    SELECT wanted.name, key, series.id, series.name AS shown
    FROM wanted LEFT JOIN series ON name_folded = key
"""
_MAKE_SERIES = """
    INSERT INTO series (name) SELECT DISTINCT ON (fold(name)) name FROM unnest($1::text[]) AS name
    ORDER BY fold(name) ON CONFLICT DO NOTHING RETURNING id
"""
_CATEGORIES = "SELECT slug, id FROM categories WHERE slug = ANY ($1::text[])"
_MAKE_CATEGORIES = """
    INSERT INTO categories (name, slug, path) SELECT name, slug, slug FROM unnest($1::text[], $2::text[])
    AS wanted (name, slug) ON CONFLICT DO NOTHING RETURNING id
"""
_WORKS = """
    WITH wanted AS MATERIALIZED (
        SELECT title, author_id, fold(title) AS key FROM unnest($1::text[], $2::bigint[]) AS wanted (title, author_id)
    )
    SELECT wanted.title, wanted.author_id, key, CASE WHEN merged_into_id IS NULL THEN found.id ELSE (
        WITH RECURSIVE chain AS (
            SELECT found.merged_into_id AS next
            UNION SELECT works.merged_into_id FROM chain JOIN works ON works.id = next
        )
        SELECT works.id FROM chain JOIN works ON works.id = next WHERE works.merged_into_id IS NULL
    ) END AS id
    FROM wanted LEFT JOIN LATERAL (
        SELECT works.id, merged_into_id FROM works
        WHERE title_folded = key AND works.author_id = wanted.author_id
        ORDER BY merged_into_id IS NOT NULL, works.id LIMIT 1
    ) AS found ON true
"""
_SINGLE_EDITION_WORKS = """
    SELECT item_id AS book_id, works.id, title, author_id FROM books JOIN works ON works.id = work_id
    WHERE item_id = ANY ($1::bigint[])
    AND (SELECT count(*) FROM books AS edition WHERE edition.work_id = works.id) = 1
    AND NOT EXISTS (SELECT FROM works AS merged WHERE merged.merged_into_id = works.id)
    ORDER BY works.id FOR NO KEY UPDATE OF works
"""
_RENAME_WORKS = """
    UPDATE works SET title = new.title, author_id = new.author_id, version = version + 1, updated_at = now()
    FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS new (id, title, author_id) WHERE works.id = new.id
"""
_MOVE_EDITIONS = """
    UPDATE books SET work_id = new.work_id
    FROM unnest($1::bigint[], $2::bigint[]) AS new (book_id, work_id) WHERE item_id = new.book_id
"""
_HOLD = {
    table: f"SELECT id FROM {table} WHERE id = ANY ($1::bigint[]) AND merged_into_id IS NULL ORDER BY id FOR {strength}"  # noqa: S608 (the constants below)
    # Authors against renames too: their names stand in the documents of the books that are being written.
    for table, strength in (("authors", "SHARE"), ("works", "KEY SHARE"))
}
# OFFSET 0: the sequence is looked up once, not for each id.
_RESERVE = """
    SELECT nextval(sequence) AS id
    FROM (SELECT pg_get_serial_sequence($1, 'id')::regclass AS sequence OFFSET 0) AS found, generate_series(1, $2::integer)
"""


class NameRepository:
    """Names of one transaction, on the driver's own connection: a statement of SQLAlchemy began it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def lock(self, key: int) -> None:
        """Hold the advisory lock until the transaction ends."""
        await self._connection.execute(_LOCK, key)

    async def lock_tree(self) -> None:
        """Hold the category tree against other writers."""
        await self.lock(TREE_LOCK)

    async def list_authors(self, names: Sequence[str]) -> Rows:
        """Each `name` with its folded `key`, and `id` and `shown` name of the oldest author so called."""
        return await self._fetch(_AUTHORS, names)

    async def list_aliases(self, keys: Sequence[str]) -> Rows:
        """Each folded `key` that is some author's alias, with the `id`."""
        return await self._fetch(_ALIASES, keys)

    async def add_authors(self, names: Sequence[str]) -> Rows:
        """Insert authors; their `id` and `name`."""
        return await self._fetch(_MAKE_AUTHORS, names, [sort_name(name) for name in names])

    async def list_series(self, names: Sequence[str]) -> Rows:
        """Each `name` with its folded `key`, and `id` and `shown` name of the series."""
        return await self._fetch(_SERIES, names)

    async def add_series(self, names: Sequence[str]) -> Rows:
        """Insert series that are not there yet; their `id`."""
        return await self._fetch(_MAKE_SERIES, names)

    async def list_categories(self, slugs: Sequence[str]) -> Rows:
        """`slug` and `id` of the categories that there are."""
        return await self._fetch(_CATEGORIES, slugs)

    async def add_categories(self, names: Sequence[str], slugs: Sequence[str]) -> Rows:
        """Insert categories at the top of the tree; their `id`."""
        return await self._fetch(_MAKE_CATEGORIES, names, slugs)

    async def list_works(self, titles: Sequence[str], author_ids: Sequence[int]) -> Rows:
        """Each title and author with the folded `key` and the `id` of the oldest work of both, or of its heir."""
        return await self._fetch(_WORKS, titles, author_ids)

    async def add_works(self, works: Sequence[tuple[int, str, int | None]]) -> None:
        """Insert works of these ids, titles and principal authors."""
        await self._connection.copy_records_to_table(
            "works", columns=("id", "title", "author_id"), records=works
        )

    async def hold(self, table: str, ids: Sequence[int]) -> bool:
        """Hold these authors or works against merges and deletion; False if one is merged or gone by now."""
        return len(await self._fetch(_HOLD[table], ids)) == len(ids)

    async def lock_single_edition_works(self, book_ids: Sequence[int]) -> Rows:
        """The works of which these books are the only editions, held: `book_id`, `id`, `title`, `author_id`."""
        return await self._fetch(_SINGLE_EDITION_WORKS, book_ids)

    async def rename_works(self, works: Sequence[tuple[int, str, int | None]]) -> None:
        """Give works of these ids their titles and principal authors."""
        if works:
            await self._connection.execute(_RENAME_WORKS, *map(list, zip(*works, strict=True)))

    async def move_editions(self, books: Sequence[tuple[int, int]]) -> None:
        """Make books of these ids editions of these works."""
        if books:
            await self._connection.execute(_MOVE_EDITIONS, *map(list, zip(*books, strict=True)))

    async def reserve(self, table: str, count: int) -> list[int]:
        """Ids from the table's own sequence."""
        return [row["id"] for row in await self._fetch(_RESERVE, table, count)]

    async def _fetch(self, statement: str, *arguments: object) -> Rows:
        rows: Rows = await self._connection.fetch(statement, *arguments)
        return rows
