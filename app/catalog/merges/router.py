"""`/api/v1/admin`: merging authors and works, and undoing it."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.catalog.authors.errors import AuthorNotFound
from app.catalog.merges import queries
from app.catalog.merges.errors import (
    AlreadyMerged,
    AlreadyUndone,
    MergedFurther,
    MergeIntoItself,
    MergeNotFound,
    TooManyAliases,
    UnknownMergeTarget,
)
from app.catalog.merges.schemas import MergeDone, MergeFilter, MergeIn, MergeOut, MergeUndone
from app.catalog.merges.service import MergeService
from app.catalog.works.errors import WorkNotFound
from app.core.db.paging import Page, PagerDep
from app.core.db.transaction import SessionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import CATALOG_MANAGER, CatalogManager

router = APIRouter(prefix="/api/v1/admin", tags=["admin"], route_class=IdempotentRoute)

_MERGING = (AlreadyMerged, MergeIntoItself, UnknownMergeTarget)


async def get_merge_service(session: SessionDep) -> MergeService:
    """Merges on the request's transaction."""
    return MergeService.build(session)


MergeServiceDep = Annotated[MergeService, Depends(get_merge_service, scope="function")]


@router.post(
    "/authors/{author_id}/merge",
    summary="Merge an author into another one",
    responses=problems(AuthorNotFound, *_MERGING, TooManyAliases),
    dependencies=[IDEMPOTENT],
)
async def merge_author(
    author_id: RowId, request: MergeIn, manager: CatalogManager, merges: MergeServiceDep
) -> MergeDone:
    """Give books and works of this author to the other one, and the names as aliases; the old id answers 308.

    A book that names both in one role keeps the first in print. More aliases than an author may have are
    refused. Two works of one title stay two; they are listed in the answer.
    """
    return await merges.merge_authors(manager, author_id, request.into)


@router.post(
    "/works/{work_id}/merge",
    summary="Merge a work into another one",
    responses=problems(WorkNotFound, *_MERGING),
    dependencies=[IDEMPOTENT],
)
async def merge_work(
    work_id: RowId, request: MergeIn, manager: CatalogManager, merges: MergeServiceDep
) -> MergeDone:
    """Make the editions of this work editions of the other one; the old id answers 308."""
    return await merges.merge_works(manager, work_id, request.into)


@router.get("/merges", summary="List merges", response_model=Page[MergeOut], dependencies=[CATALOG_MANAGER])
async def list_merges(query: Annotated[MergeFilter, Query()], pager: PagerDep, hot: HotDep) -> Response:
    """A page of merges, newest first, undone ones too."""
    return await hot.answer_private(partial(queries.list_merges, query=query, pager=pager))


@router.post(
    "/merges/{merge_id}/undo",
    summary="Undo a merge",
    responses=problems(MergeNotFound, AlreadyUndone, MergedFurther),
)
async def undo_merge(merge_id: RowId, manager: CatalogManager, merges: MergeServiceDep) -> MergeUndone:
    """Give back exactly what the merge moved; what was edited since stays, and the answer lists those books."""
    return await merges.undo(manager, merge_id)
