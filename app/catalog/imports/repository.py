"""SQL of import jobs and their rows."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    SQLColumnExpression,
    delete,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.models import Book, ImportJob, ImportMade, ImportRow
from app.core.db.paging import Found, Window
from app.core.db.queries import AnyRow, find_page, snapshot_text
from app.core.db.sorting import Order

RUNNING_LOCK = 0x696D706F7274
"""The advisory lock of whoever runs an import: one at a time in the whole shop."""
ROW_COLUMNS = (
    *("job_id", "number", "status", "isbn13", "item_id", "version"),
    *("changes", "before", "errors", "raw"),
)
_BATCH = 500
_JOB_COLUMNS: Sequence[SQLColumnExpression[Any]] = tuple(ImportJob.__table__.columns)
_ROW = ImportRow.__table__.c
_ROW_COLUMNS: Sequence[SQLColumnExpression[Any]] = tuple(column for column in _ROW if column.name != "before")
_NEWEST_FIRST = Order(((ImportJob.__table__.c.id, True),))
_IN_FILE_ORDER = Order(((_ROW.number, False),))

# Looked up one by one: without statistics of the growing table a join would read all rows of the job each time.
_SEEN = """
    SELECT isbn, (SELECT true FROM import_rows WHERE job_id = $1 AND isbn13 = isbn) AS seen
    FROM unnest($2::text[]) AS isbn
