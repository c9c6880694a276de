"""Files that nothing uses are deleted, whatever they belong to."""

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from datetime import timedelta

from app.core.clock import utc_now
from app.core.db.locks import AdvisoryLock, hold_if_free
from app.core.events.events import HandlerContext, RetryAfter
from app.core.storage.storage import Storage

FindUsed = Callable[[Collection[str]], Awaitable[set[str]]]
"""Which of these owners of files are in use."""

_LATER = 300.0
"""Seconds until a purge that met a backup is tried again."""
_PURGED_AT_ONCE = 5_000
"""Owners about which one statement asks whether they are in use: their names are its parameters."""


@asynccontextmanager
async def while_nobody_copies(context: HandlerContext) -> AsyncIterator[Storage]:
    """The store, for deleting: a backup that has the database already must still find every file that it names.

    Raises RetryAfter while one is made.
    """
    async with context.transaction() as session:
        if not await hold_if_free(session, AdvisoryLock.FILES):
            raise RetryAfter("files are being backed up or purged", _LATER)
        yield context.storage.opened


async def purge_unused(
    storage: Storage, folder: str, owner: re.Pattern[str], find_used: FindUsed, *, unused_for: timedelta
) -> int:
    """Delete the files of the folder that are so old and belong to nothing in use; of how many owners they were.

    The first group of `owner` is what a path belongs to; other paths are left alone. One that is new may be about
    to be used.
    """
    count, before = 0, utc_now() - unused_for
    old: defaultdict[str, list[str]] = defaultdict(list)
    async for file in storage.list(folder):
        belongs = owner.fullmatch(file.name)
        if belongs is not None and file.modified_at < before:
            old[belongs[1]].append(file.name)
        if len(old) >= _PURGED_AT_ONCE:
            count += await _purge(storage, old, find_used)
            old.clear()
    return count + await _purge(storage, old, find_used)


async def _purge(storage: Storage, old: dict[str, list[str]], find_used: FindUsed) -> int:
    unused = sorted(old.keys() - await find_used(old.keys())) if old else []
    await storage.delete([path for one in unused for path in old[one]])
    return len(unused)
