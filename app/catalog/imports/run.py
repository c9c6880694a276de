"""Runs one import from where it stands to its end.

Every run reads batch after batch, tries a batch again that collided with somebody else's writes, and
halves one that the database refuses until the row is found that it refuses. What differs is the
transactions, and so they are a policy of their own:

`PerBatch`: a transaction for each batch, with the results of its rows and the job's progress in it, so
that a worker that was killed leaves nothing half done and the next one starts after the last batch.
`AllOrNothing`: one transaction for everything; the progress is written beside it.
`Rehearsal`: a transaction for each batch, rolled back; then its results are written in another one.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.authors.resolver import resolve_authors
from app.catalog.cache_groups import ITEM, LISTS
from app.catalog.categories.resolver import resolve_categories
from app.catalog.formats.onix.repository import OnixRepository, unknown_parts
from app.catalog.formats.record import Record, RowProblem, SourceFormat
from app.catalog.imports.batch import (
    BookKey,
    Names,
    Outcome,
    StoredBook,
    Triage,
    drop_taken_skus,
    failure,
    make_plan,
)
from app.catalog.imports.covers import want_covers
from app.catalog.imports.job import JobLifecycle, Progress, SearchDocuments, is_all_or_nothing
from app.catalog.imports.repository import ImportRepository
from app.catalog.imports.source import Batch, BatchReader
from app.catalog.imports.writer import BookWriter, Owner, refresh_documents
from app.catalog.index.matching import list_meant_isbns, offer_isbns
from app.catalog.models import ImportJob, ImportMode, RowStatus
from app.catalog.series.resolver import resolve_series
from app.core.cache.hot import EVERYTHING, invalidate
from app.core.db.driver import driver_connection
from app.core.db.faults import Fault, postgres_cause, retry_on_conflict
from app.core.errors import CONSTRAINT_ERRORS
from app.core.events.events import HandlerContext
from app.identity.principal import profile_group

_WRITTEN = frozenset({RowStatus.CREATED, RowStatus.UPDATED})
_WITHOUT_EFFECT = frozenset({RowStatus.UNCHANGED, RowStatus.FAILED})
_MOST_GROUPS = 100
"""More than so many are not announced one by one."""


class Cancelled(Exception):
    """Somebody cancelled the import."""


class Aborted(Exception):
    """A row failed, and the import is all or nothing."""

    def __init__(self, failed: Sequence[Outcome]) -> None:
        super().__init__(failed[0].number)
        self.failed = failed


@dataclass(slots=True)
class Applied:
    """The outcomes of a batch, the books that it wrote, what was created on the way, the cache groups to drop."""

    outcomes: list[Outcome]
    written: list[int] = field(default_factory=list)
    created: list[tuple[str, int]] = field(default_factory=list)
    stale: set[str] = field(default_factory=set)

    @property
    def failed(self) -> list[Outcome]:
        """The rows that were not applied."""
        return [one for one in self.outcomes if one.status is RowStatus.FAILED]


class BatchApplier:
    """Applies batches of one job in one transaction."""

    def __init__(
        self, session: AsyncSession, job: ImportJob, imports: ImportRepository, books: BookWriter
    ) -> None:
        self._session = session
        self._job = job
        self._imports = imports
        self._books = books

    @classmethod
    async def build(cls, session: AsyncSession, job: ImportJob, currency: str) -> Self:
        """Compose it on one session and the driver's connection behind it."""
        books = await BookWriter.build(session, Owner(job.created_by, currency))
        return cls(session, job, ImportRepository(session), books)

    async def apply(self, records: Sequence[Record], *, is_shared: bool) -> Applied:
        """Apply the records; one that cannot be applied fails alone.

        When `is_shared`, requests may create names meanwhile. Search documents are left to the caller.
        """
        await self._books.prepare()
        if self._job.only_failed:
            failed = await self._imports.list_failed(self._job.id, records[0].number, records[-1].number)
            records = [record for record in records if record.number in failed]
        isbns = [record.isbn13 for record in records if record.isbn13 is not None]
        await self._offer_isbns([record for record in records if record.mistyped_isbn is not None])
        triage = Triage(ImportMode(self._job.mode), await self._imports.list_seen(self._job.id, isbns))
        sound = triage.sound(records)
        ids = await self._books.lock_by_isbn([one.isbn13 for one in sound if one.isbn13 is not None])
        ids += await self._books.lock_by_id([one.key for one in sound if isinstance(one.key, int)])
        names = Names()
        stored: dict[BookKey, StoredBook] = {book.key: book for book in await self._books.read(ids, names)}
        allowed = triage.allowed(sound, stored)
        skus = {sku for record in allowed if (sku := record.values.get("sku"))}
        drop_taken_skus(allowed, stored, await self._books.list_sku_owners(list(skus)))
        if not is_shared:
            # After the books, as requests do: neither waits for what the other one has locked.
            await self._books.lock_names()
        await resolve_names(self._session, allowed, names)
        plan = make_plan(allowed, stored, names)
        await self._books.write(plan)
        await want_covers(self._session, self._job, zip(allowed, plan.outcomes, strict=True))
        if self._job.format == SourceFormat.ONIX:
            onix = OnixRepository(await driver_connection(self._session))
            await onix.keep(unknown_parts(allowed, [one.item_id for one in plan.outcomes]))
        outcomes = sorted([*triage.failures, *plan.outcomes], key=lambda one: one.number)
        written = [one.item_id for one in outcomes if one.status in _WRITTEN and one.item_id is not None]
        return Applied(outcomes, written, names.created, _stale_groups(outcomes, self._job.created_by))

    async def _offer_isbns(self, records: Sequence[Record]) -> None:
        """Tell with each mistyped ISBN which of the shop's books may be meant."""
        mistyped = {one.mistyped_isbn: one for one in records if one.mistyped_isbn is not None}
        if mistyped:
            for refusal, meant in (await list_meant_isbns(self._session, mistyped)).items():
                record = mistyped[refusal]
                record.problems = [
                    replace(one, message=f"{refusal}{offer_isbns(meant)}") if one.field == "isbn" else one
                    for one in record.problems
                ]


