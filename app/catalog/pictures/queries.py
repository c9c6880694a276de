"""Which book a file name is of, and which pictures are in use."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import SQLColumnExpression, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.goods.ownership import may_edit
from app.catalog.models import Book, Item, PictureFetch
from app.catalog.pictures.errors import PictureFetchNotFound
from app.catalog.pictures.schemas import FetchProblem, PictureFetchOut
from app.core.db.queries import snapshot_text
from app.core.http.responses import ReadResult
from app.identity.principal import Principal

_FETCH: Sequence[SQLColumnExpression[Any]] = tuple(PictureFetch.__table__.columns)
_NONE = literal([], JSONB)
_EACH = func.jsonb_array_elements(Item.pictures, type_=JSONB).column_valued("each", joins_implicitly=True)
_NAME = _EACH["name"].astext
_USED = select(_NAME).select_from(Item).where(Item.pictures != _NONE)


async def find_book_id(session: AsyncSession, isbn13: str) -> int | None:
    """The book with this ISBN."""
    return await session.scalar(select(Book.item_id).where(Book.isbn13 == isbn13))


async def get_fetch(
    connection: AsyncConnection, item_id: int, fetch_id: int, editor: Principal
) -> ReadResult:
    """A fetch of an item that the caller may edit. Raises PictureFetchNotFound."""
    is_it = (PictureFetch.id == fetch_id, PictureFetch.item_id == item_id)
    statement = select(*_FETCH, Item.owner_id, snapshot_text).join_from(PictureFetch, Item).where(*is_it)
    row = (await connection.execute(statement)).one_or_none()
    if row is None or not may_edit(editor, row.owner_id):
        raise PictureFetchNotFound(f"There is no fetch {fetch_id} of item {item_id}.")
    problem = FetchProblem(code=row.code, detail=row.detail) if row.code else None
    fetch = PictureFetchOut.model_validate({**row._mapping, "problem": problem})  # noqa: SLF001 (public, for all its name)
    return ReadResult(fetch, row.snapshot)


async def find_used_pictures(session: AsyncSession, names: Collection[str]) -> set[str]:
    """Which of these pictures items use."""
    return set(await session.scalars(_USED.where(_NAME.in_(names))))


async def list_used_pictures(session: AsyncSession) -> list[str]:
    """Every picture that an item uses."""
    return list(await session.scalars(_USED.distinct()))
