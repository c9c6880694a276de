"""Views of items: noted by the middleware in memory, written beside the requests by each worker."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress

import structlog

from app.catalog.index.criteria import as_id
from app.catalog.isbn import parse_isbn
from app.catalog.views.repository import record_views
from app.core.db.engine import Database
from app.core.db.faults import Fault

WRITTEN_EVERY = 10.0
COUNTED = frozenset({"/api/v1/books/{book_id}", "/api/v1/books/isbn/{isbn}", "/api/v1/items/{item_id}"})
"""Templates of the routes whose answers are views of an item."""

_log = structlog.get_logger(__name__)


class ItemViews:
    """Gathers this worker's views: `paths` is filled by every answer of a `COUNTED` route, also out of the cache."""

    def __init__(self, database: Database) -> None:
        self.paths: dict[str, int] = {}
        self._database = database
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Write from now on; needs a running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._repeat())

    async def write(self) -> None:
        """Write what was noted. What cannot be written now is written later."""
        seen = self.paths.copy()
        self.paths.clear()
        if not seen:
            return
        ids, isbns = _by_item(seen)
        try:
            # Not a request's transaction: one statement that commits itself.
            async with self._database.read_engine.connect() as connection:
                await record_views(connection, ids, isbns)
        except Exception as fault:  # noqa: BLE001 (a task has no caller to tell)
            if not Fault.of(fault).is_passing:
                _log.exception("item_views_not_written")
                return
            _log.warning("item_views_not_written", error=fault)
            for path, count in seen.items():
                self.paths[path] = self.paths.get(path, 0) + count

    async def stop(self) -> None:
        """Write what is left, without waiting for more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.write()

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(WRITTEN_EVERY)
            await self.write()


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
