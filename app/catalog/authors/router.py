"""`/api/v1/authors`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.catalog.authors import queries
from app.catalog.authors.deps import AuthorServiceDep
from app.catalog.authors.errors import AuthorMerged, AuthorNotFound
from app.catalog.authors.schemas import AuthorFilter, AuthorIn, AuthorOut, AuthorPatch
from app.catalog.cache_groups import AUTHORS
from app.catalog.goods.deps import limit_search
from app.core.db.paging import Page, PagerDep
from app.core.http.conditional import PreconditionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import CATALOG_MANAGER

router = APIRouter(prefix="/api/v1/authors", tags=["authors"], route_class=IdempotentRoute)


@router.get("", summary="List authors", response_model=Page[AuthorOut], dependencies=[Depends(limit_search)])
async def list_authors(query: Annotated[AuthorFilter, Query()], pager: PagerDep, hot: HotDep) -> Response:
    """A page of authors and other contributors, as filed: family name first."""
    return await hot.answer(
        AUTHORS, partial(queries.list_authors, query=query, pager=pager), keep=query.search is None
    )


@router.get(
    "/{author_id}",
    summary="Read an author",
    response_model=AuthorOut,
    responses=problems(AuthorNotFound, AuthorMerged),
)
async def get_author(author_id: RowId, hot: HotDep) -> Response:
    """An author with sort name and aliases. Sends an ETag; understands If-None-Match."""
    return await hot.answer(AUTHORS, partial(queries.get_author, author_id=author_id))


@router.post(
    "",
    status_code=201,
    summary="Add an author",
    response_model=AuthorOut,
    dependencies=[CATALOG_MANAGER, IDEMPOTENT],
)
async def create_author(author: AuthorIn, authors: AuthorServiceDep, read_back: ReadBackDep) -> Response:
    """Add an author; a namesake of another is a second author."""
    author_id = await authors.create(author)
    location = f"/api/v1/authors/{author_id}"
    return await read_back(partial(queries.get_author, author_id=author_id), status=201, location=location)


@router.put(
    "/{author_id}",
    summary="Replace an author",
    response_model=AuthorOut,
    dependencies=[CATALOG_MANAGER],
)
async def replace_author(
    author_id: RowId,
    author: AuthorIn,
    precondition: PreconditionDep,
    authors: AuthorServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set every field; a sort name that is left out is made from the name. All books show the new name at once."""
    await authors.replace(author_id, precondition, author)
    return await read_back(partial(queries.get_author, author_id=author_id))


@router.patch(
    "/{author_id}",
    summary="Change an author",
    response_model=AuthorOut,
    dependencies=[CATALOG_MANAGER],
)
async def change_author(
    author_id: RowId,
    patch: AuthorPatch,
    precondition: PreconditionDep,
    authors: AuthorServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set only what is sent; a sort name made from the old name follows the new one."""
    await authors.change(author_id, precondition, patch)
    return await read_back(partial(queries.get_author, author_id=author_id))


@router.delete(
    "/{author_id}",
    status_code=204,
    summary="Delete an author",
    dependencies=[CATALOG_MANAGER],
)
async def delete_author(author_id: RowId, precondition: PreconditionDep, authors: AuthorServiceDep) -> None:
    """Delete an author who contributed to no book."""
    await authors.delete(author_id, precondition)
