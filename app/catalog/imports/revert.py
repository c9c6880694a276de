"""Takes a finished import back, as far as its books are unchanged since."""

from collections.abc import Sequence
from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.imports.batch import Edit, Names, StoredBook, changed_fields, restored_state
from app.catalog.imports.repository import ImportRepository, RevertRepository
from app.catalog.imports.writer import BookWriter, Owner, refresh_documents
from app.catalog.models import ImportJob, RevertOutcome, RevertState, RowStatus
from app.core.audit import record_audit
from app.core.cache.hot import EVERYTHING, invalidate
from app.core.db.driver import driver_connection
from app.core.db.faults import Fault
from app.core.events.events import HandlerContext

_BATCH = 500
"""Rows that one transaction takes back at the most; halved where a row of them is refused."""


async def start_revert(context: HandlerContext, job_id: int) -> ImportJob | None:
    """Mark the job as being reverted and return it; None when nobody asked for that, or it is done."""
    async with context.transaction() as session:
        job = await ImportRepository(session).lock(job_id)
        if job is None or job.revert_state not in {RevertState.PENDING, RevertState.RUNNING}:
            return None
        job.revert_state = RevertState.RUNNING
    return job


async def revert(context: HandlerContext, job_id: int, owner: Owner) -> None:
    """Take every row of the job back, a transaction for each batch, and then what nobody uses any more."""
    after: int | None = 0
    size = _BATCH
    while after is not None:
        try:
            async with context.transaction() as session:
                service = await RevertService.build(session, job_id, owner)
                after = await (service.revert(after, size) if size else service.leave(after))
            size = min(2 * size or 1, _BATCH)
        except Exception as fault:
            if not Fault.of(fault).is_of_rows:
                raise
            # What a book had may be gone or another's by now: found by halving, that row is left alone.
            size //= 2
    async with context.transaction() as session:
        reverted, left = await (await RevertService.build(session, job_id, owner)).finish()
        job = await ImportRepository(session).lock(job_id)
        if job is not None:
            job.revert_state = RevertState.COMPLETED
            job.reverted = reverted
            job.left_alone = left
        counts = {"reverted": (None, reverted), "left": (None, left)}
        record_audit(session, "import.reverted", ("import", job_id), counts, actor_id=owner.user_id)


class RevertService:
    """Reverts rows of one job in one transaction."""

    def __init__(self, session: AsyncSession, rows: RevertRepository, books: BookWriter) -> None:
        self._session = session
        self._rows = rows
        self._books = books

    @classmethod
    async def build(cls, session: AsyncSession, job_id: int, owner: Owner) -> Self:
        """Compose it on one session and the driver's connection behind it."""
        return cls(session, RevertRepository(session, job_id), await BookWriter.build(session, owner))

    async def revert(self, after: int, most: int) -> int | None:
        """Take the next rows back, `most` at the most, and return the number of the last one; None when there is none.

        Deleted: what was created and nobody changed or reserved since. Restored: what was updated
        and has the version that the update left; for an author who was merged since stands the other one.
        """
        rows = await self._rows.list_rows(after, most)
        if not rows:
            return None
        await self._books.prepare()
        locked = await self._books.lock_by_id([row.item_id for row in rows])
        books = {book.item_id: book for book in await self._books.read(locked, Names())}
        unchanged = [
            row
            for row in rows
            if (book := books.get(row.item_id)) is not None
            and book.version == row.version
            and (row.status == RowStatus.UPDATED or not book.reserved)
        ]
        await self._books.delete([books[row.item_id] for row in unchanged if row.status == RowStatus.CREATED])
        await self._restore([(books[row.item_id], row.before) for row in unchanged if row.before is not None])
        numbers = {row.number for row in unchanged}
        await self._rows.mark(list(numbers), RevertOutcome.REVERTED)
        await self._rows.mark([row.number for row in rows if row.number not in numbers], RevertOutcome.LEFT)
        invalidate(self._session, EVERYTHING)
        return rows[-1].number

    async def leave(self, after: int) -> int | None:
        """Leave the next row as it is and return its number; None when there is none."""
        rows = await self._rows.list_rows(after, 1)
        await self._rows.mark([row.number for row in rows], RevertOutcome.LEFT)
        return rows[-1].number if rows else None

    async def finish(self) -> tuple[int, int]:
        """Delete what was created on the way and nobody uses; return how many rows were taken back and left."""
        await self._rows.delete_unused()
        invalidate(self._session, EVERYTHING)
        return await self._rows.count(RevertOutcome.REVERTED), await self._rows.count(RevertOutcome.LEFT)

    async def _restore(self, books: Sequence[tuple[StoredBook, dict[str, Any]]]) -> None:
        edits = []
        named = {author for _, before in books for author, _ in before.get("contributors", ())}
        current = dict(await self._rows.lock_authors(named))
        for book, before in books:
            state = restored_state(book.state, before)
            credited = [(current.get(author, author), role) for author, role in state.contributors]
            state.contributors = list(dict.fromkeys(credited))
            edits.append(Edit(book, state, changed_fields(book.state, state)))
        await self._books.update(edits)
        await refresh_documents(
            await driver_connection(self._session), [edit.stored.item_id for edit in edits]
        )
