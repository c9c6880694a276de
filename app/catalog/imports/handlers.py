"""The worker's side of imports: one at a time, resumed by whoever comes next, reported when over."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from app.catalog.formats.contract import Source, SourceFormat, SourceOptions
from app.catalog.imports.batches import Batches
from app.catalog.imports.documents import Documents
from app.catalog.imports.events import ImportRequested
from app.catalog.imports.faults import is_passing, retry_when_unavailable
from app.catalog.imports.garbage import gc_paused
from app.catalog.imports.lifecycle import ImportLife
from app.catalog.imports.opening import open_upload
from app.catalog.imports.repository import ImportRepository
from app.catalog.imports.runner import Aborted, Cancelled, ImportRun, Overtaken
from app.catalog.models import ImportJob
from app.core.errors import AppError
from app.core.events.events import Delivery, HandlerContext, RetryAfter, delivers
from app.core.storage.storage import FileMissing

QUEUE_PAUSE = 2.0
"""Seconds until an import that waits for another one looks again."""
_log = structlog.get_logger(__name__)


@delivers(ImportRequested)
async def run_import(outside: HandlerContext, event: ImportRequested, _delivery: Delivery) -> None:
    """Run the import, unless another one runs: then later. A fault of a server behind us is tried again."""
    async with retry_when_unavailable(), outside.transaction() as turn:
        if not await ImportRepository(turn).try_to_run():
            raise RetryAfter("another import is running", QUEUE_PAUSE)
        await _run(outside, event.job_id)


async def _run(outside: HandlerContext, job_id: int) -> None:
    life = ImportLife(outside, job_id)
    job = await life.start()
    if job is None:
        return
    try:
        stored_as = await _apply(outside, life, job)
        if stored_as is not None:
            await outside.storage.opened.delete([stored_as])
    except Cancelled:
        await life.cancel()
    except Aborted as aborted:
        await life.abort(aborted.failed)
    except Overtaken:
        raise RetryAfter("another worker has the import", QUEUE_PAUSE) from None
    except FileMissing:
        await life.fail("The uploaded file is no longer there; send it again.")
    except AppError as refusal:
        await life.fail(refusal.detail)
    except Exception as fault:
        if is_passing(fault):
            raise
        _log.exception("import_failed", job_id=job_id)
        await life.fail(f"A fault on our side: {type(fault).__name__}.")


async def _apply(outside: HandlerContext, life: ImportLife, job: ImportJob) -> str | None:
    # First of all, whatever ends the import: a worker that was killed left some unmade.
    await Documents(outside, job.id).catch_up(job.documents_done)
    if job.is_cancelling:
        raise Cancelled
    async with _local(outside, job) as path:
        options = SourceOptions(
            SourceFormat(job.format), outside.settings.currency, job.encoding, job.delimiter, job.mapping
        )
        source: Source = await asyncio.to_thread(open_upload, path, options)
        batches = Batches(source, job.rows_done)
        known = len(source.columns)
        try:
            await life.describe(source)
            with gc_paused():
                return await ImportRun(outside, life, job).run(batches)
        finally:
            await batches.close()
            if len(source.columns) > known:
                # Of NDJSON: later objects may bring more of them.
                await life.describe(source)


@asynccontextmanager
async def _local(outside: HandlerContext, job: ImportJob) -> AsyncIterator[Path]:
    """The uploaded file on this machine: where it lies, or a copy of what lies in a bucket."""
    name = job.stored_as or ""
    folder = outside.settings.storage.folder
    if folder is not None:
        path = folder / name
        if not path.is_file():
            raise FileMissing(name)
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="import-") as temporary:
        path = Path(temporary) / "upload"
        await outside.storage.opened.fetch(name, path)
        yield path
