"""Runs one import from where it stands to its end.

Every run reads batch after batch, tries a batch again that collided with somebody else's writes, and
halves one that the database refuses until the row is found that it refuses. What differs is the
transactions, and so they are a policy of their own:

`PerBatch`: a transaction for each batch, with the results of its rows and the job's progress in it, so
that a worker that was killed leaves nothing half done and the next one starts after the last batch.
`AllOrNothing`: one transaction for everything; the progress is written beside it.
`Rehearsal`: a transaction for each batch, rolled back; then its results are written in another one.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import LISTS
from app.catalog.formats.record import RowProblem
from app.catalog.imports.applier import Applied, BatchApplier
from app.catalog.imports.batch import Outcome, failure
from app.catalog.imports.job import JobLifecycle, Progress, is_all_or_nothing
from app.catalog.imports.repository import ImportRepository
from app.catalog.imports.source import Batch, BatchReader
from app.catalog.imports.writer import refresh_documents
from app.catalog.models import ImportJob
from app.core.cache.hot import invalidate
from app.core.db.driver import driver_connection
from app.core.db.faults import Fault, postgres_cause, retry_on_conflict
from app.core.errors import CONSTRAINT_ERRORS
from app.core.events.events import HandlerContext


class Cancelled(Exception):
    """Somebody cancelled the import."""


class Aborted(Exception):
    """A row failed, and the import is all or nothing."""

    def __init__(self, failed: Sequence[Outcome]) -> None:
        super().__init__(failed[0].number)
        self.failed = failed


class SearchDocuments:
    """Brings search documents up to date one batch behind the rows, on a connection of its own.

    Making them is about half of PostgreSQL's work, so it goes on while the next batch is written. How
    far it is stands in the job: whoever resumes an import begins with what is missing.
    """

    def __init__(self, context: HandlerContext, job_id: int) -> None:
        self._context = context
        self._job_id = job_id
        self._under_way: asyncio.Task[None] | None = None

    async def catch_up(self, after: int) -> None:
        """Make what a worker that was killed left unmade."""
        last: int | None = after
        while last is not None:
            async with self._context.transaction() as session:
                rows = await ImportRepository(session).list_written(self._job_id, last)
            last = rows[-1].number if rows else None
            if last is not None:
                await self._refresh([row.item_id for row in rows], last)

    async def follow(self, book_ids: Sequence[int], last: int) -> None:
        """Make the documents of these books, which the rows up to `last` wrote, in the background."""
        await self.settle()
        self._under_way = asyncio.create_task(self._refresh(book_ids, last))

    async def settle(self) -> None:
        """Wait for what is under way."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            await under_way

    async def _refresh(self, book_ids: Sequence[int], last: int) -> None:
        await retry_on_conflict(partial(self._attempt, book_ids, last))

    async def _attempt(self, book_ids: Sequence[int], last: int) -> None:
        async with self._context.transaction() as session:
            if book_ids:
                await refresh_documents(await driver_connection(session), book_ids)
                # A list that was read since the books came knows nothing of their documents.
                invalidate(session, LISTS)
            await ImportRepository(session).note_documents(self._job_id, last)


class Policy(ABC):
    """The transactions of one run: here is what they have in common."""

    is_shared = True
    """Whether requests may create authors and works while a batch is applied."""

    def __init__(self, context: HandlerContext, job: ImportJob, progress: Progress) -> None:
        self._context = context
        self._job = job
        self._progress = progress
        self._lifecycle = JobLifecycle(context, job.id)

    def opened(self) -> AbstractAsyncContextManager[None]:
        """What holds from the first batch to the last."""
        return nullcontext()

    @abstractmethod
    async def write(self, batch: Batch) -> Applied:
        """Apply the batch; called again after a collision. Raises Aborted."""

    async def refuse(self, batch: Batch, problem: RowProblem) -> Applied:
        """Record that the database refuses the one row of this batch. Raises Aborted."""
        applied = Applied([failure(batch.records[0], problem)])
        async with self._context.transaction() as session:
            await self._record(session, batch, applied)
        return applied

    @abstractmethod
    async def settle(self, batch: Batch, applied: Applied) -> None:
        """Do what follows a batch that was written or refused."""

    async def finish(self) -> str | None:
        """Complete the job after its last batch; the name of the stored file if it can go."""
        async with self._context.transaction() as session:
            return await self._lifecycle.complete(session)

    async def _apply(self, session: AsyncSession, batch: Batch) -> Applied:
        applier = await BatchApplier.build(session, self._job, self._context.settings.currency)
        return await applier.apply(batch.records, is_shared=self.is_shared)

    async def _record(self, session: AsyncSession, batch: Batch, applied: Applied) -> None:
        await self._progress.record(session, applied.outcomes, applied.created)
        invalidate(session, *applied.stale)
        await self._progress.advance(session, applied.outcomes, batch.last, batch.position)


