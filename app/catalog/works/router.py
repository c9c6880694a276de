"""`/api/v1/works`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.catalog.cache_groups import LISTS
from app.catalog.goods.deps import limit_search
from app.catalog.works import queries
from app.catalog.works.schemas import WorkFilter, WorkOut
from app.core.db.paging import Page, PagerDep
from app.core.http.responses import HotDep

router = APIRouter(prefix="/api/v1/works", tags=["works"])


@router.get("", summary="List works", response_model=Page[WorkOut], dependencies=[Depends(limit_search)])
async def list_works(query: Annotated[WorkFilter, Query()], pager: PagerDep, hot: HotDep) -> Response:
    """A page of works by title; merged ones are not among them."""
    return await hot.answer(
        LISTS, partial(queries.list_works, query=query, pager=pager), keep=query.search is None
    )
