"""`/api/v1/admin/search/synonyms`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.catalog.search.synonyms import queries
from app.catalog.search.synonyms.deps import SynonymServiceDep
from app.catalog.search.synonyms.errors import SynonymNotFound
from app.catalog.search.synonyms.schemas import SynonymFilter, SynonymIn, SynonymOut, SynonymPatch
from app.core.db.paging import Page, PagerDep
from app.core.http.conditional import PreconditionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import CATALOG_MANAGER

router = APIRouter(prefix="/api/v1/admin/search/synonyms", tags=["admin"], route_class=IdempotentRoute)


@router.get("", summary="List synonyms", response_model=Page[SynonymOut], dependencies=[CATALOG_MANAGER])
async def list_synonyms(query: Annotated[SynonymFilter, Query()], pager: PagerDep, hot: HotDep) -> Response:
    """A page of synonyms, the newest first."""
    return await hot.answer_private(partial(queries.list_synonyms, query=query, pager=pager))


@router.get(
    "/{synonym_id}",
    summary="Read a synonym",
    response_model=SynonymOut,
    dependencies=[CATALOG_MANAGER],
    responses=problems(SynonymNotFound),
)
async def get_synonym(synonym_id: RowId, hot: HotDep) -> Response:
    """A synonym. Sends an ETag for `If-Match`."""
    return await hot.answer_private(partial(queries.get_synonym, synonym_id=synonym_id))


@router.post(
    "",
    status_code=201,
    summary="Add a synonym",
    response_model=SynonymOut,
    dependencies=[CATALOG_MANAGER, IDEMPOTENT],
)
async def create_synonym(synonym: SynonymIn, synonyms: SynonymServiceDep, read_back: ReadBackDep) -> Response:
    """Terms that find one another; with `finds`, they find that instead of one another. Counts at once."""
    synonym_id = await synonyms.create(synonym)
    location = f"/api/v1/admin/search/synonyms/{synonym_id}"
    return await read_back(partial(queries.get_synonym, synonym_id=synonym_id), status=201, location=location)


@router.put(
    "/{synonym_id}",
    summary="Replace a synonym",
    response_model=SynonymOut,
    dependencies=[CATALOG_MANAGER],
)
async def replace_synonym(
    synonym_id: RowId,
    synonym: SynonymIn,
    precondition: PreconditionDep,
    synonyms: SynonymServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set both fields. Counts at once."""
    await synonyms.change(synonym_id, precondition, synonym)
    return await read_back(partial(queries.get_synonym, synonym_id=synonym_id))


@router.patch(
    "/{synonym_id}",
    summary="Change a synonym",
    response_model=SynonymOut,
    dependencies=[CATALOG_MANAGER],
)
async def change_synonym(
    synonym_id: RowId,
    patch: SynonymPatch,
    precondition: PreconditionDep,
    synonyms: SynonymServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set only what is sent; null in `finds` lets the terms find one another. Counts at once."""
    await synonyms.change(synonym_id, precondition, patch)
    return await read_back(partial(queries.get_synonym, synonym_id=synonym_id))


@router.delete(
    "/{synonym_id}",
    status_code=204,
    summary="Delete a synonym",
    dependencies=[CATALOG_MANAGER],
)
async def delete_synonym(
    synonym_id: RowId, precondition: PreconditionDep, synonyms: SynonymServiceDep
) -> None:
    """Delete a synonym. Counts at once."""
    await synonyms.delete(synonym_id, precondition)
