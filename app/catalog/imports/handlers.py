"""The worker's side of imports and reverts: one at a time, resumed by whoever comes next."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.formats.columns import COVER
from app.catalog.formats.record import RowProblem
from app.catalog.imports.clearing import ClearsTooMuch, check_clearing, must_ask
from app.catalog.imports.events import ImportRequested, ImportRevertRequested
from app.catalog.imports.job import JobLifecycle, Overtaken, SearchDocuments
from app.catalog.imports.repository import ImportRepository
from app.catalog.imports.revert import revert, start_revert
from app.catalog.imports.run import Aborted, Cancelled, ImportRun
from app.catalog.imports.source import BatchReader, gc_paused, local_upload
from app.catalog.imports.writer import Owner
from app.catalog.models import ImportJob
from app.catalog.pictures.events import ImportedCoverSettled
from app.core.db.faults import Fault
from app.core.errors import AppError
from app.core.events.events import Delivery, HandlerContext, RetryAfter, delivers, handles
from app.core.storage.storage import FileMissing

_QUEUE_PAUSE = 2.0
"""Seconds until an import that waits for another one looks again."""
_FAULT_PAUSE = 5.0
"""Seconds until an attempt that a server broke off is made again."""
_log = structlog.get_logger(__name__)


@delivers(ImportRequested)
async def run_import(context: HandlerContext, event: ImportRequested, _delivery: Delivery) -> None:
    """Run the import from where it stands to its end. Raises RetryAfter."""
    async with _turn(context):
        lifecycle = JobLifecycle(context, event.job_id)
        job = await lifecycle.start()
        if job is not None:
            await _bring_to_its_end(context, lifecycle, job)


@delivers(ImportRevertRequested)
async def revert_import(context: HandlerContext, event: ImportRevertRequested, _delivery: Delivery) -> None:
    """Take the import back; after a worker was killed half-way, go on. Raises RetryAfter."""
    async with _turn(context):
        job = await start_revert(context, event.job_id)
        if job is not None:
            actor_id = job.created_by if event.asked_by is None else event.asked_by
            await revert(context, job.id, Owner(actor_id, context.settings.currency))


@handles(ImportedCoverSettled)
async def note_cover(session: AsyncSession, event: ImportedCoverSettled, _delivery: Delivery) -> None:
    """Warn of a cover that did not come; of one that did the row knows the version, so that a revert takes it for its own."""
    imports = ImportRepository(session)
    if event.version is not None:
        await imports.follow_version(event.import_id, event.import_row, event.version)
    else:
        warning = RowProblem(COVER, event.detail or "", event.code or "")
        await imports.warn(event.import_id, event.import_row, warning)


@asynccontextmanager
async def _turn(context: HandlerContext) -> AsyncIterator[None]:
    """Let nobody else run or revert an import inside. Raises RetryAfter when somebody does, or a server is away.

    A server that is away is waited for, however long. The looks for one's turn count as attempts: as an
    ordinary failure this one could be the last, and the job would never end.
    """
    try:
        async with context.transaction() as session:
            if not await ImportRepository(session).try_to_run():
                raise RetryAfter("another import is running", _QUEUE_PAUSE)
            yield
    except Exception as fault:
        if Fault.of(fault).is_passing:
            _log.warning("import_broken_off", error=fault)
            raise RetryAfter("a server behind us is away", _FAULT_PAUSE) from fault
        raise


async def _bring_to_its_end(context: HandlerContext, lifecycle: JobLifecycle, job: ImportJob) -> None:
    """Run the job and note how it ended. Raises RetryAfter, and what passes by itself."""
    try:
        stored_as = await _run(context, lifecycle, job)
        if stored_as is not None:
            await context.storage.opened.delete([stored_as])
    except Cancelled:
        await lifecycle.cancel()
    except Aborted as aborted:
        await lifecycle.abort(aborted.failed)
    except ClearsTooMuch as refusal:
        await lifecycle.fail(str(refusal), refusal.cleared)
    except Overtaken:
        raise RetryAfter("another worker has the import", _QUEUE_PAUSE) from None
    except FileMissing:
        await lifecycle.fail("The uploaded file is no longer there; send it again.")
    except AppError as refusal:
        await lifecycle.fail(refusal.detail)
    except Exception as fault:
        if Fault.of(fault).is_passing:
            raise
        _log.exception("import_failed", job_id=job.id)
        await lifecycle.fail(f"A fault on our side: {type(fault).__name__}.")


async def _run(context: HandlerContext, lifecycle: JobLifecycle, job: ImportJob) -> str | None:
    # First of all, whatever ends the import: a worker that was killed left some unmade.
    await SearchDocuments(context, job.id).catch_up(job.documents_done)
    if job.is_cancelling:
        raise Cancelled
    async with local_upload(context, job) as open_source:
        source = await open_source()
        if source.may_empty and await must_ask(context, job):
            await check_clearing(context, job, BatchReader(source, 0))
            source = await open_source()
        batches = BatchReader(source, job.rows_done)
        known = len(source.columns)
        try:
            await lifecycle.describe(source)
            with gc_paused():
                return await ImportRun.build(context, job).run(batches)
        finally:
            await batches.close()
            if len(source.columns) > known:
                # Of NDJSON: later objects may bring more of them.
                await lifecycle.describe(source)
