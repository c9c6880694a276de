"""The states and the progress of one import job, as the worker sets them."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from time import monotonic

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import LISTS
from app.catalog.formats.record import Source
from app.catalog.imports.batch import Outcome
from app.catalog.imports.repository import ImportRepository, RowValues, Step
from app.catalog.imports.writer import refresh_documents
from app.catalog.models import ImportJob, ImportState, OnError, RowStatus
from app.core.audit import record_audit
from app.core.cache.hot import invalidate
from app.core.clock import utc_now
from app.core.db.driver import driver_connection
from app.core.db.faults import retry_on_conflict
from app.core.events.events import HandlerContext

_COUNTS = tuple(status.value for status in RowStatus)
_UNDER_WAY = (ImportState.PENDING, ImportState.RUNNING)
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""Of JSON, the escape; a backslash of the text before `u0000` is doubled."""
_JSON = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_DATACLASS


class Overtaken(Exception):
    """The job is not where this worker left it: another one has it."""


def is_all_or_nothing(job: ImportJob) -> bool:
    """Whether the job writes all rows or none."""
    return job.on_error == OnError.ABORT and not job.dry_run


class JobLifecycle:
    """The beginning and the ends of one job, each in a transaction of its own."""

    def __init__(self, context: HandlerContext, job_id: int) -> None:
        self._context = context
        self._job_id = job_id

    async def start(self) -> ImportJob | None:
        """Mark the job as running and return it; None when it is over, or was cancelled before it began.

        One with `is_cancelling` was running already, and only its end is to be recorded.
        """
        async with self._context.transaction() as session:
            job = await ImportRepository(session).lock(self._job_id)
            if job is None or job.state not in _UNDER_WAY:
                return None
            await _forget_unwritten(session, job)
            if not job.rows_done and not job.only_failed:
                # What an attempt would have emptied that was not begun.
                job.cleared = {}
            job.state = ImportState.RUNNING
            job.started_at = job.started_at or utc_now()
        return job

    async def describe(self, source: Source) -> None:
        """Note which columns the file has and which of them are ignored."""
        async with self._context.transaction() as session:
            job = await self._lock(session)
            job.columns = list(source.columns)
            job.ignored_columns = list(source.ignored)
            job.delimiter = getattr(source, "delimiter", None) or job.delimiter

    async def complete(self, session: AsyncSession) -> str | None:
        """Record that every row was dealt with; return the name of the stored file if nobody needs it any more."""
        job = await self._lock(session)
        job.only_failed = False
        job.bytes_done = job.size
        _end(session, job, ImportState.COMPLETED)
        if job.failed and not job.dry_run:
            return None
        stored_as, job.stored_as = job.stored_as, None
        return stored_as

    async def cancel(self) -> None:
        """Record that staff stopped the import; results of rows that were never written are deleted."""
        async with self._context.transaction() as session:
            job = await self._lock(session)
            await _forget_unwritten(session, job)
            _end(session, job, ImportState.CANCELLED)

    async def abort(self, failed: Sequence[Outcome]) -> None:
        """Record that rows failed and so nothing was written."""
        async with self._context.transaction() as session:
            job = await self._lock(session)
            _reset(job)
            await ImportRepository(session).record(row_values(job.id, failed, is_real=True), [])
            job.failed = len(failed)
            job.error = f"Row {failed[0].number} failed, so nothing was written."
            _end(session, job, ImportState.FAILED)

    async def fail(self, reason: str, cleared: Mapping[str, int] | None = None) -> None:
        """Record that the import cannot go on, or in how many rows it would empty a field."""
        async with self._context.transaction() as session:
            job = await self._lock(session)
            await _forget_unwritten(session, job)
            if cleared is not None and not job.only_failed:
                job.cleared = dict(cleared)
            job.error = reason
            _end(session, job, ImportState.FAILED)

    async def _lock(self, session: AsyncSession) -> ImportJob:
        job = await ImportRepository(session).lock(self._job_id)
        if job is None:
            raise LookupError(f"import {self._job_id} is gone")
        return job


