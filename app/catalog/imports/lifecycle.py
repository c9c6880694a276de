"""The states of a job as the worker sets them, each change in a transaction of its own."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.formats.contract import Source
from app.catalog.imports.apply.outcome import Outcome
from app.catalog.imports.progress import row_values
from app.catalog.imports.repository import ImportRepository
from app.catalog.imports.service import aborts
from app.catalog.models import ImportJob, ImportState
from app.core.audit import record_audit
from app.core.clock import utc_now
from app.core.events.events import HandlerContext

_COUNTS = ("created", "updated", "deleted", "unchanged", "failed")
_UNDER_WAY = (ImportState.PENDING, ImportState.RUNNING)


class ImportLife:
    """Beginning and ends of one job."""

    def __init__(self, outside: HandlerContext, job_id: int) -> None:
        self._outside = outside
        self._job_id = job_id

    async def start(self) -> ImportJob | None:
        """The job, running from now on; None when it is over, or cancelled before it began.

        One with `is_cancelling` was running already, and shall only be brought to its end.
        """
        async with self._outside.transaction() as session:
            imports = ImportRepository(session)
            job = await imports.lock(self._job_id)
            if job is None or job.state not in _UNDER_WAY:
                return None
            if aborts(job):
                # All or nothing: what an earlier attempt reported was never written.
                await imports.forget_rows(job.id)
                _reset(job)
            job.state, job.started_at = ImportState.RUNNING, job.started_at or utc_now()
        return job

    async def describe(self, source: Source) -> None:
        """Note which columns the file has and which of them are ignored."""
        async with self._outside.transaction() as session:
            job = await self._held(session)
            job.columns, job.ignored_columns = list(source.columns), list(source.ignored)
            job.delimiter = getattr(source, "delimiter", None) or job.delimiter

    async def complete(self, session: AsyncSession) -> str | None:
        """Every row was dealt with; the name of the stored file if nobody needs it any more."""
        job = await self._held(session)
        job.only_failed, job.bytes_done = False, job.size
        await self._end(session, job, ImportState.COMPLETED)
        if job.failed and not job.dry_run:
            return None
        stored_as, job.stored_as = job.stored_as, None
        return stored_as

    async def cancel(self) -> None:
        """Stopped by staff; what an all-or-nothing import reported is void."""
        async with self._outside.transaction() as session:
            job = await self._held(session)
            if aborts(job):
                await ImportRepository(session).forget_rows(job.id)
                _reset(job)
            await self._end(session, job, ImportState.CANCELLED)

    async def abort(self, failed: Sequence[Outcome]) -> None:
        """Rows failed and nothing was written."""
        async with self._outside.transaction() as session:
            job = await self._held(session)
            _reset(job)
            await ImportRepository(session).record(row_values(job.id, failed, is_real=True), [])
            job.failed = len(failed)
            job.error = f"Row {failed[0].number} failed, so nothing was written."
            await self._end(session, job, ImportState.FAILED)

    async def fail(self, reason: str) -> None:
        """The import cannot go on."""
        async with self._outside.transaction() as session:
            job = await self._held(session)
            if aborts(job):
                await ImportRepository(session).forget_rows(job.id)
                _reset(job)
            job.error = reason
            await self._end(session, job, ImportState.FAILED)

    async def _held(self, session: AsyncSession) -> ImportJob:
        job = await ImportRepository(session).lock(self._job_id)
        if job is None:
            raise LookupError(f"import {self._job_id} is gone")
        return job

    async def _end(self, session: AsyncSession, job: ImportJob, state: ImportState) -> None:
        job.state, job.is_cancelling, job.finished_at = state, False, utc_now()
        counts = {name: (None, getattr(job, name)) for name in _COUNTS}
        record_audit(session, f"import.{state}", ("import", job.id), counts, actor_id=job.created_by)


def _reset(job: ImportJob) -> None:
    for name in (*_COUNTS, "rows_done", "documents_done", "bytes_done"):
        setattr(job, name, 0)
    job.working_seconds = 0
