"""What the router of categories asks for."""

from typing import Annotated

from fastapi import Depends

from app.catalog.categories.errors import (
    CategoryCycle,
    CategoryInUse,
    CategoryNotFound,
    CategoryTooDeep,
    SlugTaken,
    UnknownCategory,
)
from app.catalog.categories.service import CategoryService
from app.core.db.transaction import SessionDep
from app.core.errors import refuses


@refuses(CategoryNotFound, where=lambda use: use.method != "POST")
@refuses(SlugTaken, UnknownCategory, CategoryTooDeep, where=lambda use: use.method != "DELETE")
@refuses(CategoryCycle, where=lambda use: use.method in {"PUT", "PATCH"})
@refuses(CategoryInUse, where=lambda use: use.method == "DELETE")
async def get_category_service(session: SessionDep) -> CategoryService:
    """Compose it on the request's transaction."""
    return CategoryService.build(session)


CategoryServiceDep = Annotated[CategoryService, Depends(get_category_service, scope="function")]