async def _forget_unwritten(session: AsyncSession, job: ImportJob) -> None:
    """Delete the results of an all-or-nothing attempt that did not come to its end: nothing of it was written."""
    if is_all_or_nothing(job):
        await ImportRepository(session).forget_rows(job.id)
        _reset(job)


def _reset(job: ImportJob) -> None:
    job.cleared = {}
    for name in (*_COUNTS, "warned", "rows_done", "documents_done", "bytes_done", "working_seconds"):
        setattr(job, name, 0)


def _end(session: AsyncSession, job: ImportJob, state: ImportState) -> None:
    job.state = state
    job.is_cancelling = False
    job.finished_at = utc_now()
    counts = {name: (None, getattr(job, name)) for name in _COUNTS}
    record_audit(session, f"import.{state}", ("import", job.id), counts, actor_id=job.created_by)


class Progress:
    """How far one run of a job is; `done` is the last row that was dealt with."""

    def __init__(self, job: ImportJob) -> None:
        self.done = job.rows_done
        self.is_cancelling = False
        self._job = job
        self._cleared = Counter(job.cleared)
        self._lap_began = monotonic()

    async def record(
        self, session: AsyncSession, outcomes: Sequence[Outcome], created: Iterable[tuple[str, int]]
    ) -> None:
        """Write the results of rows, and what was created on the way as kind and id."""
        imports = ImportRepository(session)
        if self._job.only_failed:
            await imports.forget_rows(self._job.id, [one.number for one in outcomes])
        rows = row_values(self._job.id, outcomes, is_real=not self._job.dry_run)
        await imports.record(rows, [(self._job.id, kind, id_) for kind, id_ in created])

    async def advance(
        self, session: AsyncSession, outcomes: Sequence[Outcome], last: int, position: int
    ) -> None:
        """Move the job on to the row `last`, read up to this byte. Raises Overtaken.

        `pass_on` is called once that is committed.
        """
        now = monotonic()
        seconds = now - self._lap_began
        self._lap_began = now
        counts = Counter(one.status for one in outcomes)
        if self._job.only_failed:
            # Each of these rows was counted as failed before.
            counts[RowStatus.FAILED] -= len(outcomes)
        step = Step(
            last,
            position,
            seconds,
            counts,
            sum(one.is_warned for one in outcomes),
            self._cleared_with(outcomes),
        )
        is_cancelling = await ImportRepository(session).advance(self._job.id, self.done, step)
        if is_cancelling is None:
            raise Overtaken
        self.is_cancelling = is_cancelling

    def pass_on(self, outcomes: Iterable[Outcome], last: int) -> None:
        """Go on behind the row `last`."""
        self.done = last
        self._cleared = self._cleared_with(outcomes)

    def _cleared_with(self, outcomes: Iterable[Outcome]) -> Counter[str]:
        return self._cleared + Counter(name for one in outcomes for name in one.cleared)


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
        """Make the documents that a worker that was killed did not make."""
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


def row_values(job_id: int, outcomes: Iterable[Outcome], *, is_real: bool) -> list[RowValues]:
    """Turn outcomes into rows to be copied; ids and versions of a dry run are of books that do not exist."""
    return [
        RowValues(
            job_id=job_id,
            number=one.number,
            status=one.status.value,
            isbn13=one.isbn13,
            item_id=one.item_id if is_real or one.status is not RowStatus.CREATED else None,
            version=one.version if is_real else None,
            changes=_json(one.changes),
            before=_json(one.before) if is_real else None,
            errors=_json(one.errors or None),
            warnings=_json(one.warnings or None),
            notes=_json(one.notes or None),
            raw=_json(one.raw),
        )
        for one in outcomes
    ]


def _json(value: object) -> str | None:
    """Encode JSON without NUL, which PostgreSQL does not take."""
    if value is None:
        return None
    text = orjson.dumps(value, option=_JSON).decode()
    return _NUL.sub("\\1\ufffd", text) if "\\u0000" in text else text
