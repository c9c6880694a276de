"""`/api/v1/search`."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.cache_groups import LISTS
from app.catalog.goods.deps import limit_search
from app.catalog.search.errors import SearchTooSlow
from app.catalog.search.schemas import SearchPage, SearchQuery
from app.catalog.search.service import search_catalog
from app.catalog.search.zero_results.service import count_zero_result
from app.core.db.paging import Page, PagerDep
from app.core.db.transaction import transaction
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadResult
from app.identity.authentication.deps import documented_permission, require_permission
from app.identity.permissions import Permission

router = APIRouter(prefix="/api/v1/search", tags=["search"])


@router.get(
    "",
    summary="Search for books",
    response_model=SearchPage,
    dependencies=[Depends(limit_search)],
    responses=problems(SearchTooSlow),
    openapi_extra=documented_permission(Permission.CATALOG_MANAGE),
)
async def search_books(
    request: Request,
    query: Annotated[SearchQuery, Query()],
    pager: PagerDep,
    hot: HotDep,
    background: BackgroundTasks,
) -> Response:
    """Books by ISBN, title, contributors, series, subjects and description, best first.

    An ISBN in any form comes first, then the title as given, titles that begin so, and books with
    all words (those of titles count most, those of descriptions least). Case, accents, apostrophes
    and the spacing of initials do not count. Where fewer than five books have the words, misspelt
    ones are corrected: such books have `match: fuzzy`, and `did_you_mean` holds
    the corrected text. At most 2,000 books of each kind are ranked; `total` is then an estimate.
    """
    state = request.app.state

    async def read(connection: AsyncConnection) -> ReadResult:
        found = await search_catalog(connection, query, pager, state.settings.database.search_timeout)
        if query.is_of_everything and isinstance(found.model, Page) and not found.model.total:
            background.add_task(count_zero_result, lambda: transaction(state.database, state.cache), query.q)
        return found

    if query.explain:
        # Only who manages the catalogue sees why a book ranks where it does.
        await require_permission(request, Permission.CATALOG_MANAGE)
        return await hot.answer_private(read)
    return await hot.answer(LISTS, read, keep=False)