"""

Connecting = Callable[[], AbstractAsyncContextManager[AsyncConnection]]


class ImportRepository:
    """Import jobs of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, job: ImportJob) -> None:
        """Insert the job."""
        self._session.add(job)
        await self._session.flush()

    async def lock(self, job_id: int) -> ImportJob | None:
        """The job, held until the transaction ends."""
        return await self._session.get(ImportJob, job_id, with_for_update={"key_share": True})

    async def find(self, job_id: int) -> ImportJob | None:
        """The job as it is."""
        return await self._session.get(ImportJob, job_id, populate_existing=True)

    async def flush(self) -> None:
        """Write what is pending."""
        await self._session.flush()

    async def try_to_run(self) -> bool:
        """Whether nobody else runs an import; if so nobody does until the transaction ends, however long it idles."""
        await self._session.execute(
            select(func.set_config("idle_in_transaction_session_timeout", "0", True))  # noqa: FBT003 (until the transaction ends)
        )
        return bool(await self._session.scalar(select(func.pg_try_advisory_xact_lock(RUNNING_LOCK))))

    async def driver(self) -> Any:
        """The driver's own connection, in the session's transaction."""
        # A statement first: the driver knows of no transaction before it.
        await self._session.execute(select(1))
        raw = await (await self._session.connection()).get_raw_connection()
        return raw.driver_connection

    async def advance(self, job_id: int, expected: int, values: Mapping[str, Any]) -> AnyRow | None:
        """Move the job on from the row `expected`; None when another worker did meanwhile."""
        statement = (
            update(ImportJob)
            .where(ImportJob.id == job_id, ImportJob.rows_done == expected, ImportJob.state == "running")
            .values(values)
            .returning(ImportJob.is_cancelling)
            .execution_options(synchronize_session=False)
        )
        return (await self._session.execute(statement)).one_or_none()

    async def list_seen(self, job_id: int, isbns: Sequence[str]) -> set[str]:
        """Which of these ISBNs an earlier row of the job had."""
        rows = await (await self.driver()).fetch(_SEEN, job_id, isbns)
        return {row["isbn"] for row in rows if row["seen"]}

    async def list_failed(self, job_id: int, first: int, last: int) -> set[int]:
        """The numbers of failed rows in this range."""
        numbers = select(ImportRow.number).where(
            *(ImportRow.job_id == job_id, ImportRow.number.between(first, last)),
            ImportRow.status == "failed",
        )
        return set(await self._session.scalars(numbers))

    async def list_written(self, job_id: int, after: int) -> Sequence[AnyRow]:
        """The next rows after this number that wrote a book which is still there."""
        statement = (
            select(ImportRow.number, ImportRow.item_id)
            .join(Book, Book.item_id == ImportRow.item_id)
            .where(
                *(ImportRow.job_id == job_id, ImportRow.number > after),
                ImportRow.status.in_(("created", "updated")),
            )
            .order_by(ImportRow.number)
            .limit(_BATCH)
        )
        return (await self._session.execute(statement)).all()

    async def note_documents(self, job_id: int, last: int) -> None:
        """The search documents of the rows up to this one are up to date."""
        statement = update(ImportJob).where(ImportJob.id == job_id).values(documents_done=last)
        await self._session.execute(statement.execution_options(synchronize_session=False))

    async def forget_rows(self, job_id: int, numbers: Sequence[int] | None = None) -> None:
        """Delete the results of these rows, or of all, and then what was made too."""
        statement = delete(ImportRow).where(ImportRow.job_id == job_id)
        if numbers is None:
            await self._session.execute(delete(ImportMade).where(ImportMade.job_id == job_id))
        else:
            statement = statement.where(ImportRow.number.in_(numbers))
        await self._session.execute(statement)

    async def record(self, rows: Sequence[tuple[Any, ...]], made: Sequence[tuple[int, str, int]]) -> None:
        """COPY the results of rows, as ROW_COLUMNS, and what was made on the way."""
        driver = await self.driver()
        if rows:
            await driver.copy_records_to_table("import_rows", columns=ROW_COLUMNS, records=rows)
        if made:
            columns = ("job_id", "kind", "made_id")
            await driver.copy_records_to_table("import_made", columns=columns, records=made)

    async def list_old(self, moment: datetime, most: int) -> Sequence[ImportJob]:
        """Jobs from before the moment whose file is still kept, none of them under way; held."""
        statement = (
            select(ImportJob)
            .where(
                *(ImportJob.stored_as.is_not(None), ImportJob.created_at < moment),
                ImportJob.state.not_in(("pending", "running")),
            )
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        return (await self._session.scalars(statement)).all()

    async def list_used(self, names: Sequence[str]) -> set[str]:
        """Which of these files a job still names."""
        used = select(ImportJob.stored_as).where(ImportJob.stored_as.in_(names))
        return {name for name in await self._session.scalars(used) if name}


async def find_job(connection: AsyncConnection, job_id: int) -> AnyRow | None:
    """The job and the snapshot it was read in."""
    statement = select(*_JOB_COLUMNS, snapshot_text).where(ImportJob.id == job_id)
    return (await connection.execute(statement)).one_or_none()


async def list_jobs(connection: AsyncConnection, state: str | None, window: Window) -> Found[AnyRow]:
    """One page of jobs, newest first."""
    matching = select(ImportJob.id)
    if state is not None:
        matching = matching.where(ImportJob.state == state)
    return await find_page(connection, matching, _NEWEST_FIRST, window, _JOB_COLUMNS, _join_jobs)


async def list_rows(
    connection: AsyncConnection, job_id: int, status: str | None, window: Window
) -> Found[AnyRow]:
    """One page of a job's rows in the order of the file."""
    matching: Select[Any] = select(_ROW.number.label("id")).where(_ROW.job_id == job_id)
    if status is not None:
        matching = matching.where(_ROW.status == status)

    def join(source: FromClause, number: ColumnElement[int]) -> FromClause:
        return source.outerjoin(ImportRow, tuple_(_ROW.job_id, _ROW.number) == tuple_(job_id, number))

    columns = [_ROW.number.label("id"), *_ROW_COLUMNS]
    return await find_page(connection, matching, _IN_FILE_ORDER, window, columns, join)


async def walk_failed(connect: Connecting, job_id: int) -> AsyncIterator[Sequence[AnyRow]]:
    """The failed rows in the order of the file, in batches, each on a connection of its own."""
    last = 0
    statement = (
        select(_ROW.number, _ROW.raw, _ROW.errors)
        .where(_ROW.job_id == job_id, _ROW.status == "failed")
        .order_by(_ROW.number)
        .limit(_BATCH)
    )
    while True:
        async with connect() as connection:
            rows = (await connection.execute(statement.where(_ROW.number > last))).all()
        if rows:
            yield rows
        if len(rows) < _BATCH:
            return
        last = rows[-1].number


def _join_jobs(source: FromClause, job_id: ColumnElement[int]) -> FromClause:
    return source.outerjoin(ImportJob, ImportJob.id == job_id)
