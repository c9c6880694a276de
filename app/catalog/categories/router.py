"""`/api/v1/categories`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.catalog.cache_groups import CATEGORIES
from app.catalog.categories import queries
from app.catalog.categories.deps import CategoryServiceDep
from app.catalog.categories.errors import CategoryNotFound
from app.catalog.categories.schemas import (
    CategoryIn,
    CategoryKey,
    CategoryOut,
    CategoryPatch,
    CategoryTree,
    TreeFilter,
)
from app.core.http.conditional import PreconditionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.identity.authentication.deps import CATALOG_MANAGER

router = APIRouter(prefix="/api/v1/categories", tags=["categories"], route_class=IdempotentRoute)


@router.get(
    "", summary="Read the category tree", response_model=CategoryTree, responses=problems(CategoryNotFound)
)
async def list_categories(query: Annotated[TreeFilter, Query()], hot: HotDep) -> Response:
    """The tree, siblings by name; `depth` levels of it, from the root or below `parent`."""
    return await hot.answer(CATEGORIES, partial(queries.get_tree, query=query))


@router.get(
    "/{category}",
    summary="Read a category",
    response_model=CategoryOut,
    responses=problems(CategoryNotFound),
)
async def get_category(category: CategoryKey, hot: HotDep) -> Response:
    """A category by slug or id, with its ancestors for a breadcrumb and its direct children."""
    return await hot.answer(CATEGORIES, partial(queries.get_category, key=category))


@router.post(
    "",
    status_code=201,
    summary="Add a category",
    response_model=CategoryOut,
    dependencies=[CATALOG_MANAGER, IDEMPOTENT],
)
async def create_category(
    category: CategoryIn, categories: CategoryServiceDep, read_back: ReadBackDep
) -> Response:
    """Add a category at the root or below `parent_id`; without `slug` one is made from the name."""
    category_id = await categories.create(category)
    location = f"/api/v1/categories/{category_id}"
    return await read_back(partial(queries.get_category, key=str(category_id)), status=201, location=location)


@router.put(
    "/{category}",
    summary="Replace a category",
    response_model=CategoryOut,
    dependencies=[CATALOG_MANAGER],
)
async def replace_category(
    category: CategoryKey,
    replacement: CategoryIn,
    precondition: PreconditionDep,
    categories: CategoryServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set every field: without `slug` one is made from the name, without `parent_id` it moves to the root."""
    category_id = await categories.replace(category, precondition, replacement)
    return await read_back(partial(queries.get_category, key=str(category_id)))


@router.patch(
    "/{category}",
    summary="Rename or move a category",
    response_model=CategoryOut,
    dependencies=[CATALOG_MANAGER],
)
async def change_category(
    category: CategoryKey,
    patch: CategoryPatch,
    precondition: PreconditionDep,
    categories: CategoryServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set only what is sent. `parent_id` moves the category with all below it; null moves it to the root."""
    category_id = await categories.change(category, precondition, patch)
    return await read_back(partial(queries.get_category, key=str(category_id)))


@router.delete(
    "/{category}",
    status_code=204,
    summary="Delete a category",
    dependencies=[CATALOG_MANAGER],
)
async def delete_category(
    category: CategoryKey, precondition: PreconditionDep, categories: CategoryServiceDep
) -> None:
    """Delete a category that has neither items nor subcategories."""
    await categories.delete(category, precondition)
