"""Writes of merges: the locks they need, and the rows they move."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    UpdateBase,
    any_,
    cast,
    column,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.catalog.merges.contributions import Contribution, Dropped
from app.catalog.models import Author, Book, Contributor, Item, Merge, Work

Row = TypeVar("Row", Author, Work)

_DEFER_DOCUMENTS = "bookstore.defer_documents"
_DOCUMENTS_AT_ONCE = 500
"""Search documents that one statement makes: an author may have thousands of books."""

# A merge builds on an earlier one in two ways. It merged the earlier one's target further; or it dropped a
# contribution as a repetition in a book that the earlier one touched, where the undo of the earlier one would
# take away what was repeated, and nothing would bring the dropped one back. `record` lists contributions
# as arrays that begin with the book.
_BUILT_ON = text(
    """
    SELECT max(later.id) FROM merges AS earlier, merges AS later
    WHERE earlier.id = :merge AND later.kind = earlier.kind AND later.undone_at IS NULL
    AND (later.source_id = earlier.target_id OR later.target_id = earlier.target_id AND later.id > earlier.id AND EXISTS (
        SELECT FROM jsonb_array_elements(later.record -> 'dropped') AS gone
        JOIN jsonb_array_elements((earlier.record -> 'moved') || (earlier.record -> 'dropped')) AS touched
            ON touched -> 0 = gone -> 0
    ))
    """
)
_CONTRIBUTIONS = select(Contributor.book_id, Contributor.position, Contributor.author_id, Contributor.role)


class MergeRepository:
    """Writes merges, and locks what is merged."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, merge: Merge) -> None:
        """Insert the merge."""
        self._session.add(merge)
        await self._session.flush()

    async def lock(self, merge_id: int) -> Merge | None:
        """Lock the merge against another undo."""
        return await self._session.get(Merge, merge_id, with_for_update=True)

    async def flush(self) -> None:
        """Write what is pending, so that the answer reads it."""
        await self._session.flush()

    async def find_built_on(self, merge: Merge) -> int | None:
        """The newest merge that stands and took this one's outcome for granted."""
        found: int | None = await self._session.scalar(_BUILT_ON, {"merge": merge.id})
        return found

    async def lock_all(self, model: type[Row], ids: Sequence[int]) -> Sequence[Row]:
        """Lock the authors or works against everything that would name them, after their books."""
        editions = select(Book.item_id).where(Book.work_id.in_(ids))
        credited = select(Contributor.book_id).where(Contributor.author_id.in_(ids))
        books = Item.id.in_(editions if model is Work else credited)
        lock_books = select(Item.id).where(books).order_by(Item.id).with_for_update(key_share=True)
        lock_rows = select(model).where(model.id.in_(ids)).order_by(model.id).with_for_update()
        # Rows that are locked by this transaction are not skipped, nor are those that nobody locks.
        free = select(Item.id).where(books).with_for_update(key_share=True, skip_locked=True).subquery()
        count_free = select(func.count()).select_from(free).scalar_subquery()
        count_all = select(func.count()).where(books).scalar_subquery()
        has_locked_all = select(count_free == count_all)
        while True:
            async with self._session.begin_nested() as attempt:
                # Against edits and deletion of the books, but not against sales.
                await self._session.execute(lock_books)
                rows = await self._session.scalars(lock_rows.execution_options(populate_existing=True))
                if await self._session.scalar(has_locked_all):
                    return rows.all()
                # A book came to them after the books were locked, and somebody edits it already: waiting for
                # that edit, which may wait for the rows, would deadlock. The savepoint gives every lock back.
                await attempt.rollback()


