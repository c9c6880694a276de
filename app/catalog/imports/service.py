"""Import jobs as staff handle them: made, cancelled, run again, reverted, and read."""

import codecs
import csv
import io
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.formats.cells import escape_formula
from app.catalog.formats.csv import DELIMITERS
from app.catalog.imports.errors import ImportFinished, ImportNotFound, ImportNotRetryable, ImportNotRevertible
from app.catalog.imports.events import ImportRequested, ImportRevertRequested
from app.catalog.imports.repository import (
    Connecting,
    ImportRepository,
    find_job,
    list_jobs,
    list_rows,
    walk_failed,
)
from app.catalog.imports.schemas import (
    ImportCounts,
    ImportFilter,
    ImportIn,
    ImportOut,
    ImportRowFilter,
    ImportRowOut,
    RevertOut,
)
from app.catalog.models import ImportJob, ImportState, OnError, RevertOutcome, RevertState
from app.core.audit import record_audit
from app.core.clock import utc_now
from app.core.db.paging import Pager
from app.core.db.queries import AnyRow
from app.core.events.events import publish
from app.core.http.responses import ReadResult
from app.identity.principal import Principal

ERROR_COLUMN = "error"
_NUMBER = re.compile(r"[-+]?[0-9]+([.,][0-9]+)*")
_OVER = frozenset({ImportState.COMPLETED, ImportState.FAILED, ImportState.CANCELLED})


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """A file in the store: its name there, and what the sender calls it."""

    name: str
    filename: str
    size: int
    format: str


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file of failed rows looks: as the one that was sent."""

    columns: Sequence[str]
    delimiter: str
    is_marked: bool


class ImportService:
    """Import jobs of one transaction."""

    def __init__(self, session: AsyncSession, imports: ImportRepository) -> None:
        self._session = session
        self._imports = imports

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """The service on one session."""
        return cls(session, ImportRepository(session))

    async def create(self, importer: Principal, request: ImportIn, upload: StoredUpload) -> int:
        """Queue the import of a stored file; returns the job's id."""
        job = ImportJob(
            created_by=importer.user_id,
            **request.model_dump(include={"mode", "on_error", "dry_run", "encoding", "delimiter", "mapping"}),
            format=request.format or upload.format,
            filename=upload.filename,
            size=upload.size,
            stored_as=upload.name,
        )
        await self._imports.add(job)
        told = {"filename": job.filename, "mode": job.mode, "on_error": job.on_error, "dry_run": job.dry_run}
        record_audit(
            self._session,
            "import.requested",
            ("import", job.id),
            {name: (None, value) for name, value in told.items()},
        )
        await publish(self._session, ImportRequested(job.id))
        return job.id

    async def cancel(self, job_id: int) -> None:
        """Stop the import before its next batch. ImportNotFound, ImportFinished."""
        job = await self._lock(job_id)
        if job.state in _OVER:
            raise ImportFinished(f"The import is {job.state}.")
        if job.state == ImportState.PENDING:
            job.state, job.finished_at = ImportState.CANCELLED, utc_now()
        job.is_cancelling = True
        record_audit(self._session, "import.cancel_requested", ("import", job.id))
        await self._imports.flush()

    async def retry(self, job_id: int) -> None:
        """Go on where the import stopped, or try its failed rows again. ImportNotFound, ImportNotRetryable."""
        job = await self._lock(job_id)
        is_over = job.state == ImportState.COMPLETED
        if job.state not in _OVER or job.revert_state is not None:
            raise ImportNotRetryable("The import is under way, or was reverted.")
        if job.stored_as is None or (is_over and (not job.failed or job.dry_run)):
            raise ImportNotRetryable("No row failed, or the file is kept no longer; send it again.")
        if is_over:
            job.only_failed, job.rows_done, job.documents_done, job.bytes_done = True, 0, 0, 0
        job.state, job.is_cancelling, job.error, job.finished_at = ImportState.PENDING, False, None, None
        record_audit(self._session, "import.retried", ("import", job.id))
        await publish(self._session, ImportRequested(job.id))

    async def revert(self, staff: Principal, job_id: int) -> None:
        """Take back what the import wrote, row by row where nothing changed since; again changes nothing.

        ImportNotFound, ImportNotRevertible.
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
            raise _unknown(job_id)
        return job


class ImportCatalogue:
    """Reads import jobs for display."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, job_id: int) -> ReadResult:
        """One job. ImportNotFound."""
        row = await self._find(job_id)
        return ReadResult(import_out(row), row.snapshot)

    async def list(self, query: ImportFilter, pager: Pager) -> ReadResult:
        """One page of jobs, newest first. InvalidCursor."""
        window = pager.window(query)
        found = await list_jobs(self._connection, query.state, window)
        return ReadResult(
            pager.page(query, window, found, [import_out(row) for row in found.rows]), found.snapshot
        )

    async def list_rows(self, job_id: int, query: ImportRowFilter, pager: Pager) -> ReadResult:
        """One page of a job's rows. ImportNotFound, InvalidCursor."""
        await self._find(job_id)
        window = pager.window(query)
        found = await list_rows(self._connection, job_id, query.status, window)
        rows = [_row_out(row) for row in found.rows]
        return ReadResult(pager.page(query, window, found, rows), found.snapshot)

    async def layout(self, job_id: int) -> Layout:
        """The file's columns and delimiter. ImportNotFound."""
        row = await self._find(job_id)
        delimiter = DELIMITERS.get(row.delimiter or "comma", row.delimiter)
        columns = [column for column in row.columns if column != ERROR_COLUMN]
        # The mark says UTF-8 to an import for which the first file's encoding is declared again.
        return Layout(columns, delimiter, is_marked=row.encoding is not None)

    async def _find(self, job_id: int) -> AnyRow:
        row = await find_job(self._connection, job_id)
        if row is None:
            raise _unknown(job_id)
        return row


