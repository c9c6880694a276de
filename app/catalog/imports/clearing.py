"""Asks before an import empties a field of many books: the file is read once to count, before anything is written."""

from collections import Counter
from collections.abc import Sequence

from app.catalog.formats.errors import SourceRefused
from app.catalog.formats.record import Record
from app.catalog.imports.batch import BookKey, Names, StoredBook, Triage, emptied_fields, empties_something
from app.catalog.imports.repository import ImportRepository
from app.catalog.imports.run import Cancelled
from app.catalog.imports.schemas import is_too_much
from app.catalog.imports.source import BatchReader
from app.catalog.imports.writer import BookWriter, Owner
from app.catalog.models import ImportJob, ImportMode
from app.core.events.events import HandlerContext


class ClearsTooMuch(Exception):
    """The import would empty a field of many books, and nobody said that this is meant; `cleared` counts the rows."""

    def __init__(self, cleared: Counter[str], rows: int) -> None:
        named = (f"{name} in {count}" for name, count in cleared.items() if is_too_much(count, rows))
        super().__init__(
            f"Of {rows} rows, more than a tenth would empty a field ({', '.join(named)}), so nothing was written."
            " If it is meant, send the file again with allow_clearing=true."
        )
        self.cleared = cleared


async def must_ask(context: HandlerContext, job: ImportJob) -> bool:
    """Whether fields that would become empty are counted first; an import that goes on was asked about before."""
    if job.allow_clearing or job.dry_run or job.mode == ImportMode.CREATE or job.rows_done:
        return False
    async with context.transaction() as session:
        return await ImportRepository(session).has_books()


async def check_clearing(context: HandlerContext, job: ImportJob, batches: BatchReader) -> None:
    """Check that the file empties each field in a tenth of its rows at most. Raises ClearsTooMuch, Cancelled."""
    cleared: Counter[str] = Counter()
    rows = 0
    try:
        async for batch in batches:
            rows = batch.last
            emptying = [record for record in batch.records if empties_something(record)]
            if emptying:
                cleared += await _count(context, job, emptying)
    except SourceRefused:
        # What was read before the damage is what the import will write.
        pass
    finally:
        await batches.close()
    if any(is_too_much(count, rows) for count in cleared.values()):
        raise ClearsTooMuch(cleared, rows)


async def _count(context: HandlerContext, job: ImportJob, records: Sequence[Record]) -> Counter[str]:
    """In how many of these rows each field would become empty, as the books stand now."""
    async with context.transaction() as session:
        imports = ImportRepository(session)
        if await imports.is_cancelling(job.id):
            raise Cancelled
        if job.only_failed:
            failed = await imports.list_failed(job.id, records[0].number, records[-1].number)
            records = [record for record in records if record.number in failed]
        triage = Triage(ImportMode(job.mode))
        sound = triage.sound(records)
        books = await BookWriter.build(session, Owner(job.created_by, context.settings.currency))
        isbns = [record.isbn13 for record in sound if record.isbn13 is not None]
        ids = [record.key for record in sound if isinstance(record.key, int)]
        found = await books.read(await books.find(isbns, ids), Names())
        stored: dict[BookKey, StoredBook] = {book.key: book for book in found}
        allowed = triage.allowed(sound, stored)
    return Counter(
        name
        for record in allowed
        if (book := stored.get(record.key)) is not None
        for name in emptied_fields(record, book.state)
    )
