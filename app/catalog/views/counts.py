"""Views of items: noted by the middleware in memory, written beside the requests by each worker."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress

from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.index.criteria import as_id
from app.catalog.isbn import parse_isbn
from app.catalog.views.repository import record_views
from app.core.db.engine import Database
from app.core.db.noted import NotedWrites

COUNTED = frozenset({"/api/v1/books/{book_id}", "/api/v1/books/isbn/{isbn}", "/api/v1/items/{item_id}"})
"""Templates of the routes whose answers are views of an item."""


class ItemViews(NotedWrites[dict[str, int]]):
    """Gathers this worker's views: `paths` is filled by every answer of a `COUNTED` route, also out of the cache."""

    EVERY = 10.0

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.paths: dict[str, int] = {}

    def take(self) -> dict[str, int]:
        """Hand out the views by path."""
        seen = self.paths.copy()
        self.paths.clear()
        return seen

    def put_back(self, notes: dict[str, int]) -> None:
        """Count the views again."""
        for path, count in notes.items():
            self.paths[path] = self.paths.get(path, 0) + count

    async def record(self, connection: AsyncConnection, notes: dict[str, int]) -> None:
        """Add them up by item; views of what is no item are dropped."""
        ids, isbns = _by_item(notes)
        await record_views(connection, ids, isbns)


def _by_item(seen: Mapping[str, int]) -> tuple[Mapping[int, int], Mapping[str, int]]:
    """The views by id, and those by ISBN."""
    ids: Counter[int] = Counter()
    isbns: Counter[str] = Counter()
    for path, count in seen.items():
        _, folder, key = path.rsplit("/", 2)
        if folder == "isbn":
            with suppress(ValueError):
                isbns[parse_isbn(key)] += count
        elif (item_id := as_id(key)) is not None:
            ids[item_id] += count
    return ids, isbns
