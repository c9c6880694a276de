"""Asking for reports, and handing them out."""

from typing import Self
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.reports.errors import ReportLost, ReportNotReady, TooManyReports
from app.admin.reports.events import ReportRequested
from app.admin.reports.models import ReportStatus
from app.admin.reports.repository import MOST_AT_ONCE, ReportRepository
from app.admin.reports.schemas import ReportFormat, ReportIn
from app.admin.reports.tasks import KEEP, path_of
from app.admin.stats.periods import zone_name
from app.core.audit import record_audit
from app.core.clock import utc_now
from app.core.db.queries import AnyRow
from app.core.events.events import publish
from app.core.storage.storage import FileMissing, Storage
from app.identity.principal import Principal


class ReportService:
    """Takes reports."""

    def __init__(self, session: AsyncSession, reports: ReportRepository) -> None:
        self._session = session
        self._reports = reports

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, ReportRepository(session))

    async def request(self, caller: Principal, wanted: ReportIn) -> UUID:
        """Have a report made; the task's id. Raises TooManyReports."""
        period = wanted.period
        tz = zone_name(period.zone)
        task_id = await self._reports.add(caller.user_id, wanted, tz, utc_now() + KEEP)
        if task_id is None:
            raise TooManyReports(
                f"{MOST_AT_ONCE} of your reports are being made; ask again when one is done."
            )
        await publish(self._session, ReportRequested(str(task_id)))
        asked = {
            "report_type": wanted.report_type.value,
            "from": period.since.isoformat(),
            "to": period.until.isoformat(),
            "format": wanted.format.value,
        }
        changes = {name: (None, value) for name, value in asked.items()}
        record_audit(self._session, "report.requested", ("report", str(task_id)), changes)
        return task_id


async def read_result(storage: Storage, row: AnyRow) -> bytes:
    """The file of the task. Raises ReportNotReady, ReportLost."""
    if row.status == ReportStatus.PROCESSING:
        raise ReportNotReady(f"The report is being made: {row.percent} percent.")
    if row.status == ReportStatus.FAILED:
        raise ReportNotReady(f"The report could not be made: {row.error}")
    try:
        return await storage.read(path_of(row.id, ReportFormat(row.format)))
    except FileMissing:
        raise ReportLost("The file is gone; ask for the report again.") from None
