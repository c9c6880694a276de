"""`/api/v1/admin/jobs`, `/api/v1/admin/events`, `/api/v1/admin/dead-letters`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app.admin.jobs import queries
from app.admin.jobs.deps import DeadLetterServiceDep
from app.admin.jobs.errors import DeadLetterNotFound, JobNotFound
from app.admin.jobs.schemas import (
    DeadLetterDetailOut,
    DeadLetterFilter,
    DeadLetterOut,
    DiscardIn,
    EventSummaryOut,
    JobDetailOut,
    JobsOut,
    RetriedOut,
    RetryIn,
)
from app.core.db.paging import Page, PagerDep
from app.core.http.problems import problems
from app.core.http.responses import HotDep
from app.core.http.schemas import Line, RowId
from app.identity.authentication.deps import JOBS_MANAGER, JOBS_READER

router = APIRouter(prefix="/api/v1/admin", tags=["admin"])

JobName = Annotated[Line, Path(max_length=100, examples=["purge_outbox"], description="The job's name.")]


@router.get("/jobs", summary="List scheduled jobs", response_model=JobsOut, dependencies=[JOBS_READER])
async def list_jobs(reads: HotDep) -> Response:
    """Every job: its last run, how long it took, how many rows, why it failed, and when the next one is due."""
    return await reads.answer_private(queries.list_jobs)


@router.get(
    "/jobs/{name}",
    summary="Read a scheduled job",
    response_model=JobDetailOut,
    dependencies=[JOBS_READER],
    responses=problems(JobNotFound),
)
async def get_job(name: JobName, reads: HotDep) -> Response:
    """A job with its last 50 runs, the newest first."""
    return await reads.answer_private(partial(queries.get_job, name=name))


@router.get(
    "/events/summary",
    summary="Count events by type and state",
    response_model=EventSummaryOut,
    dependencies=[JOBS_READER],
)
async def get_event_summary(reads: HotDep) -> Response:
    """How many events of which type wait for a worker, are begun, were done in the last hour, or given up."""
    return await reads.answer_private(queries.summarise_events)


@router.get(
    "/dead-letters",
    summary="List dead letters",
    response_model=Page[DeadLetterOut],
    dependencies=[JOBS_READER],
)
async def list_dead_letters(
    query: Annotated[DeadLetterFilter, Query()], pager: PagerDep, reads: HotDep
) -> Response:
    """A page of events that were given up, with the reason, the newest first."""
    return await reads.answer_private(partial(queries.list_dead_letters, query=query, pager=pager))


@router.post(
    "/dead-letters/retry", summary="Try all dead letters of a type again", dependencies=[JOBS_MANAGER]
)
async def retry_dead_letters(kind: RetryIn, letters: DeadLetterServiceDep) -> RetriedOut:
    """Give every event of the type to the worker again, each as if it had never been tried."""
    return RetriedOut(type=kind.type, retried=await letters.retry_all(kind.type))


@router.get(
    "/dead-letters/{event_id}",
    summary="Read a dead letter",
    response_model=DeadLetterDetailOut,
    dependencies=[JOBS_READER],
    responses=problems(DeadLetterNotFound),
)
async def get_dead_letter(event_id: RowId, reads: HotDep) -> Response:
    """An event that was given up: the reason, and what it says, secrets hidden."""
    return await reads.answer_private(partial(queries.get_dead_letter, event_id=event_id))


@router.post(
    "/dead-letters/{event_id}/retry",
    status_code=204,
    summary="Try a dead letter again",
    dependencies=[JOBS_MANAGER],
    responses=problems(DeadLetterNotFound),
)
async def retry_dead_letter(event_id: RowId, letters: DeadLetterServiceDep) -> None:
    """Give the event to the worker again, under its own id, as if it had never been tried."""
    await letters.retry(event_id)


@router.post(
    "/dead-letters/{event_id}/discard",
    status_code=204,
    summary="Discard a dead letter",
    dependencies=[JOBS_MANAGER],
    responses=problems(DeadLetterNotFound),
)
async def discard_dead_letter(event_id: RowId, why: DiscardIn, letters: DeadLetterServiceDep) -> None:
    """Delete it for good; what it was and your note stay in the audit log."""
    await letters.discard(event_id, why.note)
