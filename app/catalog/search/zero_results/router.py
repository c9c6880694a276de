"""`/api/v1/admin/search/zero-results`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.catalog.search.zero_results import queries
from app.catalog.search.zero_results.errors import ZeroResultNotFound
from app.catalog.search.zero_results.schemas import ZeroResultFilter, ZeroResultOut
from app.catalog.search.zero_results.service import clear_zero_result
from app.core.db.paging import Page, PagerDep
from app.core.db.transaction import SessionDep
from app.core.http.problems import problems
from app.core.http.responses import HotDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import CATALOG_MANAGER

router = APIRouter(prefix="/api/v1/admin/search/zero-results", tags=["admin"])


@router.get(
    "",
    summary="List searches without result",
    response_model=Page[ZeroResultOut],
    dependencies=[CATALOG_MANAGER],
)
async def list_zero_results(
    query: Annotated[ZeroResultFilter, Query()], pager: PagerDep, hot: HotDep
) -> Response:
    """A page of searches of the whole catalogue that found nothing, the most frequent first.

    What nobody searched for in 90 days is forgotten; of more than 10,000 the most frequent are kept.
    """
    return await hot.answer_private(partial(queries.list_zero_results, query=query, pager=pager))


@router.delete(
    "/{entry_id}",
    status_code=204,
    summary="Clear a search without result",
    dependencies=[CATALOG_MANAGER],
    responses=problems(ZeroResultNotFound),
)
async def delete_zero_result(entry_id: RowId, session: SessionDep) -> None:
    """Take a search off the list, as done; it is counted from one again when somebody makes it."""
    await clear_zero_result(session, entry_id)
