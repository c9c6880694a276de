"""Queues, cancels, retries and reverts imports for staff, and gives them the failed rows as CSV."""

import codecs
import csv
import io
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.formats.cell_text import escape_formula
from app.catalog.formats.record import SourceFormat
from app.catalog.imports.errors import ImportFinished, ImportNotRetryable, ImportNotRevertible, unknown_import
from app.catalog.imports.events import ImportRequested, ImportRevertRequested
from app.catalog.imports.queries import ERROR_COLUMN, Layout, walk_failed
from app.catalog.imports.repository import ImportRepository
from app.catalog.imports.schemas import ImportIn
from app.catalog.models import ImportJob, ImportState, RevertState
from app.core.audit import record_audit
from app.core.clock import utc_now
from app.core.db.queries import AnyRow, Connect
from app.core.events.events import publish
from app.identity.principal import Principal

FOLDER = "imports"
"""Of the store, where uploaded files lie."""

_NUMBER = re.compile(r"[-+]?[0-9]+([.,][0-9]+)*")
_OVER = frozenset({ImportState.COMPLETED, ImportState.FAILED, ImportState.CANCELLED})


@dataclass(slots=True)
class StoredUpload:
    """A file in the store: its name there, what the sender calls it, its bytes, and its format by its content."""

    name: str
    filename: str
    size: int = 0
    format: SourceFormat = SourceFormat.CSV


class ImportService:
    """Queues, stops, retries and reverts imports; workers run them."""

    def __init__(self, session: AsyncSession, imports: ImportRepository) -> None:
        self._session = session
        self._imports = imports

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, ImportRepository(session))

    async def create(self, importer: Principal, request: ImportIn, upload: StoredUpload) -> int:
        """Queue the import of a stored file and return the job's id."""
        job = ImportJob(
            created_by=importer.user_id,
            **request.model_dump(
                include={
                    "mode",
                    "on_error",
                    "dry_run",
                    "allow_clearing",
                    "stock",
                    "encoding",
                    "delimiter",
                    "mapping",
                }
            ),
            format=request.format or upload.format,
            filename=upload.filename,
            size=upload.size,
            stored_as=upload.name,
        )
        await self._imports.add(job)
        changes = {name: (None, getattr(job, name)) for name in ("filename", "mode", "on_error", "dry_run")}
        record_audit(self._session, "import.requested", ("import", job.id), changes)
        await publish(self._session, ImportRequested(job.id))
        return job.id

    async def cancel(self, job_id: int) -> None:
        """Stop the import before its next batch. Raises ImportNotFound, ImportFinished."""
        job = await self._lock(job_id)
        if job.state in _OVER:
            raise ImportFinished(f"The import is {job.state}.")
        if job.state == ImportState.PENDING:
            job.state, job.finished_at = ImportState.CANCELLED, utc_now()
        job.is_cancelling = True
        record_audit(self._session, "import.cancel_requested", ("import", job.id))
        await self._imports.flush()

    async def retry(self, job_id: int) -> None:
        """Go on where the import stopped, or try its failed rows again. Raises ImportNotFound, ImportNotRetryable."""
        job = await self._lock(job_id)
        is_over = job.state == ImportState.COMPLETED
        if job.state not in _OVER or job.revert_state is not None:
            raise ImportNotRetryable("The import is under way, or was reverted.")
        if job.stored_as is None or (is_over and (not job.failed or job.dry_run)):
            raise ImportNotRetryable("No row failed, or the file is kept no longer; send it again.")
        if is_over:
            job.only_failed = True
            job.rows_done = 0
            job.documents_done = 0
            job.bytes_done = 0
        job.state = ImportState.PENDING
        job.is_cancelling = False
        job.error = None
        job.finished_at = None
        record_audit(self._session, "import.retried", ("import", job.id))
        await publish(self._session, ImportRequested(job.id))

    async def revert(self, staff: Principal, job_id: int) -> None:
        """Take back what the import wrote, row by row where nothing changed since; again changes nothing.

        Raises ImportNotFound, ImportNotRevertible.
        """
        job = await self._lock(job_id)
        if job.state not in _OVER or job.dry_run or not job.created + job.updated:
            raise ImportNotRevertible(
                "It is under way, was a dry run, or wrote nothing that could be taken back."
            )
        if job.revert_state in {RevertState.PENDING, RevertState.RUNNING}:
            return
        job.revert_state = RevertState.PENDING
        record_audit(self._session, "import.revert_requested", ("import", job.id))
        await publish(self._session, ImportRevertRequested(job.id, staff.user_id))

    async def _lock(self, job_id: int) -> ImportJob:
        job = await self._imports.lock(job_id)
        if job is None:
            raise unknown_import(job_id)
        return job


async def export_errors(connect: Connect, job_id: int, layout: Layout) -> AsyncIterator[bytes]:
    """Write the failed rows as CSV: the original columns in their order, and what is wrong."""
    header = _csv_lines([[*map(escape_formula, layout.columns), ERROR_COLUMN]], layout)
    yield codecs.BOM_UTF8 + header if layout.is_marked else header
    async for rows in walk_failed(connect, job_id):
        yield _csv_lines([_cells(row, layout) for row in rows], layout)


def _cells(row: AnyRow, layout: Layout) -> list[str]:
    raw: dict[str, str] = row.raw or {}
    message = "; ".join(": ".join(filter(None, (one["field"], one["message"]))) for one in row.errors or ())
    cells = [raw.get(name, "") for name in layout.columns]
    # Rows are kept as they were understood: a number that is read again must give the same, so it stays.
    harmless = [cell if _NUMBER.fullmatch(cell) else escape_formula(cell) for cell in cells]
    return [*harmless, escape_formula(message)]


def _csv_lines(rows: Sequence[Sequence[str]], layout: Layout) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=layout.delimiter).writerows(rows)
    return text.getvalue().encode()
