"""Reads of import jobs and of what became of their rows."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, SQLColumnExpression, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.formats.csv import DELIMITERS
from app.catalog.imports.errors import unknown_import
from app.catalog.imports.schemas import (
    FieldChange,
    ImportCounts,
    ImportFilter,
    ImportOut,
    ImportRowFilter,
    ImportRowOut,
    RevertOut,
    is_too_much,
)
from app.catalog.models import ImportJob, ImportRow, ImportState, RevertOutcome, RowStatus
from app.core.db.batches import walk_rows
from app.core.db.paging import Pager
from app.core.db.queries import AnyRow, Connect, find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult

ERROR_COLUMN = "error"
"""The column of errors.csv that says what is wrong with a row; the next import ignores it."""
_JOB_COLUMNS: Sequence[SQLColumnExpression[Any]] = tuple(ImportJob.__table__.columns)
_ROW = ImportRow.__table__.c
_ROW_COLUMNS: Sequence[SQLColumnExpression[Any]] = tuple(column for column in _ROW if column.name != "before")
_NEWEST_FIRST = Order(((ImportJob.__table__.c.id, True),))
_IN_FILE_ORDER = Order(((_ROW.number, False),))


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file of failed rows looks: as the one that was sent."""

    columns: Sequence[str]
    delimiter: str
    is_marked: bool


async def get_import(connection: AsyncConnection, job_id: int) -> ReadResult:
    """Read one job. Raises ImportNotFound."""
    row = await _get_job(connection, job_id)
    return ReadResult(_import_out(row), row.snapshot)


async def list_imports(connection: AsyncConnection, query: ImportFilter, pager: Pager) -> ReadResult:
    """Read one page of jobs, newest first. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(ImportJob.id)
    if query.state is not None:
        matching = matching.where(ImportJob.state == query.state)
    found = await find_page(connection, matching, _NEWEST_FIRST, window, _JOB_COLUMNS)
    page = pager.page(query, window, found, [_import_out(row) for row in found.rows])
    return ReadResult(page, found.snapshot)


async def list_import_rows(
    connection: AsyncConnection, job_id: int, query: ImportRowFilter, pager: Pager
) -> ReadResult:
    """Read one page of a job's rows in the order of the file. Raises ImportNotFound, InvalidCursor."""
    await _get_job(connection, job_id)
    window = pager.window(query)
    matching: Select[Any] = select(_ROW.number.label("id")).where(_ROW.job_id == job_id)
    if query.status is not None:
        matching = matching.where(_ROW.status == query.status)
    if query.has_warnings is not None:
        is_warned = _ROW.warnings.is_not(None)
        matching = matching.where(is_warned if query.has_warnings else ~is_warned)

    def join(source: FromClause, number: ColumnElement[int]) -> FromClause:
        return source.outerjoin(ImportRow, tuple_(_ROW.job_id, _ROW.number) == tuple_(job_id, number))

    columns = [_ROW.number.label("id"), *_ROW_COLUMNS]
    found = await find_page(connection, matching, _IN_FILE_ORDER, window, columns, join)
    page = pager.page(query, window, found, [_row_out(row) for row in found.rows])
    return ReadResult(page, found.snapshot)


async def get_layout(connection: AsyncConnection, job_id: int) -> Layout:
    """Read the columns and the delimiter of the job's file. Raises ImportNotFound."""
    row = await _get_job(connection, job_id)
    delimiter = DELIMITERS.get(row.delimiter or "comma", row.delimiter)
    columns = [column for column in row.columns if column != ERROR_COLUMN]
    # The mark says UTF-8 to an import for which the first file's encoding is declared again.
    return Layout(columns, delimiter, is_marked=row.encoding is not None)


def walk_failed(connect: Connect, job_id: int) -> AsyncIterator[Sequence[AnyRow]]:
    """Read the failed rows (`number`, `raw`, `errors`) in the order of the file, in batches."""
    failed = (_ROW.job_id == job_id, _ROW.status == RowStatus.FAILED)
    return walk_rows(connect, select(_ROW.number, _ROW.raw, _ROW.errors).where(*failed), _ROW.number)


async def _get_job(connection: AsyncConnection, job_id: int) -> AnyRow:
    statement = select(*_JOB_COLUMNS, snapshot_text).where(ImportJob.id == job_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise unknown_import(job_id)
    return row


def _import_out(row: AnyRow) -> ImportOut:
    is_over = row.state == ImportState.COMPLETED
    total = row.created + row.updated + row.deleted + row.unchanged + row.failed
    share = row.bytes_done / row.size if row.size else 1.0
    revert = None
    if row.revert_state is not None:
        revert = RevertOut(state=row.revert_state, reverted=row.reverted, left=row.left_alone)
    return ImportOut.model_validate(
        {
            **row._asdict(),
            "counts": ImportCounts.model_validate(row),
            "total_rows": total,
            "percent": 100.0 if is_over else round(min(share, 1.0) * 100, 1),
            "needs_allow_clearing": not row.allow_clearing
            and any(is_too_much(count, total) for count in row.cleared.values()),
            "rows_per_second": round(total / row.working_seconds, 1) if row.working_seconds else None,
            "revert": revert,
        }
    )


def _row_out(row: AnyRow) -> ImportRowOut:
    changes = {name: FieldChange(old=old, new=new) for name, (old, new) in (row.changes or {}).items()}
    return ImportRowOut(
        number=row.number,
        status=row.status,
        isbn=row.isbn13,
        item_id=row.item_id,
        changes=changes or None,
        errors=row.errors or [],
        warnings=row.warnings or [],
        notes=row.notes or [],
        raw=row.raw,
        reverted=None if row.outcome is None else row.outcome == RevertOutcome.REVERTED,
    )
