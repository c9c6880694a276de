"""What is told of a task, and what its file is called. Pure."""

import re
from datetime import timedelta
from uuid import UUID

from app.admin.reports.models import ReportStatus
from app.admin.reports.schemas import MEDIA_TYPES, ReportFormat, ReportResult, TaskOut
from app.admin.stats.periods import zone_of
from app.core.db.queries import AnyRow

KEEP = timedelta(days=7)
FOLDER = "reports"
FILE = re.compile(rf"{FOLDER}/([0-9a-f-]{{36}})\.(?:csv|json|pdf)")
"""The path of a report's file, and the task that it belongs to."""
TASKS = "/api/v1/tasks"


def path_of(task_id: UUID, form: ReportFormat) -> str:
    """Where the file lies in the store: a second attempt writes the same one."""
    return f"{FOLDER}/{task_id}.{form}"


def name_of(row: AnyRow) -> str:
    """What the file is called where it is downloaded: by the days of its period."""
    zone = zone_of(row.tz)
    days = (f"{moment.astimezone(zone):%Y-%m-%d}" for moment in (row.since, row.until))
    return f"{row.report_type.replace('_', '-')}-{'-'.join(days)}.{row.format}"


def task_out(row: AnyRow, public_url: str) -> TaskOut:
    """What is told of a task."""
    form = ReportFormat(row.format)
    result = None
    if row.status == ReportStatus.DONE:
        url = f"{public_url}{TASKS}/{row.id}/result"
        result = ReportResult(url=url, name=name_of(row), size=row.size, content_type=MEDIA_TYPES[form])
    return TaskOut.model_validate(
        {
            **row._asdict(),
            "task_id": row.id,
            "starts_at": row.since,
            "ends_at": row.until,
            "result": result,
        }
    )
