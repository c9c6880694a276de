"""Refusals about categories."""

from app.core.errors import AppError, on_constraint


class CategoryNotFound(AppError):
    """There is no category with this id or slug."""

    status = 404
    code = "category-not-found"
    title = "Category not found"


class UnknownCategory(AppError):
    """An item names a category id that does not exist."""

    status = 409
    code = "unknown-category"
    title = "Unknown category"


class SlugTaken(AppError):
    """Another category has this slug."""

    status = 409
    code = "slug-taken"
    title = "Slug is taken"


class CategoryInUse(AppError):
    """A category with items or subcategories cannot be deleted."""

    status = 409
    code = "category-in-use"
    title = "Category is in use"


class CategoryCycle(AppError):
    """A category cannot stand below itself."""

    status = 409
    code = "category-cycle"
    title = "A category cannot contain itself"


class CategoryTooDeep(AppError):
    """The tree has a greatest depth."""

    status = 409
    code = "category-too-deep"
    title = "Too many levels"


def no_category(key: str) -> CategoryNotFound:
    """Refuse an id or slug that no category has."""
    return CategoryNotFound(f"There is no category {key}.")


on_constraint(
    "fk_book_categories_category_id_categories",
    UnknownCategory,
    "category_ids",
    "A category id does not exist.",
)
on_constraint(
    "uq_categories_slug", SlugTaken, "slug", "A category with this slug exists already; send another."
)
on_constraint(
    "uq_categories_path", SlugTaken, "slug", "A category with this slug exists already; send another."
)
