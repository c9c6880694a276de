"""The books of an author, of a series and of a category; and `/api/v1/works/{work_id}`, which shows its editions."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.catalog.authors.errors import AuthorMerged, AuthorNotFound
from app.catalog.books.listings import queries
from app.catalog.books.listings.schemas import CategoryBookFilter, SeriesBooksQuery, WorkDetail
from app.catalog.books.schemas import BookFilter, BookOut
from app.catalog.cache_groups import LISTS
from app.catalog.categories.errors import CategoryNotFound
from app.catalog.categories.schemas import CategoryKey
from app.catalog.goods.deps import limit_search
from app.catalog.series.errors import SeriesNotFound
from app.catalog.works.errors import WorkMerged, WorkNotFound
from app.catalog.works.schemas import WorkPatch
from app.catalog.works.service import WorkService
from app.core.db.paging import Page, PagerDep
from app.core.db.transaction import SessionDep
from app.core.http.conditional import PreconditionDep
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import CATALOG_MANAGER

router = APIRouter(prefix="/api/v1")


@router.get(
    "/authors/{author_id}/books",
    tags=["authors"],
    summary="List an author's books",
    response_model=Page[BookOut],
    dependencies=[Depends(limit_search)],
    responses=problems(AuthorNotFound, AuthorMerged),
)
async def list_author_books(
    author_id: RowId, query: Annotated[BookFilter, Query()], pager: PagerDep, hot: HotDep
) -> Response:
    """A page of the books that the author contributed to, in whatever role; takes every filter of `/books`."""
    read = partial(queries.list_author_books, author_id=author_id, query=query, pager=pager)
    return await hot.answer(LISTS, read, keep=query.search is None)


@router.get(
    "/series/{series_id}/books",
    tags=["series"],
    summary="List the books of a series",
    response_model=Page[BookOut],
    responses=problems(SeriesNotFound),
)
async def list_series_books(
    series_id: RowId, query: Annotated[SeriesBooksQuery, Query()], pager: PagerDep, hot: HotDep
) -> Response:
    """A page of the books by the number in their position, then by its text; those without a number come last."""
    read = partial(queries.list_series_books, series_id=series_id, query=query, pager=pager)
    return await hot.answer(LISTS, read)


@router.get(
    "/categories/{category}/books",
    tags=["categories"],
    summary="List a category's books",
    response_model=Page[BookOut],
    dependencies=[Depends(limit_search)],
    responses=problems(CategoryNotFound),
)
async def list_category_books(
    category: CategoryKey, query: Annotated[CategoryBookFilter, Query()], pager: PagerDep, hot: HotDep
) -> Response:
    """A page of the books of a category and its descendants; takes every filter of `/books`."""
    read = partial(queries.list_category_books, key=category, query=query, pager=pager)
    return await hot.answer(LISTS, read, keep=query.search is None)


@router.get(
    "/works/{work_id}",
    tags=["works"],
    summary="Read a work",
    response_model=WorkDetail,
    responses=problems(WorkNotFound, WorkMerged),
)
async def get_work(work_id: RowId, hot: HotDep) -> Response:
    """A work with its editions, the oldest first. Sends an ETag; understands If-None-Match."""
    return await hot.answer(LISTS, partial(queries.get_work, work_id=work_id))


@router.patch(
    "/works/{work_id}",
    tags=["works"],
    summary="Change a work",
    response_model=WorkDetail,
    dependencies=[CATALOG_MANAGER],
    responses=problems(WorkNotFound, WorkMerged),
)
async def change_work(
    work_id: RowId,
    patch: WorkPatch,
    precondition: PreconditionDep,
    session: SessionDep,
    read_back: ReadBackDep,
) -> Response:
    """Set the title of the work; its editions keep theirs."""
    await WorkService.build(session).change(work_id, precondition, patch)
    return await read_back(partial(queries.get_work, work_id=work_id))
