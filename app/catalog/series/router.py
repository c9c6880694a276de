"""`/api/v1/series`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.catalog.cache_groups import LISTS
from app.catalog.goods.deps import limit_search
from app.catalog.series import queries
from app.catalog.series.errors import SeriesInUse, SeriesNameTaken, SeriesNotFound
from app.catalog.series.schemas import SeriesFilter, SeriesOut, SeriesPatch
from app.catalog.series.service import SeriesService
from app.core.db.paging import Page, PagerDep
from app.core.db.transaction import SessionDep
from app.core.http.conditional import PreconditionDep
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import CATALOG_MANAGER

router = APIRouter(prefix="/api/v1/series", tags=["series"])


@router.get("", summary="List series", response_model=Page[SeriesOut], dependencies=[Depends(limit_search)])
async def list_series(query: Annotated[SeriesFilter, Query()], pager: PagerDep, hot: HotDep) -> Response:
    """A page of series by name, with how many books each has."""
    return await hot.answer(
        LISTS, partial(queries.list_series, query=query, pager=pager), keep=query.search is None
    )


@router.get(
    "/{series_id}", summary="Read a series", response_model=SeriesOut, responses=problems(SeriesNotFound)
)
async def get_series(series_id: RowId, hot: HotDep) -> Response:
    """A series and how many books it has. Sends an ETag; understands If-None-Match."""
    return await hot.answer(LISTS, partial(queries.get_series, series_id=series_id))


@router.patch(
    "/{series_id}",
    summary="Rename a series",
    response_model=SeriesOut,
    dependencies=[CATALOG_MANAGER],
    responses=problems(SeriesNotFound, SeriesNameTaken),
)
async def change_series(
    series_id: RowId,
    patch: SeriesPatch,
    precondition: PreconditionDep,
    session: SessionDep,
    read_back: ReadBackDep,
) -> Response:
    """Rename the series; all its books show the new name at once."""
    await SeriesService.build(session).change(series_id, precondition, patch)
    return await read_back(partial(queries.get_series, series_id=series_id))


@router.delete(
    "/{series_id}",
    status_code=204,
    summary="Delete a series",
    dependencies=[CATALOG_MANAGER],
    responses=problems(SeriesNotFound, SeriesInUse),
)
async def delete_series(series_id: RowId, precondition: PreconditionDep, session: SessionDep) -> None:
    """Delete a series without books."""
    await SeriesService.build(session).delete(series_id, precondition)