async def export_errors(connect: Connecting, job_id: int, layout: Layout) -> AsyncIterator[bytes]:
    """The failed rows as CSV: the original columns in their order, and what is wrong."""
    header = _csv_lines([[*map(escape_formula, layout.columns), ERROR_COLUMN]], layout)
    yield codecs.BOM_UTF8 + header if layout.is_marked else header
    async for rows in walk_failed(connect, job_id):
        yield _csv_lines([_mendable(row, layout) for row in rows], layout)


def _mendable(row: AnyRow, layout: Layout) -> list[str]:
    cells = [_harmless((row.raw or {}).get(name, "")) for name in layout.columns]
    return [*cells, escape_formula(_complaint(row.errors))]


def _harmless(cell: str) -> str:
    """The cell so that reading it again gives the same: rows are kept as they were understood."""
    return cell if _NUMBER.fullmatch(cell) else escape_formula(cell)


def import_out(row: AnyRow) -> ImportOut:
    """The answer for a job's row."""
    values = row._asdict()
    is_over = row.state == ImportState.COMPLETED
    dealt_with = row.created + row.updated + row.deleted + row.unchanged + row.failed
    share = row.bytes_done / row.size if row.size else 1.0
    values |= {
        "counts": ImportCounts.model_validate(row),
        "total_rows": dealt_with,
        "percent": 100.0 if is_over else round(min(share, 1.0) * 100, 1),
        "rows_per_second": round(dealt_with / row.working_seconds, 1) if row.working_seconds else None,
        "revert": None
        if row.revert_state is None
        else RevertOut(state=row.revert_state, reverted=row.reverted, left=row.left_alone),
    }
    return ImportOut.model_validate(values)


def _row_out(row: AnyRow) -> ImportRowOut:
    changes = {name: {"old": old, "new": new} for name, (old, new) in (row.changes or {}).items()}
    return ImportRowOut.model_validate(
        {
            "number": row.number,
            "status": row.status,
            "isbn": row.isbn13,
            "item_id": row.item_id,
            "changes": changes or None,
            "errors": row.errors or [],
            "raw": row.raw,
            "reverted": None if row.outcome is None else row.outcome == RevertOutcome.REVERTED,
        }
    )


def _complaint(errors: Sequence[dict[str, Any]] | None) -> str:
    return "; ".join(": ".join(filter(None, (error["field"], error["message"]))) for error in errors or ())


def _csv_lines(rows: Sequence[Sequence[str]], layout: Layout) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=layout.delimiter).writerows(rows)
    return text.getvalue().encode()


def _unknown(job_id: int) -> ImportNotFound:
    return ImportNotFound(f"There is no import {job_id}.")


def aborts(job: ImportJob) -> bool:
    """Whether the job writes all rows or none."""
    return job.on_error == OnError.ABORT and not job.dry_run
