"""The scheduled job of imports: uploaded files that nobody needs any more are deleted."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.imports.repository import ImportRepository
from app.catalog.imports.service import FOLDER
from app.core.clock import utc_now
from app.core.events.events import Delivery, Event, HandlerContext, delivers, publish
from app.core.events.jobs import scheduled
from app.core.storage.purge import purge_unused

KEEP_FILES = timedelta(days=30)
KEEP_STRAYS = timedelta(days=1)
"""Longer than any upload takes: a file that no job names by then was left by a request that died."""
_MOST = 1000
_FILE = re.compile(f"({FOLDER}/.+)")
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
    storage = outside.storage.opened
    async with outside.transaction() as session:
        jobs = await ImportRepository(session).list_old(utc_now() - KEEP_FILES, _MOST)
        old = [job.stored_as for job in jobs if job.stored_as]
        for job in jobs:
            job.stored_as = None
    await storage.delete(old)

    async def find_used(paths: Collection[str]) -> set[str]:
        async with outside.transaction() as session:
            return await ImportRepository(session).list_used(paths)

    strays = await purge_unused(storage, FOLDER, _FILE, find_used, unused_for=KEEP_STRAYS)
    _log.info("import_files_purged", old=len(old), strays=strays)
