"""Reads of authors for display."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import SQLColumnExpression, Text, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.authors.errors import merged_author, no_author
from app.catalog.authors.schemas import AuthorFilter, AuthorOut
from app.catalog.canonical import find_canonical
from app.catalog.models import Author
from app.core.db.paging import Pager
from app.core.db.queries import find_page, has_name_words, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult, version_etag

_SORT_COLUMNS: Mapping[str, SQLColumnExpression[Any]] = {
    "name": func.fold(Author.sort_name, type_=Text),
    "created_at": Author.created_at,
}
_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    Author.id,
    Author.name,
    Author.sort_name,
    Author.aliases,
    Author.version,
    Author.created_at,
    Author.updated_at,
    Author.merged_into_id,
)
_AUTHOR = select(*_COLUMNS, snapshot_text)


async def get_author(connection: AsyncConnection, author_id: int) -> ReadResult:
    """Read one author. Raises AuthorNotFound, AuthorMerged."""
    row = (await connection.execute(_AUTHOR.where(Author.id == author_id))).one_or_none()
    if row is None:
        raise no_author(author_id)
    if row.merged_into_id is not None:
        raise merged_author(author_id, await find_canonical(connection, Author, author_id))
    author = AuthorOut.model_validate(row)
    return ReadResult(author, row.snapshot, version_etag(author.version))


async def list_authors(connection: AsyncConnection, query: AuthorFilter, pager: Pager) -> ReadResult:
    """Read one page of authors, whose name and aliases have the words that are searched for. Raises InvalidCursor."""
    matching = select(Author.id).where(Author.merged_into_id.is_(None))
    if query.search is not None:
        matching = matching.where(has_name_words(Author.names_words, query.search))
    window = pager.window(query)
    order = Order.by(query.sort, _SORT_COLUMNS, Author.id)
    found = await find_page(connection, matching, order, window, _COLUMNS)
    authors = [AuthorOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, authors), found.snapshot)
