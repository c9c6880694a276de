"""SQL of searches that found nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, SQLColumnExpression, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.models import SearchMiss
from app.core.db.paging import Found, Window
from app.core.db.queries import AnyRow, find_page
from app.core.db.sorting import Order

DATABASE_FAULTS = (SQLAlchemyError, OSError)
"""Whatever may keep PostgreSQL from writing."""
_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    SearchMiss.id,
    SearchMiss.query,
    SearchMiss.count,
    SearchMiss.last_at,
)
_SORT_COLUMNS: Mapping[str, SQLColumnExpression[Any]] = {
    "count": SearchMiss.count,
    "last_at": SearchMiss.last_at,
}


class ZeroResultRepository:
    """Searches without result, in one transaction."""

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


async def list_zero_results(
    connection: AsyncConnection, sort: Sequence[str], window: Window
) -> Found[AnyRow]:
    """One page of searches that found nothing."""
    order = Order.by(sort, _SORT_COLUMNS, SearchMiss.id)
    return await find_page(connection, select(SearchMiss.id), order, window, _COLUMNS, _join)


def _join(source: FromClause, id_: ColumnElement[int]) -> FromClause:
    return source.outerjoin(SearchMiss, SearchMiss.id == id_)