class AuthorMergeRepository:
    """Moves what belongs to authors: contributions and works."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list_shared(self, source_id: int, target_id: int) -> list[Contribution]:
        """The contributions of both in the books that name the source."""
        books = select(Contributor.book_id).where(Contributor.author_id == source_id)
        both = Contributor.author_id.in_((source_id, target_id))
        rows = await self._session.execute(_CONTRIBUTIONS.where(Contributor.book_id.in_(books), both))
        return [Contribution(*row) for row in rows]

    async def list_of_books(self, ids: Iterable[int]) -> list[Contribution]:
        """All contributions of these books."""
        rows = await self._session.execute(_CONTRIBUTIONS.where(Contributor.book_id == _any_of(ids)))
        return [Contribution(*row) for row in rows]

    async def drop(self, contributions: Sequence[Dropped]) -> None:
        """Delete the contributions; their books get new versions."""
        if contributions:
            places = _places(contributions)
            await _run(self._session, delete(Contributor).where(_is_at(places)))
            await _bump_items(self._session, {one.book_id for one in contributions})

    async def give(self, contributions: Sequence[Contribution], author_id: int) -> None:
        """Re-point the contributions to the author."""
        if contributions:
            places = _places(contributions)
            await _run(self._session, update(Contributor).where(_is_at(places)).values(author_id=author_id))

    async def put_back(self, contributions: Sequence[Dropped]) -> None:
        """Insert contributions that were dropped; their books get new versions."""
        if contributions:
            rows = [
                {
                    "book_id": one.book_id,
                    "position": one.position,
                    "author_id": one.author_id,
                    "role": one.role,
                }
                for one in contributions
            ]
            await self._session.execute(insert(Contributor), rows)
            await _bump_items(self._session, {one.book_id for one in contributions})

    async def give_works(
        self, source_id: int, target_id: int, only: Sequence[int] | None = None
    ) -> list[int]:
        """Make the target principal author of the source's works, or of these of them only; their ids."""
        is_theirs = Work.author_id == source_id
        if only is not None:
            is_theirs &= Work.id == _any_of(only)
        # In the order of their ids, as edits and merges of works lock them.
        lock = select(Work.id).where(is_theirs).order_by(Work.id).with_for_update(key_share=True)
        await self._session.execute(lock)
        given = (
            update(Work)
            .where(is_theirs)
            .values(author_id=target_id, version=Work.version + 1, updated_at=func.now())
            .returning(Work.id)
        )
        return sorted(await self._session.scalars(given.execution_options(synchronize_session=False)))

    async def set_merged(
        self, author: Author, target_id: int | None, version: int, aliases: Sequence[str]
    ) -> None:
        """Say what the locked author was merged into, with this version and these aliases."""
        values = {"merged_into_id": target_id, "aliases": aliases, "updated_at": func.now()}
        await _set_version(self._session, author, version, **values)

    async def defer_documents(self) -> None:
        """Leave the search documents of books as they are, until `refresh_documents`."""
        await self._session.execute(select(func.set_config(_DEFER_DOCUMENTS, "on", True)))  # noqa: FBT003 (until the transaction ends)

    async def refresh_documents(self, *author_ids: int) -> None:
        """Make the search documents of all books of these authors anew, some at a time: they may be thousands."""
        named = select(Contributor.book_id).where(Contributor.author_id.in_(author_ids)).distinct()
        books = sorted(await self._session.scalars(named))
        for start in range(0, len(books), _DOCUMENTS_AT_ONCE):
            some = cast(books[start : start + _DOCUMENTS_AT_ONCE], ARRAY(BigInteger))
            await self._session.execute(select(func.refresh_book_documents(some)))
        await self._session.execute(select(func.set_config(_DEFER_DOCUMENTS, "off", True)))  # noqa: FBT003 (as above)


class WorkMergeRepository:
    """Moves what belongs to works: editions."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def give(self, source_id: int, target_id: int, only: Sequence[int] | None = None) -> list[int]:
        """Move the editions of the source, or these of them only, to the target; their ids.

        Their versions rise: the work shows in the book.
        """
        theirs = update(Book).where(Book.work_id == source_id)
        if only is not None:
            theirs = theirs.where(Book.item_id == _any_of(only))
        given = theirs.values(work_id=target_id).returning(Book.item_id)
        moved = sorted(await self._session.scalars(given.execution_options(synchronize_session=False)))
        await _bump_items(self._session, moved)
        return moved

    async def set_merged(self, work: Work, target_id: int | None) -> None:
        """Say what the locked work was merged into."""
        values = {"merged_into_id": target_id, "updated_at": func.now()}
        await _set_version(self._session, work, work.version + 1, **values)

    async def delete_if_empty(self, work_id: int) -> None:
        """Delete the work unless it has an edition or a part in a merge."""
        merged = aliased(Work)
        has_edition = select(Book.item_id).where(Book.work_id == work_id).exists()
        has_merged = select(merged.id).where(merged.merged_into_id == work_id).exists()
        is_empty = ~or_(has_edition, has_merged)
        await _run(
            self._session,
            delete(Work).where(Work.id == work_id, Work.merged_into_id.is_(None), is_empty),
        )


async def _run(session: AsyncSession, statement: UpdateBase) -> None:
    await session.execute(statement.execution_options(synchronize_session=False))


async def _bump_items(session: AsyncSession, ids: Iterable[int]) -> None:
    """Give the locked items a new version: what they say of themselves has changed."""
    values = {"version": Item.version + 1, "updated_at": func.now()}
    await _run(session, update(Item).where(Item.id == _any_of(ids)).values(**values))


async def _set_version(session: AsyncSession, row: Author | Work, version: int, **values: object) -> None:
    """Give the locked row this version and these values."""
    model = type(row)
    await _run(session, update(model).where(model.id == row.id).values(version=version, **values))
    await session.refresh(row)


def _any_of(ids: Iterable[int]) -> ColumnElement[Any]:
    """For `==`: any of these ids, as one parameter, for they may be more than a statement has room for."""
    return any_(cast(sorted(ids), ARRAY(BigInteger)))


def _places(contributions: Sequence[Contribution | Dropped]) -> Any:
    """The contributions' keys as a table, to join a statement of any size with."""
    books = cast([one.book_id for one in contributions], ARRAY(BigInteger))
    positions = cast([one.position for one in contributions], ARRAY(Integer))
    places = func.unnest(books, positions)
    named = places.table_valued(column("book_id", BigInteger), column("position", Integer))
    return named.render_derived(name="places")


def _is_at(places: Any) -> Any:
    return (Contributor.book_id == places.c.book_id) & (Contributor.position == places.c.position)
