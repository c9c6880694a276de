"""Reads synonyms for display."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import SQLColumnExpression, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.models import Synonym
from app.catalog.search.synonyms.errors import no_synonym
from app.catalog.search.synonyms.schemas import SynonymFilter, SynonymOut
from app.core.db.paging import Pager
from app.core.db.queries import find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult, version_etag

_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    Synonym.id,
    Synonym.terms,
    Synonym.finds,
    Synonym.version,
    Synonym.created_at,
    Synonym.updated_at,
)
_SYNONYM = select(*_COLUMNS, snapshot_text).where(Synonym.id == bindparam("synonym"))


async def get_synonym(connection: AsyncConnection, synonym_id: int) -> ReadResult:
    """One synonym. Raises SynonymNotFound."""
    row = (await connection.execute(_SYNONYM, {"synonym": synonym_id})).one_or_none()
    if row is None:
        raise no_synonym(synonym_id)
    synonym = SynonymOut.model_validate(row)
    return ReadResult(synonym, row.snapshot, version_etag(synonym.version))


async def list_synonyms(connection: AsyncConnection, query: SynonymFilter, pager: Pager) -> ReadResult:
    """One page of synonyms, the newest first. Raises InvalidCursor."""
    window = pager.window(query)
    order = Order(keys=((Synonym.id.expression, True),))
    found = await find_page(connection, select(Synonym.id), order, window, _COLUMNS)
    synonyms = [SynonymOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, synonyms), found.snapshot)
