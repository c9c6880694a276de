"""The scheduled job that deletes reports whose time is over."""

from collections.abc import Collection
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.reports.events import ReportsToPurge
from app.admin.reports.queries import find_kept
from app.admin.reports.repository import ReportRepository
from app.admin.reports.tasks import FILE, FOLDER
from app.core.clock import utc_now
from app.core.events.events import Delivery, HandlerContext, delivers, publish
from app.core.events.jobs import scheduled
from app.core.storage.purge import purge_unused, while_nobody_copies

LONGEST = timedelta(days=1)
"""What is not made by then never will be: its event was given up."""
STRAYS = timedelta(hours=1)
"""How old a file is that no task has: a new one may be about to be told of."""
_log = structlog.get_logger(__name__)


@scheduled("purge_reports", timedelta(hours=1))
async def ask_for_purge(session: AsyncSession) -> int:
    """The store of files is not of this transaction: the purge is an event of its own."""
    await publish(session, ReportsToPurge())
    return 1


@delivers(ReportsToPurge)
async def purge(context: HandlerContext, _event: ReportsToPurge, _delivery: Delivery) -> None:
    """Delete tasks whose week is over, then files that no task has; what was given up is told as failed.

    Raises RetryAfter.
    """
    async with context.transaction() as session:
        reports, now = ReportRepository(session), utc_now()
        failed = await reports.fail_unfinished(now - LONGEST, "It was not made within a day; ask again.")
        gone = await reports.delete_expired(now)

    async def find_used(task_ids: Collection[str]) -> set[str]:
        async with context.transaction() as session:
            return await find_kept(await session.connection(), task_ids)

    async with while_nobody_copies(context) as storage:
        files = await purge_unused(storage, FOLDER, FILE, find_used, unused_for=STRAYS)
    _log.info("reports_purged", tasks=gone, files=files, failed=failed)
