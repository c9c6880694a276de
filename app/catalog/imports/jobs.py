"""The scheduled job of imports: uploaded files that nobody needs any more are deleted."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.imports.repository import ImportRepository
from app.core.clock import utc_now
from app.core.events.events import Delivery, Event, HandlerContext, delivers, publish
from app.core.events.jobs import scheduled

KEEP_FILES = timedelta(days=30)
KEEP_STRAYS = timedelta(days=1)
"""Longer than any upload takes: a file that no job names by then was left by a request that died."""
_MOST = 1000
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ImportFilesToPurge(Event):
    """Uploaded files of old imports are to be deleted."""

    type: ClassVar[str] = "import.files_to_purge"


@scheduled("purge_imports", timedelta(days=1))
async def ask_for_purge(session: AsyncSession) -> int:
    """The store of files is not of this transaction: the purge is an event of its own."""
    await publish(session, ImportFilesToPurge())
    return 1


@delivers(ImportFilesToPurge)
async def purge(outside: HandlerContext, _event: ImportFilesToPurge, _delivery: Delivery) -> None:
    """Files of imports that could be run again go after a month, those that no import names after a day."""
    storage, now = outside.storage.opened, utc_now()
    async with outside.transaction() as session:
        jobs = await ImportRepository(session).list_old(now - KEEP_FILES, _MOST)
        old = [job.stored_as for job in jobs if job.stored_as]
        for job in jobs:
            job.stored_as = None
    await storage.delete(old)
    strays = [file.name async for file in storage.list("imports") if file.modified_at < now - KEEP_STRAYS]
    async with outside.transaction() as session:
        used = await ImportRepository(session).list_used(strays)
    await storage.delete([name for name in strays if name not in used])
    _log.info("import_files_purged", old=len(old), strays=len(strays) - len(used))
