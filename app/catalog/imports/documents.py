"""Brings search documents up to date right behind the batches, on a connection of its own.

Making documents is about half of PostgreSQL's work, so it goes on while the next batch is written.
How far it is stands in the job: whoever resumes an import begins with what is missing.
"""

import asyncio
from collections.abc import Sequence

from app.catalog.cache_groups import LISTS
from app.catalog.imports.apply.repository import BulkRepository
from app.catalog.imports.faults import COLLISIONS
from app.catalog.imports.repository import ImportRepository
from app.core.cache.hot import invalidate
from app.core.events.events import HandlerContext

_TRIES = 3


class Documents:
    """The search documents of one job's books; one batch of them at a time."""

    def __init__(self, outside: HandlerContext, job_id: int) -> None:
        self._outside = outside
        self._job_id = job_id
        self._under_way: asyncio.Task[None] | None = None

    async def catch_up(self, after: int) -> None:
        """Make what a worker that was killed left unmade."""
        last: int | None = after
        while last is not None:
            async with self._outside.transaction() as session:
                rows = await ImportRepository(session).list_written(self._job_id, last)
            last = rows[-1].number if rows else None
            if last is not None:
                await self._refresh([row.item_id for row in rows], last)

    async def follow(self, book_ids: Sequence[int], last: int) -> None:
        """Make the documents of these books, which the rows up to `last` wrote, in the background."""
        await self.settle()
        self._under_way = asyncio.create_task(self._refresh(book_ids, last))

    async def settle(self) -> None:
        """Wait for what is under way."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            await under_way

    async def _refresh(self, book_ids: Sequence[int], last: int) -> None:
        for attempt in range(1, _TRIES + 1):
            try:
                async with self._outside.transaction() as session:
                    imports = ImportRepository(session)
                    if book_ids:
                        await BulkRepository(await imports.driver()).refresh_documents(book_ids)
                        # A list that was read since the books came knows nothing of their documents.
                        invalidate(session, LISTS)
                    await imports.note_documents(self._job_id, last)
            except COLLISIONS:
                if attempt == _TRIES:
                    raise
            else:
                return
