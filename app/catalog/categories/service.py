"""Editing the category tree."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import CATEGORIES
from app.catalog.categories.errors import (
    CategoryCycle,
    CategoryInUse,
    CategoryTooDeep,
    UnknownCategory,
    no_category,
)
from app.catalog.categories.repository import CategoryRepository
from app.catalog.categories.schemas import (
    DEEPEST,
    CategoryIn,
    CategoryPatch,
)
from app.catalog.models import Category
from app.core.audit import differences, record_audit, record_edit
from app.core.cache.hot import EVERYTHING, invalidate
from app.core.http.conditional import Precondition


class CategoryService:
    """Edits the tree, one writer at a time."""

    def __init__(self, session: AsyncSession, categories: CategoryRepository) -> None:
        self._session = session
        self._categories = categories

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, CategoryRepository(session))

    async def create(self, request: CategoryIn) -> int:
        """Add a category; returns its id. Raises SlugTaken, UnknownCategory, CategoryTooDeep."""
        await self._categories.lock_tree()
        parent = await self._find_parent(request.parent_id)
        path = _path(parent, request.stated_slug)
        _check_depth(_depth(path))
        category = Category(
            name=request.name, slug=request.stated_slug, path=path, parent_id=request.parent_id
        )
        await self._categories.add(category)
        record_audit(self._session, "category.created", ("category", category.id), {"path": (None, path)})
        invalidate(self._session, CATEGORIES)
        return category.id

    async def replace(self, key: str, precondition: Precondition, request: CategoryIn) -> int:
        """Set every field; returns the id.

        Raises CategoryNotFound, StaleVersion, SlugTaken, UnknownCategory, CategoryTooDeep, CategoryCycle.
        """
        category = await self._lock(key, precondition)
        await self._set(category, request.name, request.stated_slug, request.parent_id)
        return category.id

    async def change(self, key: str, precondition: Precondition, patch: CategoryPatch) -> int:
        """Set the fields that were sent; returns the id. Nothing sent changes nothing. Raises what `replace` does."""
        category = await self._lock(key, precondition)
        sent = patch.model_fields_set
        if sent:
            name = patch.name if "name" in sent else category.name
            slug = patch.slug if "slug" in sent else category.slug
            parent_id = patch.parent_id if "parent_id" in sent else category.parent_id
            await self._set(category, name, slug, parent_id)
        return category.id

    async def delete(self, key: str, precondition: Precondition) -> None:
        """Delete a category without items and subcategories. Raises CategoryNotFound, StaleVersion, CategoryInUse."""
        category = await self._lock(key, precondition)
        # Locked, so that no item enters between the check and the end.
        await self._categories.lock_subtree(category.path)
        if await self._categories.is_in_use(category.id):
            raise CategoryInUse("Take its items out and delete or move its subcategories first.")
        target = ("category", category.id)
        record_audit(self._session, "category.deleted", target, {"path": (category.path, None)})
        await self._categories.delete(category)
        invalidate(self._session, EVERYTHING)

    async def _lock(self, key: str, precondition: Precondition) -> Category:
        await self._categories.lock_tree()
        category = await self._categories.find(key)
        if category is None:
            raise no_category(key)
        precondition.check(category.version)
        return category

    async def _set(self, category: Category, name: str, slug: str, parent_id: int | None) -> None:
        """Give the category its name and place, and all below it their paths."""
        parent = await self._find_parent(parent_id)
        old, new = category.path, _path(parent, slug)
        if parent is not None and f"{parent.path}/".startswith(f"{old}/"):
            raise CategoryCycle("A category cannot stand below itself or one of its descendants.")
        if new != old:
            paths = await self._categories.lock_subtree(old)
            _check_depth(_depth(new) + max(map(_depth, paths)) - _depth(old))
        values = {"name": name, "slug": slug, "parent_id": parent_id, "path": new}
        changes = differences(category, values)
        record_edit(self._session, "category.changed", ("category", category.id), changes)
        # Set together, at the end: a query between two of them would write twice and raise the version twice.
        category.name, category.slug = name, slug
        category.parent_id, category.path = parent_id, new
        await self._categories.flush()
        if new != old:
            await self._categories.move_descendants(old, new)
        # Books show their categories, and lists of books are cut by them.
        invalidate(self._session, EVERYTHING)

    async def _find_parent(self, parent_id: int | None) -> Category | None:
        if parent_id is None:
            return None
        parent = await self._categories.find_parent(parent_id)
        if parent is None:
            message = f"There is no category {parent_id}."
            raise UnknownCategory(message, errors=UnknownCategory.about("parent_id", message))
        return parent


def _path(parent: Category | None, slug: str) -> str:
    return slug if parent is None else f"{parent.path}/{slug}"


def _depth(path: str) -> int:
    return path.count("/") + 1


def _check_depth(depth: int) -> None:
    if depth > DEEPEST:
        raise CategoryTooDeep(f"The tree may have {DEEPEST} levels; this would make {depth}.")
