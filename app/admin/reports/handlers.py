"""The worker's side of reports: read in one short transaction, written outside of any, told in a third."""

from typing import NamedTuple
from uuid import UUID

import structlog

from app.admin.reports.contents import Asked, make_table
from app.admin.reports.events import ReportRequested
from app.admin.reports.printing import print_report
from app.admin.reports.queries import allow_time
from app.admin.reports.repository import ReportRepository
from app.admin.reports.schemas import ReportFormat, ReportType
from app.admin.reports.tables import Table
from app.admin.reports.tasks import path_of
from app.admin.reports.writers import write_csv, write_json
from app.admin.stats.periods import Period, zone_of
from app.core.clock import utc_now
from app.core.db.faults import Fault, sql_state
from app.core.events.events import Delivery, HandlerContext, RetryAfter, delivers

_PAUSE = 5.0
"""Seconds until an attempt that a server broke off is made again."""
_BEGUN = 5
_READ = 50
_WRITTEN = 90
"""Percent, each when that is done."""
_OUT_OF_TIME = "57014"
_TOO_LONG = "It took longer than two minutes; ask for a shorter period."
_log = structlog.get_logger(__name__)


class _Task(NamedTuple):
    id: UUID
    report_type: ReportType
    format: ReportFormat
    period: Period


@delivers(ReportRequested)
async def make_report(context: HandlerContext, event: ReportRequested, _delivery: Delivery) -> None:
    """Make the report, unless it is made; after a worker was killed half-way, from the beginning. Raises RetryAfter."""
    task = await _begin(context, UUID(event.task_id))
    if task is None:
        return
    try:
        await _make(context, task)
    except Exception as fault:
        is_out_of_time = sql_state(fault) == _OUT_OF_TIME
        if Fault.of(fault).is_passing and not is_out_of_time:
            raise RetryAfter("a server behind us is away", _PAUSE) from fault
        _log.exception("report_failed", task_id=event.task_id)
        reason = f"A fault on our side: {type(fault).__name__}."
        async with context.transaction() as session:
            await ReportRepository(session).fail(task.id, _TOO_LONG if is_out_of_time else reason)


async def _begin(context: HandlerContext, task_id: UUID) -> _Task | None:
    async with context.transaction() as session:
        reports = ReportRepository(session)
        found = await reports.find_unmade(task_id)
        if found is None:
            return None
        await reports.note_progress(task_id, _BEGUN)
        period = Period(found.since, found.until, zone_of(found.tz))
        return _Task(task_id, ReportType(found.report_type), ReportFormat(found.format), period)


async def _make(context: HandlerContext, task: _Task) -> None:
    asked = Asked(task.report_type, task.period, context.settings.currency)
    async with context.transaction() as session:
        connection = await session.connection()
        await allow_time(connection)
        table = await make_table(connection, asked)
    await _note(context, task, _READ)
    content = await _write(task, table)
    await _note(context, task, _WRITTEN)
    await context.storage.opened.put(path_of(task.id, task.format), content)
    async with context.transaction() as session:
        await ReportRepository(session).finish(task.id, len(content))


async def _note(context: HandlerContext, task: _Task, percent: int) -> None:
    async with context.transaction() as session:
        await ReportRepository(session).note_progress(task.id, percent)


async def _write(task: _Task, table: Table) -> bytes:
    period, made_at = task.period, utc_now()
    match task.format:
        case ReportFormat.CSV:
            return write_csv(table, period.zone)
        case ReportFormat.JSON:
            about = {
                "report_type": task.report_type.value,
                "from": period.since.astimezone(period.zone),
                "to": period.until.astimezone(period.zone),
                "made_at": made_at,
            }
            return write_json(table, period.zone, about)
        case ReportFormat.PDF:
            heading = task.report_type.replace("_", " ").capitalize()
            return await print_report(heading, period, table, made_at)
