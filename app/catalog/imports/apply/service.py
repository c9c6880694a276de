"""Applies a batch of records in one transaction: which fail, which change what, and the writing of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.books.errors import BookNotFound, IsbnTaken
from app.catalog.cache_groups import LISTS, item_group
from app.catalog.formats.onix.repository import OnixRepository, unknown_parts
from app.catalog.formats.record import Action, Record, RowProblem
from app.catalog.goods.errors import SkuTaken, StockReserved
from app.catalog.imports.apply.image import (
    Edit,
    Image,
    Stored,
    before,
    changed,
    differing,
    fields_of,
    made,
    news,
    shown,
)
from app.catalog.imports.apply.outcome import Outcome, failure
from app.catalog.imports.apply.repository import BulkRepository
from app.catalog.imports.apply.writer import BookWriter, Owner
from app.catalog.imports.names import NameResolver, Names
from app.catalog.models import ImportMode, RowStatus
from app.catalog.slugs import make_slug
from app.core.cache.hot import EVERYTHING
from app.core.db.driver import DriverConnection

Key = str | int | None
_WRITTEN = frozenset({RowStatus.CREATED, RowStatus.UPDATED})
_MOST_GROUPS = 100


@dataclass(slots=True)
class Applied:
    """The outcomes of a batch, the books that it wrote, what was made on the way, the cache groups to drop."""

    outcomes: list[Outcome]
    written: list[int] = field(default_factory=list)
    made: list[tuple[str, int]] = field(default_factory=list)
    stale: set[str] = field(default_factory=set)


class BatchService:
    """Applies batches in the transaction of one connection."""

    def __init__(
        self, books: BulkRepository, names: NameResolver, writer: BookWriter, onix: OnixRepository
    ) -> None:
        self._books = books
        self._names = names
        self._writer = writer
        self._onix = onix

    @classmethod
    def build(cls, session: AsyncSession, connection: DriverConnection, owner: Owner) -> Self:
        """Compose it on one session and the driver's connection behind it."""
        return cls(
            BulkRepository(connection),
            NameResolver.build(session),
            BookWriter.build(session, connection, owner),
            OnixRepository(connection),
        )

    async def prepare(self, actor_id: int) -> None:
        """Once per transaction, before its first batch."""
        await self._books.prepare(actor_id)

    async def apply(self, records: Sequence[Record], mode: ImportMode, *, is_shared: bool) -> Applied:
        """Apply the records; a row that cannot be applied fails alone. Shared: requests may make names meanwhile."""
        names = Names()
        triage = Triage(mode)
        sound = triage.keep(triage.sound(record) for record in records)
        stored = await self._read(sound, names)
        allowed = triage.keep(triage.allowed(record, stored.get(record.key)) for record in sound)
        free = triage.keep(await self._with_free_skus(allowed, stored))
        if not is_shared:
            # After the books, as requests do: neither waits for what the other one holds.
            await self._books.lock_names()
        await self._names.resolve((record.values for record in free), names)
        work = _Work(stored, names)
        for record in free:
            work.plan(record)
        await self._write(work)
        await self._onix.keep(unknown_parts(free, [one.item_id for one in work.outcomes]))
        outcomes = sorted([*triage.failed, *work.outcomes], key=lambda one: one.number)
        written = [one.item_id for one in outcomes if one.status in _WRITTEN and one.item_id is not None]
        return Applied(outcomes, written, names.created, _stale(outcomes))

    async def refresh(self, book_ids: Sequence[int]) -> None:
        """Bring the search documents of written books up to date, which `apply` leaves to its caller."""
        await self._writer.finish(book_ids)

    async def _read(self, records: Iterable[Record], names: Names) -> dict[Key, Stored]:
        isbns = [record.isbn13 for record in records if record.isbn13 is not None]
        others = [record.key for record in records if isinstance(record.key, int)]
        ids = await self._books.lock_by_isbn(isbns) if isbns else []
        ids += await self._books.lock_by_id(others) if others else []
        return {one.key: one for one in await self._writer.read(ids, names)}

    async def _with_free_skus(
        self, records: Sequence[Record], stored: dict[Key, Stored]
    ) -> list[Record | Outcome]:
        wanted = {sku for record in records if (sku := record.values.get("sku"))}
        owners = (
            {row["sku"]: row["id"] for row in await self._books.list_skus(list(wanted))} if wanted else {}
        )
        taken: set[str] = set()
        judged: list[Record | Outcome] = []
        for record in records:
            sku = record.values.get("sku")
            book = stored.get(record.key)
            owner = owners.get(sku) if sku else None
            if sku and (sku in taken or (owner is not None and (book is None or owner != book.item_id))):
                judged.append(failure(record, _problem("sku", "Another item has this SKU.", SkuTaken.code)))
                continue
            if sku:
                taken.add(sku)
            judged.append(record)
        return judged

    async def _write(self, work: "_Work") -> None:
        ids = await self._writer.create([(one.isbn13, image) for one, image in work.new])
        for (outcome, _), item_id in zip(work.new, ids, strict=True):
            outcome.item_id = item_id
        await self._writer.update(work.edits)
        if work.gone:
            await self._writer.delete(work.gone)


