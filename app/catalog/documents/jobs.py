"""The scheduled job of documents."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.documents.queries import find_used_files
from app.catalog.documents.store import FILE, FOLDER, UNUSED_FOR
from app.core.events.events import Delivery, Event, HandlerContext, delivers, publish
from app.core.events.jobs import scheduled
from app.core.storage.purge import purge_unused, while_nobody_copies

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DocumentsToPurge(Event):
    """Files that no document has are to be deleted."""

    type: ClassVar[str] = "documents.to_purge"


@scheduled("purge_documents", timedelta(days=1))
async def ask_for_purge(session: AsyncSession) -> int:
    """The store of files is not of this transaction: the purge is an event of its own."""
    await publish(session, DocumentsToPurge())
    return 1


@delivers(DocumentsToPurge)
async def purge(context: HandlerContext, _event: DocumentsToPurge, _delivery: Delivery) -> None:
    """Delete the files that no document has; a second attempt finds less to do."""

    async def find_used(files: Collection[str]) -> set[str]:
        async with context.transaction() as session:
            return await find_used_files(session, files)

    async with while_nobody_copies(context) as storage:
        count = await purge_unused(storage, FOLDER, FILE, find_used, unused_for=UNUSED_FOR)
    _log.info("documents_purged", count=count)
