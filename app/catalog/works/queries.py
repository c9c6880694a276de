"""Reads of works for display."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, FromClause, SQLColumnExpression, case, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from app.catalog.models import Author, Book, Item, Work
from app.catalog.works.schemas import WorkFilter, WorkOut
from app.core.db.paging import Pager
from app.core.db.queries import contains_folded, find_page
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult

# Aliases: where a work is read with its editions, those have an author and a book of their own.
_author, _counted = aliased(Author), aliased(Book)
_of_counted = aliased(Item)
_AUTHOR = func.jsonb_build_object("id", _author.id, "name", _author.name, type_=JSONB)
WORK_COLUMNS: Mapping[str, SQLColumnExpression[Any]] = {
    "id": Work.id,
    "title": Work.title,
    "author": case((_author.id.is_not(None), _AUTHOR)),
    "edition_count": select(func.count())
    .select_from(_counted)
    .join(_of_counted, _of_counted.id == _counted.item_id)
    .where(_counted.work_id == Work.id, _of_counted.is_active)
    .scalar_subquery(),
    "merged_into_id": Work.merged_into_id,
    "version": Work.version,
    "created_at": Work.created_at,
    "updated_at": Work.updated_at,
}
_SORT_COLUMNS: Mapping[str, SQLColumnExpression[Any]] = {
    "title": Work.title_folded,
    "created_at": Work.created_at,
}


async def list_works(connection: AsyncConnection, query: WorkFilter, pager: Pager) -> ReadResult:
    """Read one page of works whose title contains what is searched for. Raises InvalidCursor."""
    matching = select(Work.id).where(Work.merged_into_id.is_(None))
    if query.search is not None:
        matching = matching.where(contains_folded(Work.title_folded, query.search))
    window = pager.window(query)
    order = Order.by(query.sort, _SORT_COLUMNS, Work.id)
    columns: list[SQLColumnExpression[Any]] = [column.label(name) for name, column in WORK_COLUMNS.items()]

    def join(source: FromClause, work_id: ColumnElement[int]) -> FromClause:
        return join_author(source.outerjoin(Work, Work.id == work_id))

    found = await find_page(connection, matching, order, window, columns, join)
    works = [WorkOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, works), found.snapshot)


def join_author(source: FromClause) -> FromClause:
    """Join the author of `WORK_COLUMNS` to the works."""
    return source.outerjoin(_author, _author.id == Work.author_id)
