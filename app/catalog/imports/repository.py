"""Writes import jobs, what became of their rows, and what was created on the way."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, delete, exists, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.canonical import lock_canonical
from app.catalog.formats.record import RowProblem
from app.catalog.models import (
    Author,
    Book,
    BookCategory,
    Category,
    Contributor,
    ImportJob,
    ImportMade,
    ImportRow,
    ImportState,
    RevertOutcome,
    RowStatus,
    Series,
    Work,
)
from app.core.db.driver import driver_connection
from app.core.db.locks import AdvisoryLock, acquire_if_free
from app.core.db.queries import AnyRow

_BATCH = 500
"""Rows whose search documents one transaction makes."""
_UNDER_WAY = (ImportState.PENDING, ImportState.RUNNING)
_WRITTEN = (RowStatus.CREATED, RowStatus.UPDATED)
_CREATED_COLUMNS = ("job_id", "kind", "made_id")

# Looked up one by one: without statistics of the growing table a join would read all rows of the job each time.
_SEEN = """
    SELECT isbn FROM unnest($2::text[]) AS isbn
    WHERE (SELECT true FROM import_rows WHERE job_id = $1 AND isbn13 = isbn)
"""


class RowValues(NamedTuple):
    """The columns of `import_rows` that an import writes; JSON as text."""

    job_id: int
    number: int
    status: str
    isbn13: str | None
    item_id: int | None
    version: int | None
    changes: str | None
    before: str | None
    errors: str | None
    warnings: str | None
    notes: str | None
    raw: str | None


class Step(NamedTuple):
    """How far a job came: the last row, the byte read up to, seconds of work, how many rows ended how or are warned, and fields emptied."""

    last: int
    position: int
    seconds: float
    counts: Mapping[RowStatus, int]
    warned: int
    cleared: Mapping[str, int]


class ImportRepository:
    """Writes and locks import jobs with the results of their rows."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, job: ImportJob) -> None:
        """Insert the job."""
        self._session.add(job)
        await self._session.flush()

    async def lock(self, job_id: int) -> ImportJob | None:
        """Lock the job until the transaction ends."""
        return await self._session.get(ImportJob, job_id, with_for_update={"key_share": True})

    async def flush(self) -> None:
        """Write what is pending."""
        await self._session.flush()

    async def try_to_run(self) -> bool:
        """Lock out other imports until the transaction ends, however long it idles; False when one runs already."""
        await self._session.execute(
            select(func.set_config("idle_in_transaction_session_timeout", "0", True))  # noqa: FBT003 (until the transaction ends)
        )
        return bool(await self._session.scalar(acquire_if_free(AdvisoryLock.IMPORT_RUN)))

    async def advance(self, job_id: int, expected: int, step: Step) -> bool | None:
        """Move the job on from the row `expected`; return whether to cancel it, None when another worker moved it."""
        counted = {status.value: getattr(ImportJob, status.value) + n for status, n in step.counts.items()}
        statement = (
            update(ImportJob)
            .where(
                ImportJob.id == job_id,
                ImportJob.rows_done == expected,
                ImportJob.state == ImportState.RUNNING,
            )
            .values(
                rows_done=step.last,
                bytes_done=step.position,
                working_seconds=ImportJob.working_seconds + step.seconds,
                warned=ImportJob.warned + step.warned,
                cleared=step.cleared,
                **counted,
            )
            .returning(ImportJob.is_cancelling)
            .execution_options(synchronize_session=False)
        )
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def has_books(self) -> bool:
        """Whether there is any book that an import could change."""
        return bool(await self._session.scalar(select(exists(select(Book.item_id)))))

    async def is_cancelling(self, job_id: int) -> bool:
        """Whether staff asked to stop the job."""
        return bool(await self._session.scalar(select(ImportJob.is_cancelling).where(ImportJob.id == job_id)))

    async def list_seen(self, job_id: int, isbns: Sequence[str]) -> set[str]:
        """Find those of these ISBNs that an earlier row of the job had."""
        driver = await driver_connection(self._session)
        return {isbn for (isbn,) in await driver.fetch(_SEEN, job_id, isbns)}

    async def list_failed(self, job_id: int, first: int, last: int) -> set[int]:
        """List the numbers of failed rows in this range."""
        numbers = select(ImportRow.number).where(
            ImportRow.job_id == job_id,
            ImportRow.number.between(first, last),
            ImportRow.status == RowStatus.FAILED,
        )
        return set(await self._session.scalars(numbers))

    async def list_written(self, job_id: int, after: int) -> Sequence[AnyRow]:
        """List the next rows after this number that wrote a book which is still there."""
        statement = (
            select(ImportRow.number, ImportRow.item_id)
            .join(Book, Book.item_id == ImportRow.item_id)
            .where(ImportRow.job_id == job_id, ImportRow.number > after, ImportRow.status.in_(_WRITTEN))
            .order_by(ImportRow.number)
            .limit(_BATCH)
        )
        return (await self._session.execute(statement)).all()

    async def note_documents(self, job_id: int, last: int) -> None:
        """The search documents of the rows up to this one are up to date."""
        statement = update(ImportJob).where(ImportJob.id == job_id).values(documents_done=last)
        await self._session.execute(statement.execution_options(synchronize_session=False))

    async def forget_rows(self, job_id: int, numbers: Sequence[int] | None = None) -> None:
        """Delete the results of these rows, or of all, and then what was created too."""
        statement = delete(ImportRow).where(ImportRow.job_id == job_id)
        if numbers is None:
            await self._session.execute(delete(ImportMade).where(ImportMade.job_id == job_id))
        else:
            statement = statement.where(ImportRow.number.in_(numbers))
        await self._session.execute(statement)

    async def record(self, rows: Sequence[RowValues], created: Sequence[tuple[int, str, int]]) -> None:
        """COPY the results of rows, and what was created on the way as job, kind and id."""
        driver = await driver_connection(self._session)
        if rows:
            await driver.copy_records_to_table("import_rows", columns=RowValues._fields, records=rows)
        if created:
            await driver.copy_records_to_table("import_made", columns=_CREATED_COLUMNS, records=created)

    async def follow_version(self, job_id: int, number: int, version: int) -> None:
        """The row's book has this version since its cover came; one that somebody else changed before stays theirs."""
        row = (ImportRow.job_id == job_id, ImportRow.number == number, ImportRow.version == version - 1)
        statement = update(ImportRow).where(*row).values(version=version)
        await self._session.execute(statement.execution_options(synchronize_session=False))

    async def warn(self, job_id: int, number: int, warning: RowProblem) -> None:
        """Add a warning to the row, if it is still there; the job counts rows that have any."""
        row = (ImportRow.job_id == job_id, ImportRow.number == number)
        more = func.coalesce(ImportRow.warnings, literal([], JSONB)).op("||")(
            literal([asdict(warning)], JSONB)
        )
        statement = update(ImportRow).where(*row).values(warnings=more)
        count = await self._session.scalar(statement.returning(func.jsonb_array_length(ImportRow.warnings)))
        if count == 1:
            job = update(ImportJob).where(ImportJob.id == job_id).values(warned=ImportJob.warned + 1)
            await self._session.execute(job.execution_options(synchronize_session=False))

    async def list_old(self, moment: datetime, most: int) -> Sequence[ImportJob]:
        """List and lock jobs from before the moment whose file is still kept, none of them under way."""
        statement = (
            select(ImportJob)
            .where(
                ImportJob.stored_as.is_not(None),
                ImportJob.created_at < moment,
                ImportJob.state.not_in(_UNDER_WAY),
            )
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        return (await self._session.scalars(statement)).all()

    async def list_used(self, names: Collection[str]) -> set[str]:
        """Find those of these files that a job still names."""
        used = select(ImportJob.stored_as).where(ImportJob.stored_as.in_(names))
        return {name for name in await self._session.scalars(used) if name}


class RevertRow(NamedTuple):
    """A row that wrote a book: the version it left, and of an update what the book had before."""

    number: int
    status: str
    item_id: int
    version: int | None
    before: dict[str, Any] | None


class RevertRepository:
    """Reads the rows of one job that are taken back, and notes what became of them."""

    def __init__(self, session: AsyncSession, job_id: int) -> None:
        self._session = session
        self._job_id = job_id

    async def list_rows(self, after: int, most: int) -> list[RevertRow]:
        """List the next rows that were not taken back."""
        statement = (
            select(ImportRow.number, ImportRow.status, ImportRow.item_id, ImportRow.version, ImportRow.before)
            .where(
                ImportRow.job_id == self._job_id,
                ImportRow.number > after,
                ImportRow.status.in_(_WRITTEN),
                or_(ImportRow.outcome.is_(None), ImportRow.outcome == RevertOutcome.LEFT),
            )
            .order_by(ImportRow.number)
            .limit(most)
        )
        return [RevertRow._make(row) for row in await self._session.execute(statement)]

    async def lock_authors(self, ids: Iterable[int]) -> list[tuple[int, int]]:
        """Lock the authors against merges and deletion; return each that exists with the one that stands for it now."""
        return await lock_canonical(self._session, Author, ids)

    async def mark(self, numbers: Sequence[int], outcome: RevertOutcome) -> None:
        """Note what became of these rows."""
        statement = update(ImportRow).where(ImportRow.job_id == self._job_id, ImportRow.number.in_(numbers))
        await self._session.execute(
            statement.values(outcome=outcome).execution_options(synchronize_session=False)
        )

    async def count(self, outcome: RevertOutcome) -> int:
        """How many rows had this outcome."""
        statement = select(func.count()).where(ImportRow.job_id == self._job_id, ImportRow.outcome == outcome)
        return int(await self._session.scalar(statement) or 0)

    async def delete_unused(self) -> None:
        """Delete the authors, series and categories that the job created and nothing refers to."""
        merged_author = select(Author.merged_into_id).where(Author.merged_into_id.is_not(None))
        is_unused_author = and_(
            ~exists().where(Contributor.author_id == Author.id),
            ~exists().where(Work.author_id == Author.id),
            Author.version == 1,
            Author.merged_into_id.is_(None),
            Author.id.not_in(merged_author),
        )
        await self._delete(Author, "author", is_unused_author)
        await self._delete(Series, "series", ~exists().where(Book.series_id == Series.id))
        child = Category.__table__.alias("child")
        is_unused_category = and_(
            ~exists().where(BookCategory.category_id == Category.id),
            ~exists().where(child.c.parent_id == Category.id),
            Category.version == 1,
        )
        await self._delete(Category, "category", is_unused_category)

    async def _delete(
        self, model: type[Author | Series | Category], kind: str, is_unused: ColumnElement[bool]
    ) -> None:
        created = select(ImportMade.made_id).where(ImportMade.job_id == self._job_id, ImportMade.kind == kind)
        statement = delete(model).where(model.id.in_(created), is_unused)
        await self._session.execute(statement.execution_options(synchronize_session=False))
