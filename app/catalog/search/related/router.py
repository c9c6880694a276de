"""`/api/v1/books/{book_id}/related`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.catalog.books.errors import BookNotFound
from app.catalog.cache_groups import LISTS
from app.catalog.search.related.queries import list_related
from app.catalog.search.related.schemas import RelatedBooks, RelatedQuery
from app.core.http.problems import problems
from app.core.http.responses import HotDep
from app.core.http.schemas import RowId

router = APIRouter(prefix="/api/v1/books", tags=["books"])


@router.get(
    "/{book_id}/related",
    summary="List related books",
    response_model=RelatedBooks,
    responses=problems(BookNotFound),
)
async def list_related_books(
    book_id: RowId, query: Annotated[RelatedQuery, Query()], hot: HotDep
) -> Response:
    """Books that were bought together with it, most often first, then of the same series in its order, then by the same
    authors, then of the same categories. What is bought together is found out each night.

    Each says why; none is another edition of the same work.
    """
    return await hot.answer(LISTS, partial(list_related, book_id=book_id, limit=query.limit))