class PerBatch(Policy):
    """A transaction for each batch; a row that fails does nothing to the others."""

    is_shared = False

    def __init__(self, context: HandlerContext, job: ImportJob, progress: Progress) -> None:
        super().__init__(context, job, progress)
        self._documents = SearchDocuments(context, job.id)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """However it ends, the documents of what was written are made."""
        try:
            yield
        finally:
            await self._documents.settle()

    async def write(self, batch: Batch) -> Applied:
        """Apply and record the batch together."""
        async with self._context.transaction() as session:
            applied = await self._apply(session, batch)
            await self._record(session, batch, applied)
        return applied

    async def settle(self, batch: Batch, applied: Applied) -> None:
        """Make the documents in the background."""
        await self._documents.follow(applied.written, batch.last)

    async def finish(self) -> str | None:
        """Complete the job when its last documents are made."""
        await self._documents.settle()
        return await super().finish()


class AllOrNothing(Policy):
    """One transaction for the whole file: one row that fails, and nothing is written."""

    _session: AsyncSession

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """The one transaction."""
        async with self._context.transaction() as self._session:
            yield

    async def write(self, batch: Batch) -> Applied:
        """Apply and record the batch within a savepoint."""
        async with self._session.begin_nested():
            applied = await self._apply(self._session, batch)
            if applied.failed:
                raise Aborted(applied.failed)
            await refresh_documents(await driver_connection(self._session), applied.written)
            await self._progress.record(self._session, applied.outcomes, applied.created)
        return applied

    async def refuse(self, batch: Batch, problem: RowProblem) -> Applied:
        """Give up."""
        raise Aborted([failure(batch.records[0], problem)])

    async def settle(self, batch: Batch, applied: Applied) -> None:
        """Tell of the progress beside the transaction, so that it is seen before the end."""
        invalidate(self._session, *applied.stale)
        async with self._context.transaction() as beside:
            await self._progress.advance(beside, applied.outcomes, batch.last, batch.position)

    async def finish(self) -> str | None:
        """Complete the job in the one transaction."""
        return await self._lifecycle.complete(self._session)


class Rehearsal(Policy):
    """What would happen is reported, row by row; of the catalogue nothing is written."""

    async def write(self, batch: Batch) -> Applied:
        """Apply the batch, roll it back, and record what it did."""
        async with rehearse(self._context) as session:
            applied = Applied((await self._apply(session, batch)).outcomes)
        async with self._context.transaction() as session:
            await self._record(session, batch, applied)
        return applied

    async def settle(self, batch: Batch, applied: Applied) -> None:
        """Nothing follows."""


@asynccontextmanager
async def rehearse(context: HandlerContext) -> AsyncIterator[AsyncSession]:
    """A transaction that is rolled back at its end, whatever was written in it."""
    async with context.transaction() as session:
        yield session
        await session.rollback()


class ImportRun:
    """One run of one job."""

    def __init__(self, policy: Policy, progress: Progress) -> None:
        self._policy = policy
        self._progress = progress

    @classmethod
    def build(cls, context: HandlerContext, job: ImportJob) -> "ImportRun":
        """Compose it for a job as it was when the run began."""
        progress = Progress(job)
        policy = Rehearsal if job.dry_run else AllOrNothing if is_all_or_nothing(job) else PerBatch
        return cls(policy(context, job, progress), progress)

    async def run(self, batches: BatchReader) -> str | None:
        """Apply every batch; the name of the stored file if it can go. Raises Cancelled, Aborted, Overtaken."""
        async with self._policy.opened():
            async for batch in batches:
                await self._apply(batch)
            return await self._policy.finish()

    async def _apply(self, batch: Batch) -> None:
        """Apply the batch; a row that the database refuses is found by halving, and fails alone."""
        try:
            applied = await retry_on_conflict(partial(self._policy.write, batch))
        except Exception as fault:
            if not Fault.of(fault).is_of_rows:
                raise
            if len(batch.records) > 1:
                for half in batch.halves():
                    await self._apply(half)
                return
            applied = await self._policy.refuse(batch, refusal_of(fault))
        await self._policy.settle(batch, applied)
        self._progress.done = batch.last
        if self._progress.is_cancelling:
            raise Cancelled


def refusal_of(fault: Exception) -> RowProblem:
    """Say why the database refuses a row, by the name of the constraint where there is one."""
    cause = postgres_cause(fault)
    name = getattr(cause, "constraint_name", None)
    if name in CONSTRAINT_ERRORS:
        error, field, message = CONSTRAINT_ERRORS[name]
        return RowProblem(field, message, error.code)
    return RowProblem("row", f"The database refuses it: {str(cause).splitlines()[0]}", "refused")
