"""Applies a batch of rows in one transaction: sorted out, their names resolved, their books written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.authors.resolver import resolve_authors
from app.catalog.cache_groups import LISTS, item_group
from app.catalog.categories.resolver import resolve_categories
from app.catalog.formats.onix.repository import OnixRepository, unknown_parts
from app.catalog.formats.record import Record
from app.catalog.imports.batch import BookKey, Names, Outcome, StoredBook, Triage, make_plan
from app.catalog.imports.repository import ImportRepository
from app.catalog.imports.writer import BookWriter, Owner
from app.catalog.models import ImportJob, ImportMode, RowStatus
from app.catalog.series.resolver import resolve_series
from app.core.cache.hot import EVERYTHING
from app.core.db.driver import driver_connection

_WRITTEN = frozenset({RowStatus.CREATED, RowStatus.UPDATED})
_WITHOUT_EFFECT = frozenset({RowStatus.UNCHANGED, RowStatus.FAILED})
_MOST_GROUPS = 100
"""More than so many are not announced one by one."""


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


class NameResolver:
    """Turns the names in a batch of books into ids, creating what there is not."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def resolve(self, records: Iterable[Record], names: Names) -> None:
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
                self._session, people, credited=names.author_names.keys(), locks_names=False
            )
            names.author_names |= names.authors.printed
            names.created += [("author", one) for one in names.authors.created]
        if series:
            found = await resolve_series(self._session, series)
            names.series |= {name: one.id for name, one in found.by_name.items()}
            names.series_names |= {one.id: one.printed for one in found.by_name.values()}
            names.created += [("series", one) for one in found.created]
        if categories:
            placed = await resolve_categories(self._session, categories)
            names.categories |= placed.by_name
            names.slugs |= placed.slugs
            names.created += [("category", one) for one in placed.created]


class BatchApplier:
    """Applies batches of one job in one transaction."""

    def __init__(
        self,
        job: ImportJob,
        imports: ImportRepository,
        books: BookWriter,
        names: NameResolver,
        onix: OnixRepository,
    ) -> None:
        self._job = job
        self._imports = imports
        self._books = books
        self._names = names
        self._onix = onix

    @classmethod
    async def build(cls, session: AsyncSession, job: ImportJob, currency: str) -> Self:
        """Compose it on one session and the driver's connection behind it."""
        books = await BookWriter.build(session, Owner(job.created_by, currency))
        onix = OnixRepository(await driver_connection(session))
        return cls(job, ImportRepository(session), books, NameResolver(session), onix)

    async def apply(self, records: Sequence[Record], *, is_shared: bool) -> Applied:
        """Apply the records; a row that cannot be applied fails alone.

        Shared: requests may create names meanwhile. Search documents are left to the caller.
        """
        await self._books.prepare()
        pending = await self._pending(records)
        isbns = [record.isbn13 for record in pending if record.isbn13 is not None]
        triage = Triage(ImportMode(self._job.mode), await self._imports.list_seen(self._job.id, isbns))
        names = Names()
        sound = triage.sound(pending)
        stored = await self._read(sound, names)
        allowed = triage.allowed(sound, stored)
        skus = {sku for record in allowed if (sku := record.values.get("sku"))}
        free = triage.with_free_skus(allowed, stored, await self._books.list_sku_owners(list(skus)))
        if not is_shared:
            # After the books, as requests do: neither waits for what the other one has locked.
            await self._books.lock_names()
        await self._names.resolve(free, names)
        plan = make_plan(free, stored, names)
        ids = await self._books.create([(outcome.isbn13, state) for outcome, state in plan.creations])
        for (outcome, _), item_id in zip(plan.creations, ids, strict=True):
            outcome.item_id = item_id
        await self._books.update(plan.edits)
        await self._books.delete(plan.deletions)
        await self._onix.keep(unknown_parts(free, [one.item_id for one in plan.outcomes]))
        outcomes = sorted([*triage.failures, *plan.outcomes], key=lambda one: one.number)
        written = [one.item_id for one in outcomes if one.status in _WRITTEN and one.item_id is not None]
        return Applied(outcomes, written, names.created, _stale_groups(outcomes))

    async def _pending(self, records: Sequence[Record]) -> Sequence[Record]:
        if not self._job.only_failed:
            return records
        failed = await self._imports.list_failed(self._job.id, records[0].number, records[-1].number)
        return [record for record in records if record.number in failed]

    async def _read(self, records: Sequence[Record], names: Names) -> dict[BookKey, StoredBook]:
        """Lock and read the books that the records mean."""
        isbns = [record.isbn13 for record in records if record.isbn13 is not None]
        others = [record.key for record in records if isinstance(record.key, int)]
        ids = [*await self._books.lock_by_isbn(isbns), *await self._books.lock_by_id(others)]
        return {book.key: book for book in await self._books.read(ids, names)}


def _stale_groups(outcomes: Sequence[Outcome]) -> set[str]:
    if all(one.status in _WITHOUT_EFFECT for one in outcomes):
        return set()
    # Nothing is kept of books that are new.
    changed = {
        one.item_id
        for one in outcomes
        if one.status in {RowStatus.UPDATED, RowStatus.DELETED} and one.item_id is not None
    }
    return {EVERYTHING} if len(changed) > _MOST_GROUPS else {LISTS, *map(item_group, changed)}
