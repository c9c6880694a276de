"""Writes of reports: taken, how far they are, done or failed, and gone."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.reports.models import ReportStatus, ReportTask
from app.admin.reports.schemas import ReportIn

MOST_AT_ONCE = 3
"""Reports of one account that are being made."""


class ReportRepository:
    """Takes reports and notes what becomes of them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, user_id: int, wanted: ReportIn, tz: str, expires_at: datetime) -> UUID | None:
        """Take a report in the first slot of the account that is free; None where there is none."""
        values = {
            "user_id": user_id,
            "report_type": wanted.report_type,
            "format": wanted.format,
            "since": wanted.period.since,
            "until": wanted.period.until,
            "tz": tz,
            "expires_at": expires_at,
        }
        for slot in range(1, MOST_AT_ONCE + 1):
            # Whoever takes the same slot at this moment is waited for.
            taken = insert(ReportTask).values({**values, "slot": slot}).on_conflict_do_nothing()
            task_id: UUID | None = await self._session.scalar(taken.returning(ReportTask.id))
            if task_id is not None:
                return task_id
        return None

    async def find_unmade(self, task_id: UUID) -> ReportTask | None:
        """The report, if it is still to be made."""
        task = await self._session.get(ReportTask, task_id)
        return task if task is not None and task.status == ReportStatus.PROCESSING else None

    async def note_progress(self, task_id: UUID, percent: int) -> None:
        """Say how far it is; another attempt takes nothing back of what one before has said."""
        await self._change(task_id, percent=func.greatest(ReportTask.percent, percent))

    async def finish(self, task_id: UUID, size: int) -> None:
        """It is made, and in the store."""
        await self._change(task_id, status=ReportStatus.DONE.value, percent=100, size=size)

    async def fail(self, task_id: UUID, error: str) -> None:
        """It could not be made, for this reason."""
        await self._change(task_id, status=ReportStatus.FAILED.value, error=error)

    async def fail_unfinished(self, before: datetime, error: str) -> int:
        """Reports that were asked for before then and are not made by now never will be; how many."""
        forgotten = (ReportTask.status == ReportStatus.PROCESSING, ReportTask.created_at < before)
        failed = update(ReportTask).where(*forgotten).values(status=ReportStatus.FAILED.value, error=error)
        return len((await self._session.scalars(failed.returning(ReportTask.id))).all())

    async def delete_expired(self, now: datetime) -> int:
        """Delete tasks whose time is over; how many."""
        gone = delete(ReportTask).where(ReportTask.expires_at <= now).returning(ReportTask.id)
        return len((await self._session.scalars(gone)).all())

    async def _change(self, task_id: UUID, **columns: object) -> None:
        unmade = (ReportTask.id == task_id, ReportTask.status == ReportStatus.PROCESSING)
        await self._session.execute(update(ReportTask).where(*unmade).values(**columns))