async def resolve_names(session: AsyncSession, records: Iterable[Record], names: Names) -> None:
    """Find or create every author, series and category that the records name.

    `names` knows whom the books of the batch credit already.
    """
    people: dict[str, None] = {}
    series: dict[str, None] = {}
    categories: dict[str, None] = {}
    for values in (record.values for record in records):
        people.update((name, None) for name, _ in values.get("contributors") or ())
        if values.get("series"):
            series[values["series"]] = None
        categories.update((name, None) for name in values.get("categories") or ())
    if people:
        names.authors = await resolve_authors(
            session, people, credited=names.author_names.keys(), locks_names=False
        )
        names.author_names |= names.authors.printed
        names.created += [("author", one) for one in names.authors.created]
    if series:
        found = await resolve_series(session, series)
        names.series |= {name: one.id for name, one in found.by_name.items()}
        names.series_names |= {one.id: one.printed for one in found.by_name.values()}
        names.created += [("series", one) for one in found.created]
    if categories:
        placed = await resolve_categories(session, categories)
        names.categories |= placed.by_name
        names.slugs |= placed.slugs
        names.created += [("category", one) for one in placed.created]


def _stale_groups(outcomes: Sequence[Outcome], owner_id: int) -> set[str]:
    if all(one.status in _WITHOUT_EFFECT for one in outcomes):
        return set()
    if any(one.status is RowStatus.DELETED for one in outcomes):
        # From whose profile they are gone is not known here.
        return {EVERYTHING}
    # Nothing is kept of books that are new.
    changed = {one.item_id for one in outcomes if one.status is RowStatus.UPDATED and one.item_id is not None}
    if len(changed) > _MOST_GROUPS:
        return {EVERYTHING}
    return {LISTS, profile_group(owner_id), *map(ITEM.format, changed)}


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
        """Record that the database refuses the one row of this batch. Raises Aborted, Overtaken."""
        applied = Applied([failure(batch.records[0], problem)])
        async with self._context.transaction() as session:
            await self._record(session, batch, applied)
        return applied

    @abstractmethod
    async def settle(self, batch: Batch, applied: Applied) -> None:
        """Do what follows a batch that was written or refused."""

    async def finish(self) -> str | None:
        """Complete the job after its last batch; return the name of the stored file if it can go."""
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
        """Finish the documents of what was written, however the run ends."""
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
        """Keep the one transaction open."""
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
        """Record the progress beside the transaction, so that it is seen before the end."""
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
    """Open a transaction that is rolled back at its end, whatever was written in it."""
    async with context.transaction() as session:
        yield session
        await session.rollback()


class ImportRun:
    """One run of one job."""

    def __init__(self, policy: Policy, progress: Progress) -> None:
        self._policy = policy
        self._progress = progress

    @classmethod
    def build(cls, context: HandlerContext, job: ImportJob) -> Self:
        """Compose it for a job as it was when the run began."""
        progress = Progress(job)
        policy = Rehearsal if job.dry_run else AllOrNothing if is_all_or_nothing(job) else PerBatch
        return cls(policy(context, job, progress), progress)

    async def run(self, batches: BatchReader) -> str | None:
        """Apply every batch; return the name of the stored file if it can go.

        Raises Cancelled, Aborted, Overtaken.
        """
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
        self._progress.pass_on(applied.outcomes, batch.last)
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
