"""Runs one import from where it stands to its end.

skip_row: a transaction for each batch, with the results of its rows and the job's progress in it, so
that a worker that was killed leaves nothing half done and the next one starts after the last batch.
Search documents follow one batch behind.
A batch that the database refuses is halved until the row is found that it refuses.
abort: one transaction for everything; progress and results of a failure are written beside it.
dry_run: each batch is applied, rolled back and reported.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.formats.record import Record
from app.catalog.imports.apply.outcome import Outcome, failure
from app.catalog.imports.apply.service import Applied, BatchService, repeated
from app.catalog.imports.apply.writer import Owner
from app.catalog.imports.batches import Batch, Batches
from app.catalog.imports.documents import Documents
from app.catalog.imports.faults import COLLISIONS, REFUSALS, problem_of
from app.catalog.imports.lifecycle import ImportLife
from app.catalog.imports.progress import Stopwatch, advanced, row_values
from app.catalog.imports.repository import ImportRepository
from app.catalog.imports.service import aborts
from app.catalog.models import ImportJob, ImportMode, RowStatus
from app.core.cache.hot import invalidate
from app.core.events.events import HandlerContext

Result = TypeVar("Result")

_TRIES = 3
_LONGEST_PAUSE = 0.3


class Cancelled(Exception):
    """Somebody cancelled the import."""


class Overtaken(Exception):
    """The job is not where this worker left it: another one has it."""


class Aborted(Exception):
    """A row failed, and the import is all or nothing."""

    def __init__(self, failed: Sequence[Outcome]) -> None:
        super().__init__(failed[0].number)
        self.failed = failed


class _Undo(Exception):
    """Rolls back what a dry run wrote."""

    def __init__(self, applied: Applied) -> None:
        self.applied = applied


class ImportRun:
    """One run of one job; the job's row is as it was when the run began."""

    def __init__(self, outside: HandlerContext, life: ImportLife, job: ImportJob) -> None:
        self._outside = outside
        self._life = life
        self._job = job
        self._owner = Owner(job.created_by, outside.settings.currency)
        self._mode = ImportMode(job.mode)
        self._documents = Documents(outside, job.id)
        self._done = job.rows_done
        self._watch = Stopwatch()

    async def run(self, batches: Batches) -> str | None:
        """Apply every batch; the name of the stored file if it can go. Cancelled, Aborted, Overtaken."""
        if aborts(self._job):
            return await self._run_at_once(batches)
        try:
            async for batch in batches:
                await self._settle(batch)
        finally:
            await self._documents.settle()
        async with self._outside.transaction() as session:
            return await self._life.complete(session)

    async def _settle(self, batch: Batch) -> None:
        """Apply the batch; what the database refuses fails alone."""
        try:
            written, is_cancelling = await retry_on_conflict(lambda: self._attempt(batch))
        except REFUSALS as fault:
            if len(batch.records) > 1:
                for half in _halves(batch):
                    await self._settle(half)
                return
            written, is_cancelling = await self._fail(batch, fault)
        self._done = batch.last
        if not self._job.dry_run:
            await self._documents.follow(written, batch.last)
        if is_cancelling:
            raise Cancelled

    async def _attempt(self, batch: Batch) -> tuple[list[int], bool]:
        """Apply the batch; the books that it wrote, and whether to stop after it."""
        if self._job.dry_run:
            return await self._rehearse(batch)
        async with self._outside.transaction() as session:
            applied = await self._apply(session, batch, is_shared=False)
            return applied.written, await self._record(session, batch, applied)

    async def _rehearse(self, batch: Batch) -> tuple[list[int], bool]:
        try:
            async with self._outside.transaction() as session:
                raise _Undo(await self._apply(session, batch, is_shared=True))
        except _Undo as undone:
            applied = Applied(undone.applied.outcomes)
        async with self._outside.transaction() as session:
            return [], await self._record(session, batch, applied)

    async def _fail(self, batch: Batch, fault: Exception) -> tuple[list[int], bool]:
        failed = Applied([failure(batch.records[0], problem_of(fault))])
        async with self._outside.transaction() as session:
            return [], await self._record(session, batch, failed)

    async def _run_at_once(self, batches: Batches) -> str | None:
        async with self._outside.transaction() as session:
            async for batch in batches:
                await self._settle_at_once(session, batch)
            return await self._life.complete(session)

    async def _settle_at_once(self, session: AsyncSession, batch: Batch) -> None:
        """Apply the batch within the one transaction. Aborted, by what the database refuses too; Cancelled."""
        try:
            applied = await retry_on_conflict(lambda: self._attempt_within(session, batch))
        except REFUSALS as fault:
            if len(batch.records) == 1:
                raise Aborted([failure(batch.records[0], problem_of(fault))]) from fault
            for half in _halves(batch):
                await self._settle_at_once(session, half)
            return
        invalidate(session, *applied.stale)
        async with self._outside.transaction() as beside:
            is_cancelling = await self._advance(beside, batch, applied)
        self._done = batch.last
        if is_cancelling:
            raise Cancelled

    async def _attempt_within(self, session: AsyncSession, batch: Batch) -> Applied:
        async with session.begin_nested():
            applied = await self._apply(session, batch, is_shared=True)
            failed = [one for one in applied.outcomes if one.status is RowStatus.FAILED]
            if failed:
                raise Aborted(failed)
            rows = row_values(self._job.id, applied.outcomes, is_real=True)
            await ImportRepository(session).record(rows, self._made(applied))
        return applied

    async def _apply(self, session: AsyncSession, batch: Batch, *, is_shared: bool) -> Applied:
        imports = ImportRepository(session)
        service = BatchService.build(await imports.driver(), self._owner)
        await service.prepare(self._job.created_by)
        records = await self._pending(imports, batch)
        isbns = [record.isbn13 for record in records if record.isbn13 is not None]
        seen = await imports.list_seen(self._job.id, isbns)
        doubles = [
            failure(record, repeated()) for record in records if record.isbn13 in seen and not record.problems
        ]
        fresh = [record for record in records if record.isbn13 not in seen or record.problems]
        applied = await service.apply(fresh, self._mode, is_shared=is_shared)
        applied.outcomes += doubles
        if aborts(self._job):
            await service.refresh(applied.written)
        return applied

    async def _pending(self, imports: ImportRepository, batch: Batch) -> list[Record]:
        if not self._job.only_failed:
            return batch.records
        failed = await imports.list_failed(self._job.id, batch.records[0].number, batch.last)
        return [record for record in batch.records if record.number in failed]

    async def _record(self, session: AsyncSession, batch: Batch, applied: Applied) -> bool:
        imports = ImportRepository(session)
        if self._job.only_failed:
            await imports.forget_rows(self._job.id, [one.number for one in applied.outcomes])
        rows = row_values(self._job.id, applied.outcomes, is_real=not self._job.dry_run)
        await imports.record(rows, self._made(applied))
        invalidate(session, *applied.stale)
        return await self._advance(session, batch, applied)

    async def _advance(self, session: AsyncSession, batch: Batch, applied: Applied) -> bool:
        values = advanced(applied.outcomes, batch.last, batch.position, self._watch.lap())
        if self._job.only_failed:
            values["failed"] = values.get("failed", ImportJob.failed) - len(applied.outcomes)
        row = await ImportRepository(session).advance(self._job.id, self._done, values)
        if row is None:
            raise Overtaken
        return bool(row.is_cancelling)

    def _made(self, applied: Applied) -> list[tuple[int, str, int]]:
        return [(self._job.id, kind, made_id) for kind, made_id in applied.made]


async def retry_on_conflict(attempt: Callable[[], Awaitable[Result]]) -> Result:
    """What the attempt gives, made again after a collision."""
    for _ in range(_TRIES - 1):
        try:
            return await attempt()
        except COLLISIONS:
            await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311 (jitter needs no cryptography)
    return await attempt()


def _halves(batch: Batch) -> tuple[Batch, Batch]:
    middle = len(batch.records) // 2
    return replace(batch, records=batch.records[:middle]), replace(batch, records=batch.records[middle:])
