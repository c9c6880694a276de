"""SQL that moves what belongs to an author."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Integer, cast, column, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.merges.contributions import Contribution, Dropped
from app.catalog.merges.repository import any_of, raise_items, raise_version
from app.catalog.models import Author, Contributor, Work

MOST_LISTED = 100
_DEFERRED = "bookstore.defer_documents"
_DOCUMENTS_AT_ONCE = 500


class AuthorMoveRepository:
    """Contributions and works of authors, in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list_shared(self, source_id: int, target_id: int) -> list[Contribution]:
        """The contributions of both in the books that name the source."""
        books = select(Contributor.book_id).where(Contributor.author_id == source_id)
        rows = _CONTRIBUTIONS.where(
            Contributor.book_id.in_(books), Contributor.author_id.in_((source_id, target_id))
        )
        return [Contribution(*row) for row in await self._session.execute(rows)]

    async def list_of_books(self, ids: Iterable[int]) -> list[Contribution]:
        """All contributions of these books."""
        rows = _CONTRIBUTIONS.where(Contributor.book_id == any_of(ids))
        return [Contribution(*row) for row in await self._session.execute(rows)]

    async def drop(self, contributions: Sequence[Dropped]) -> None:
        """Delete the contributions; their books get new versions."""
        if contributions:
            place = _places(contributions)
            await self._run(delete(Contributor).where(_is_at(place)))
            await raise_items(self._session, {one.book_id for one in contributions})

    async def give(self, contributions: Sequence[Contribution], author_id: int) -> None:
        """Re-point the contributions to the author."""
        if contributions:
            place = _places(contributions)
            await self._run(update(Contributor).where(_is_at(place)).values(author_id=author_id))

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
            await raise_items(self._session, {one.book_id for one in contributions})

    async def give_works(
        self, source_id: int, target_id: int, only: Sequence[int] | None = None
    ) -> Sequence[int]:
        """Make the target principal author of the source's works, or of these only; their ids."""
        is_theirs = [Work.author_id == source_id, *([] if only is None else [Work.id == any_of(only)])]
        # In the order of their ids, as edits and merges of works hold them.
        held = select(Work.id).where(*is_theirs).order_by(Work.id).with_for_update(key_share=True)
        await self._session.execute(held)
        given = update(Work).where(*is_theirs)
        given = given.values(author_id=target_id, version=Work.version + 1, updated_at=func.now())
        options = {"synchronize_session": False}
        rows = await self._session.scalars(given.returning(Work.id).execution_options(**options))
        return sorted(rows)

    async def set_author(self, author: Author, version: int, **values: object) -> None:
        """Give the held author this version and these values."""
        await raise_version(self._session, author, version, updated_at=func.now(), **values)

    async def list_works_of_one_title(self, author_id: int) -> list[list[int]]:
        """The author's works that share their title with another one, title by title, at most a hundred."""
        theirs = (Work.author_id == author_id, Work.merged_into_id.is_(None))
        ids = func.array_agg(Work.id.distinct())
        groups = select(ids).where(*theirs).group_by(Work.title_folded).having(func.count() > 1)
        return [list(row) for row in await self._session.scalars(groups.order_by(ids).limit(MOST_LISTED))]

    async def defer_documents(self) -> None:
        """Leave what search knows of books as it is, until `refresh_documents`."""
        await self._session.execute(select(func.set_config(_DEFERRED, "on", True)))  # noqa: FBT003 (until the transaction ends)

    async def refresh_documents(self, *author_ids: int) -> None:
        """Make anew what search knows of all books of these authors, some at a time: they may be thousands."""
        named = select(Contributor.book_id).where(Contributor.author_id.in_(author_ids)).distinct()
        books = sorted(await self._session.scalars(named))
        for start in range(0, len(books), _DOCUMENTS_AT_ONCE):
            some = cast(books[start : start + _DOCUMENTS_AT_ONCE], ARRAY(BigInteger))
            await self._session.execute(select(func.refresh_book_documents(some)))
        await self._session.execute(select(func.set_config(_DEFERRED, "off", True)))  # noqa: FBT003 (as above)

    async def _run(self, statement: Any) -> None:
        await self._session.execute(statement.execution_options(synchronize_session=False))


_CONTRIBUTIONS = select(Contributor.book_id, Contributor.position, Contributor.author_id, Contributor.role)


def _places(contributions: Sequence[Contribution | Dropped]) -> Any:
    books = cast([one.book_id for one in contributions], ARRAY(BigInteger))
    positions = cast([one.position for one in contributions], ARRAY(Integer))
    places = func.unnest(books, positions)
    named = places.table_valued(column("book_id", BigInteger), column("position", Integer))
    return named.render_derived(name="places")


def _is_at(place: Any) -> Any:
    return (Contributor.book_id == place.c.book_id) & (Contributor.position == place.c.position)
