"""Takes the rows of an import back, a batch at a time."""

from collections.abc import Sequence
from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.imports.apply.image import Stored, differing, restored
from app.catalog.imports.apply.repository import BulkRepository
from app.catalog.imports.apply.works import Edit
from app.catalog.imports.apply.writer import BookWriter, Owner
from app.catalog.imports.names.service import Names
from app.catalog.imports.reverting.repository import RevertRepository
from app.catalog.models import RevertOutcome, RowStatus
from app.core.cache.hot import EVERYTHING, invalidate
from app.core.db.queries import AnyRow

BATCH = 500


class RevertService:
    """Reverts rows of one job in one transaction."""

    def __init__(
        self, session: AsyncSession, rows: RevertRepository, books: BulkRepository, writer: BookWriter
    ) -> None:
        self._session = session
        self._rows = rows
        self._books = books
        self._writer = writer

    @classmethod
    def build(cls, session: AsyncSession, driver: Any, job_id: int, owner: Owner) -> Self:
        """On a session, and the driver's connection of its transaction."""
        return cls(
            session,
            RevertRepository(session, job_id),
            BulkRepository(driver),
            BookWriter.build(driver, owner),
        )

    async def revert(self, after: int, most: int, actor_id: int | None) -> int | None:
        """Take the next rows back, `most` at the most; the number of the last one, None when there is none.

        Deleted: what was created and nobody changed or reserved since. Restored: what was updated
        and has the version that the update left; for an author who was merged since stands the other one.
        """
        rows = await self._rows.list_rows(after, most)
        if not rows:
            return None
        await self._books.prepare(actor_id)
        ids = [row.item_id for row in rows]
        held = await self._books.lock_by_id(ids)
        books = {book.item_id: book for book in await self._writer.read(held, Names())}
        taken = [row for row in rows if _is_unchanged(row, books.get(row.item_id))]
        await self._delete([books[row.item_id] for row in taken if row.status == RowStatus.CREATED])
        await self._restore(
            [(books[row.item_id], row.before) for row in taken if row.status == RowStatus.UPDATED]
        )
        numbers = {row.number for row in taken}
        await self._rows.mark(list(numbers), RevertOutcome.REVERTED)
        await self._rows.mark([row.number for row in rows if row.number not in numbers], RevertOutcome.LEFT)
        invalidate(self._session, EVERYTHING)
        return int(rows[-1].number)

    async def leave(self, after: int) -> int | None:
        """Leave the next row alone; its number, None when there is none."""
        rows = await self._rows.list_rows(after, 1)
        await self._rows.mark([row.number for row in rows], RevertOutcome.LEFT)
        return int(rows[-1].number) if rows else None

    async def finish(self) -> tuple[int, int]:
        """Delete what was made on the way and nobody uses; how many rows were taken back and left."""
        await self._rows.delete_unused()
        invalidate(self._session, EVERYTHING)
        return await self._rows.count(RevertOutcome.REVERTED), await self._rows.count(RevertOutcome.LEFT)

    async def _delete(self, books: Sequence[Stored]) -> None:
        if books:
            await self._writer.delete(books)

    async def _restore(self, books: Sequence[tuple[Stored, dict[str, Any]]]) -> None:
        edits = []
        named = {author for _, before in books for author, _ in before.get("contributors", ())}
        current = dict(await self._rows.lock_authors(named))
        for book, before in books:
            image = restored(book.image, before)
            credited = [(current.get(author, author), role) for author, role in image.contributors]
            image.contributors = list(dict.fromkeys(credited))
            edits.append(Edit(book, image, differing(book.image, image)))
        await self._writer.update(edits)
        await self._writer.finish([edit.stored.item_id for edit in edits])


def _is_unchanged(row: AnyRow, book: Stored | None) -> bool:
    if book is None or book.version != row.version:
        return False
    return row.status == RowStatus.UPDATED or not book.reserved
