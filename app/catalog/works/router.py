"""`/api/v1/works`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.catalog.cache_groups import LISTS
from app.catalog.goods.deps import limit_search
from app.catalog.works import queries
from app.catalog.works.errors import WorkMerged, WorkNotFound
from app.catalog.works.schemas import WorkDetail, WorkFilter, WorkOut, WorkPatch
from app.catalog.works.service import WorkCatalogue, WorkService
from app.core.db.paging import Page, PagerDep
from app.core.db.transaction import SessionDep
from app.core.http.conditional import PreconditionDep
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadQuery, read_back
from app.core.http.schemas import RowId
from app.identity.authentication.deps import CATALOG_MANAGER

router = APIRouter(prefix="/api/v1/works", tags=["works"])

_FINDING = (WorkNotFound, WorkMerged)


@router.get("", summary="List works", response_model=Page[WorkOut], dependencies=[Depends(limit_search)])
async def list_works(query: Annotated[WorkFilter, Query()], pager: PagerDep, hot: HotDep) -> Response:
    """A page of works by title; merged ones are not among them."""
    return await hot.answer(
        LISTS, partial(queries.list_works, query=query, pager=pager), keep=query.search is None
    )


@router.get("/{work_id}", summary="Read a work", response_model=WorkDetail, responses=problems(*_FINDING))
async def get_work(work_id: RowId, hot: HotDep) -> Response:
    """A work with its editions, the oldest first. Sends an ETag; understands If-None-Match."""
    return await hot.answer(LISTS, _read(work_id))


@router.patch(
    "/{work_id}",
    summary="Change a work",
    response_model=WorkDetail,
    dependencies=[CATALOG_MANAGER],
    responses=problems(*_FINDING),
)
async def change_work(
    work_id: RowId, patch: WorkPatch, precondition: PreconditionDep, session: SessionDep
) -> Response:
    """Set the title of the work; its editions keep theirs."""
    await WorkService.build(session).change(work_id, precondition, patch)
    return await read_back(session, _read(work_id))


def _read(work_id: int) -> ReadQuery:
    return lambda connection: WorkCatalogue(connection).get(work_id)
