"""`/api/v1/reports/generate`, and `/api/v1/tasks`, where reports are followed and fetched."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from app.admin.reports import queries
from app.admin.reports.errors import ReportLost, ReportNotReady, ReportTaskNotFound, TooManyReports
from app.admin.reports.models import ReportStatus
from app.admin.reports.schemas import MEDIA_TYPES, ReportFormat, ReportIn, ReportStarted, TaskOut
from app.admin.reports.service import ReportService, read_result
from app.admin.reports.tasks import TASKS, name_of
from app.core.db.transaction import SessionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import PRIVATE, HotDep
from app.core.rate_limit import caller_of, rate_limited
from app.core.storage.storage import Storage
from app.identity.authentication.deps import StatsReader

router = APIRouter(prefix="/api/v1", tags=["admin"], route_class=IdempotentRoute)

_ACCEPTED = 202
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, as a download.",
        "content": {
            kind.partition(";")[0]: {
                "schema": {"type": "string", **({"format": "binary"} if kind == "application/pdf" else {})}
            }
            for kind in MEDIA_TYPES.values()
        },
    }
}


async def get_report_service(session: SessionDep) -> ReportService:
    """Reports on the request's transaction."""
    return ReportService.build(session)


ReportServiceDep = Annotated[ReportService, Depends(get_report_service, scope="function")]


@router.post(
    "/reports/generate",
    status_code=_ACCEPTED,
    summary="Have a report made",
    responses=problems(TooManyReports),
    dependencies=[Depends(rate_limited("export", caller_of)), IDEMPOTENT],
)
async def generate_report(
    wanted: ReportIn, caller: StatsReader, reports: ReportServiceDep, response: Response
) -> ReportStarted:
    """Have the worker make a report of the period; `Location` leads to the task. At most three at once for each account.

    Its figures are those of the statistics: orders by when they were paid, refunds by when they were made. Stock is
    of now. Tax is what invoices say that were issued in the period, less its credit notes, by country and rate.
    Text cells of CSV that a spreadsheet would run as a formula begin with `'`.
    """
    task_id = await reports.request(caller, wanted)
    response.headers["Location"] = f"{TASKS}/{task_id}"
    return ReportStarted(task_id=task_id, status=ReportStatus.PROCESSING)


@router.get(
    "/tasks/{task_id}",
    summary="Read how far a report is",
    response_model=TaskOut,
    responses=problems(ReportTaskNotFound),
)
async def get_task(task_id: UUID, caller: StatsReader, reads: HotDep) -> Response:
    """One of the caller's reports; once it is done, where its file is. Both are kept for seven days."""
    read = partial(queries.read_task, task_id=task_id, user_id=caller.user_id, public_url=reads.public_url)
    return await reads.answer_private(read)


@router.get(
    "/tasks/{task_id}/result",
    summary="Download a report",
    response_class=Response,
    responses={**_FILE, **problems(ReportTaskNotFound, ReportNotReady, ReportLost)},
)
async def download_result(task_id: UUID, caller: StatsReader, request: Request) -> Response:
    """The file of one of the caller's reports; to anybody else there is none."""
    async with request.app.state.database.reading() as connection:
        row = await queries.get_task(connection, task_id, caller.user_id)
    storage: Storage = request.app.state.storage.opened
    content = await read_result(storage, row)
    headers = {
        "Cache-Control": PRIVATE,
        "Content-Disposition": f'attachment; filename="{name_of(row)}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return Response(content, media_type=MEDIA_TYPES[ReportFormat(row.format)], headers=headers)
