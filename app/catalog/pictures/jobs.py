"""The scheduled job of pictures."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.pictures.queries import find_used_pictures
from app.catalog.pictures.repository import FetchRepository
from app.catalog.pictures.store import FILE, FOLDER, UNUSED_FOR
from app.core.clock import utc_now
from app.core.events.events import Delivery, Event, HandlerContext, delivers, publish
from app.core.events.jobs import scheduled
from app.core.storage.purge import purge_unused, while_nobody_copies

KEEP_FETCHES = timedelta(days=30)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PicturesToPurge(Event):
    """Pictures that no item uses are to be deleted."""

    type: ClassVar[str] = "pictures.to_purge"


@scheduled("purge_pictures", timedelta(days=1))
async def ask_for_purge(session: AsyncSession) -> int:
    """The store of files is not of this transaction: the purge is an event of its own. Old fetches go at once."""
    await publish(session, PicturesToPurge())
    return await FetchRepository(session).purge(utc_now() - KEEP_FETCHES)


@delivers(PicturesToPurge)
async def purge(context: HandlerContext, _event: PicturesToPurge, _delivery: Delivery) -> None:
    """Delete what no item uses; a second attempt finds less to do."""

    async def find_used(names: Collection[str]) -> set[str]:
        async with context.transaction() as session:
            return await find_used_pictures(session, names)

    async with while_nobody_copies(context) as storage:
        count = await purge_unused(storage, FOLDER, FILE, find_used, unused_for=UNUSED_FOR)
    _log.info("pictures_purged", count=count)
