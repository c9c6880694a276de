"""SQL of searches that found nothing."""

from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import SearchMiss

DATABASE_FAULTS = (SQLAlchemyError, OSError)
"""Whatever may keep PostgreSQL from writing."""


class ZeroResultRepository:
    """Counts and deletes searches without result."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def count(self, text: str) -> None:
        """Count the search once more; one without any word is not worth it."""
        query = select(func.search_title(text).label("query")).subquery()
        statement = insert(SearchMiss).from_select(["query"], select(query).where(query.c.query.is_not(None)))
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["query"], set_={"count": SearchMiss.count + 1, "last_at": func.now()}
            )
        )

    async def delete(self, id_: int) -> str | None:
        """Delete the entry; what was searched for, None when there is no such entry."""
        gone = delete(SearchMiss).where(SearchMiss.id == id_).returning(SearchMiss.query)
        query: str | None = await self._session.scalar(gone)
        return query

    async def delete_older(self, moment: datetime) -> int:
        """Delete what nobody searched for since then; how many."""
        return await self._delete(SearchMiss.last_at < moment)

    async def delete_beyond(self, most: int) -> int:
        """Delete all but so many of the most frequent, of equals the latest; how many."""
        by_worth = (SearchMiss.count.desc(), SearchMiss.last_at.desc(), SearchMiss.id.desc())
        return await self._delete(SearchMiss.id.in_(select(SearchMiss.id).order_by(*by_worth).offset(most)))

    async def _delete(self, condition: ColumnElement[bool]) -> int:
        gone = delete(SearchMiss).where(condition).returning(SearchMiss.id)
        return len((await self._session.execute(gone)).all())