class Triage:
    """Sorts out the records that cannot be applied."""

    def __init__(self, mode: ImportMode) -> None:
        self._mode = mode
        self._seen: set[Key] = set()
        self.failed: list[Outcome] = []

    def keep(self, judged: Iterable[Record | Outcome]) -> list[Record]:
        """The records among them; outcomes are failures."""
        kept = []
        for one in judged:
            if isinstance(one, Record):
                kept.append(one)
            else:
                self.failed.append(one)
        return kept

    def sound(self, record: Record) -> Record | Outcome:
        """Refuse what the reader found wrong, what has no key, and an ISBN that came before."""
        if record.problems:
            return failure(record, *record.problems)
        for name in record.values.get("categories") or ():
            if make_slug(name) is None:
                return failure(
                    record, _problem("categories", f"No slug can be made of {name!r}.", "value_error")
                )
        if record.isbn13 is None and self._mode is ImportMode.CREATE:
            record.item_id = None
            if record.action is not Action.DELETE:
                return record
        if record.key is None or (record.isbn13 is None and record.action is Action.DELETE):
            return failure(record, _problem("isbn", "Without an ISBN a row can only be created.", "missing"))
        if record.key in self._seen:
            return failure(record, repeated())
        self._seen.add(record.key)
        return record

    def allowed(self, record: Record, book: Stored | None) -> Record | Outcome:
        """Refuse what the mode does not allow, given the book that has the ISBN."""
        if record.isbn13 is None and record.item_id is not None:
            return self._allowed_by_id(record, book)
        if book is None:
            return self._allowed_new(record)
        if self._mode is ImportMode.CREATE:
            return failure(record, _problem("isbn", "A book with this ISBN exists already.", IsbnTaken.code))
        if record.action is Action.DELETE and book.reserved:
            return failure(record, _problem("isbn", "Some of its stock is reserved.", StockReserved.code))
        return record

    def _allowed_by_id(self, record: Record, book: Stored | None) -> Record | Outcome:
        """The title goes with the id, since the file may be another shop's."""
        if book is not None and book.image.title == record.values.get("title"):
            return record
        message = "There is no book without ISBN that has this id and this title."
        return failure(record, _problem("shop_item_id", message, BookNotFound.code))

    def _allowed_new(self, record: Record) -> Record | Outcome:
        if record.action is Action.DELETE:
            return record
        if self._mode is ImportMode.UPDATE or record.action is Action.PATCH:
            return failure(record, _problem("isbn", "There is no book with this ISBN.", BookNotFound.code))
        if not record.values.get("title"):
            return failure(record, _problem("title", "A new book needs a title.", "missing"))
        return record


class _Work:
    """What the sound records of a batch do."""

    def __init__(self, stored: dict[Key, Stored], names: Names) -> None:
        self._stored = stored
        self.names = names
        self.outcomes: list[Outcome] = []
        self.new: list[tuple[Outcome, Image]] = []
        self.edits: list[Edit] = []
        self.gone: list[Stored] = []

    def plan(self, record: Record) -> None:
        """Note what the record creates, changes or deletes."""
        book = self._stored.get(record.key)
        if record.action is Action.DELETE:
            self.outcomes.append(self._deletion(record, book))
        elif book is None:
            image = made(fields_of(record.values, self.names))
            outcome = Outcome(record.number, RowStatus.CREATED, record.isbn13, version=1)
            self.new.append((outcome, image))
            self.outcomes.append(outcome)
        else:
            self.outcomes.append(self._edit(record, book))

    def _deletion(self, record: Record, book: Stored | None) -> Outcome:
        if book is None:
            return Outcome(record.number, RowStatus.UNCHANGED, record.isbn13)
        self.gone.append(book)
        return Outcome(record.number, RowStatus.DELETED, record.isbn13, book.item_id)

    def _edit(self, record: Record, book: Stored) -> Outcome:
        told = fields_of(record.values, self.names, book.image.contributors)
        image = changed(book.image, news(book, told))
        fields = differing(book.image, image)
        if not fields:
            return Outcome(record.number, RowStatus.UNCHANGED, record.isbn13, book.item_id)
        self.edits.append(Edit(book, image, fields))
        return Outcome(
            *(record.number, RowStatus.UPDATED, record.isbn13, book.item_id, book.version + 1),
            changes=shown(book.image, image, fields, self.names),
            before=before(book.image, fields),
        )


def repeated() -> RowProblem:
    """The complaint about an ISBN that stood in an earlier row."""
    return _problem("isbn", "An earlier row of this file has the same ISBN.", "repeated")


def _problem(field: str, message: str, kind: str) -> RowProblem:
    return RowProblem(field, message, kind)


def _stale(outcomes: Sequence[Outcome]) -> set[str]:
    groups = set()
    if any(one.status not in {RowStatus.UNCHANGED, RowStatus.FAILED} for one in outcomes):
        groups.add(LISTS)
    # Nothing is kept of books that are new.
    changed_ids = [one.item_id for one in outcomes if one.status in {RowStatus.UPDATED, RowStatus.DELETED}]
    if len(changed_ids) > _MOST_GROUPS:
        return {EVERYTHING}
    return groups | {item_group(one) for one in changed_ids if one is not None}
