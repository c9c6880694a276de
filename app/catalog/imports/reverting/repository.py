"""SQL of reverts: which rows are still to be taken back, and what they made that nobody uses."""

from collections.abc import Iterable, Sequence

from sqlalchemy import and_, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.canonical import lock_canonical
from app.catalog.models import (
    Author,
    Book,
    BookCategory,
    Category,
    Contributor,
    ImportMade,
    ImportRow,
    RevertOutcome,
    Series,
    Work,
)
from app.core.db.queries import AnyRow

_PENDING = (
    or_(ImportRow.outcome.is_(None), ImportRow.outcome == RevertOutcome.LEFT),
    ImportRow.status.in_(("created", "updated")),
)


class RevertRepository:
    """The rows of one job, in one transaction."""

    def __init__(self, session: AsyncSession, job_id: int) -> None:
        self._session = session
        self._job_id = job_id

    async def list_rows(self, after: int, most: int) -> Sequence[AnyRow]:
        """The next rows that were not taken back."""
        statement = (
            select(ImportRow.number, ImportRow.status, ImportRow.item_id, ImportRow.version, ImportRow.before)
            .where(ImportRow.job_id == self._job_id, ImportRow.number > after, *_PENDING)
            .order_by(ImportRow.number)
            .limit(most)
        )
        return (await self._session.execute(statement)).all()

    async def lock_authors(self, ids: Iterable[int]) -> list[tuple[int, int]]:
        """Each author that exists with the one who stands for them now, held against merges and deletion."""
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
        """Delete the works, authors, series and categories that the job made and nothing refers to."""
        merged_work = select(Work.merged_into_id).where(Work.merged_into_id.is_not(None))
        merged_author = select(Author.merged_into_id).where(Author.merged_into_id.is_not(None))
        await self._delete(
            Work,
            "work",
            and_(
                ~exists().where(Book.work_id == Work.id),
                *(Work.merged_into_id.is_(None), Work.id.not_in(merged_work)),
            ),
        )
        await self._delete(
            Author,
            "author",
            and_(
                ~exists().where(Contributor.author_id == Author.id),
                ~exists().where(Work.author_id == Author.id),
                *(Author.version == 1, Author.merged_into_id.is_(None), Author.id.not_in(merged_author)),
            ),
        )
        await self._delete(Series, "series", ~exists().where(Book.series_id == Series.id))
        child = Category.__table__.alias("child")
        await self._delete(
            Category,
            "category",
            and_(
                ~exists().where(BookCategory.category_id == Category.id),
                *(~exists().where(child.c.parent_id == Category.id), Category.version == 1),
            ),
        )

    async def _delete(
        self, model: type[Work | Author | Series | Category], kind: str, is_unused: object
    ) -> None:
        made = select(ImportMade.made_id).where(ImportMade.job_id == self._job_id, ImportMade.kind == kind)
        statement = delete(model).where(model.id.in_(made), is_unused)  # type: ignore[arg-type]  # a condition
        await self._session.execute(statement.execution_options(synchronize_session=False))
