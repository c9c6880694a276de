"""The scheduled job that makes backups where BACKUP_URL is set."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import Delivery, Event, HandlerContext, delivers, publish
from app.core.events.jobs import scheduled
from app.core.storage.storage import StorageAway
from app.ops.backups.errors import BackupError
from app.ops.backups.making import make_backup
from app.ops.queries import backup_ages

_LOOK_EVERY = timedelta(hours=1)
_EARLY = timedelta(minutes=5)
"""A backup shows the moment at which its job ran, some seconds into its hour: without this it would slip by an hour a day."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BackupDue(Event):
    """It is time to look whether a backup is due."""

    type: ClassVar[str] = "backup.due"


@scheduled("backup", _LOOK_EVERY)
async def ask_for_backup(session: AsyncSession) -> int:
    """Whether it is due, the worker finds out: a job knows no settings."""
    await publish(session, BackupDue())
    return 1


@delivers(BackupDue)
async def back_up(context: HandlerContext, _event: BackupDue, _delivery: Delivery) -> None:
    """Make a backup if the last one is as old as BACKUP_EVERY.

    What fails is tried again in the next hour and not before: the metric of its age tells, and a dump that runs
    for an hour must not be started fifteen times.
    """
    settings = context.settings
    if not settings.backup.url:
        return
    async with context.transaction() as session:
        age = (await backup_ages(await session.connection())).dump
    # Less than nothing where the clock was ahead then: who knows how old that one is.
    if age is not None and 0 <= age < settings.backup.interval - _EARLY.total_seconds():
        return
    try:
        await make_backup(settings, context.transaction)
    except (BackupError, StorageAway) as fault:
        _log.error("backup_failed", error=fault)
