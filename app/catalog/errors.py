"""Refusals of the catalogue."""

from app.core.errors import AppError, on_constraint


class ItemNotFound(AppError):
    """There is no item with this id."""

    status = 404
    code = "item-not-found"
    title = "Item not found"


class BookNotFound(AppError):
    """There is no book with this id or ISBN."""

    status = 404
    code = "book-not-found"
    title = "Book not found"


class AuthorNotFound(AppError):
    """There is no author with this id."""

    status = 404
    code = "author-not-found"
    title = "Author not found"


class CategoryNotFound(AppError):
    """There is no category with this id or slug."""

    status = 404
    code = "category-not-found"
    title = "Category not found"


class InvalidIsbn(AppError):
    """The text is no ISBN: wrong length, wrong check digit, or letters in it."""

    status = 422
    code = "invalid-isbn"
    title = "Not an ISBN"


class IsbnTaken(AppError):
    """Another book has this ISBN."""

    status = 409
    code = "isbn-taken"
    title = "ISBN is taken"


class SkuTaken(AppError):
    """Another item has this SKU."""

    status = 409
    code = "sku-taken"
    title = "SKU is taken"


class NotYourItem(AppError):
    """Only its owner or a moderator may change or delete an item."""

    status = 403
    code = "not-your-item"
    title = "Somebody else's item"


class UnknownAuthor(AppError):
    """A contributor names an author id that does not exist."""

    status = 409
    code = "unknown-author"
    title = "Unknown author"


class UnknownCategory(AppError):
    """A book names a category id that does not exist."""

    status = 409
    code = "unknown-category"
    title = "Unknown category"


class UnknownWork(AppError):
    """A book names a work id that does not exist."""

    status = 409
    code = "unknown-work"
    title = "Unknown work"


class WorkNotFound(AppError):
    """There is no work with this id."""

    status = 404
    code = "work-not-found"
    title = "Work not found"


class SeriesNotFound(AppError):
    """There is no series with this id."""

    status = 404
    code = "series-not-found"
    title = "Series not found"


class SeriesNameTaken(AppError):
    """Another series has this name; case and accents do not count."""

    status = 409
    code = "series-name-taken"
    title = "Name is taken"


class SeriesInUse(AppError):
    """A series with books cannot be deleted."""

    status = 409
    code = "series-in-use"
    title = "Series is in use"


class DuplicateContributor(AppError):
    """The same person stands twice in the same role."""

    status = 409
    code = "duplicate-contributor"
    title = "Contributor named twice"


class KindFixed(AppError):
    """A book stays a book, and nothing else becomes one: its other data would be lost."""

    status = 409
    code = "kind-fixed"
    title = "The kind cannot change"


class StockReserved(AppError):
    """The new quantity is below what is reserved for open orders."""

    status = 409
    code = "stock-reserved"
    title = "Stock is reserved"


class AuthorInUse(AppError):
    """An author who contributed to books cannot be deleted."""

    status = 409
    code = "author-in-use"
    title = "Author is in use"


class CategoryInUse(AppError):
    """A category with books or subcategories cannot be deleted."""

    status = 409
    code = "category-in-use"
    title = "Category is in use"


class SlugTaken(AppError):
    """Another category has this slug."""

    status = 409
    code = "slug-taken"
    title = "Slug is taken"


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


def no_item(item_id: int) -> ItemNotFound:
    """The refusal of an id that no item has."""
    return ItemNotFound(f"There is no item {item_id}.")


def no_book(book_id: int) -> BookNotFound:
    """The refusal of an id that no book has."""
    return BookNotFound(f"There is no book {book_id}.")


def no_book_of_isbn(isbn13: str) -> BookNotFound:
    """The refusal of an ISBN that no book has."""
    return BookNotFound(f"There is no book with the ISBN {isbn13}.")


on_constraint("uq_books_isbn13", IsbnTaken, "isbn", "A book with this ISBN exists already.")
on_constraint("uq_items_sku", SkuTaken, "sku", "An item with this SKU exists already.")
on_constraint(
    "uq_categories_slug", SlugTaken, "slug", "A category with this slug exists already; send another."
)
on_constraint(
    "uq_categories_path", SlugTaken, "slug", "A category with this slug exists already; send another."
)
on_constraint("uq_series_name_folded", SeriesNameTaken, "name", "A series with this name exists already.")
on_constraint(
    "fk_contributors_author_id_authors", UnknownAuthor, "contributors", "An author_id does not exist."
)
on_constraint("fk_works_author_id_authors", UnknownAuthor, "contributors", "An author_id does not exist.")
on_constraint("fk_books_work_id_works", UnknownWork, "work_id", "The work_id does not exist.")
on_constraint(
    "fk_book_categories_category_id_categories",
    UnknownCategory,
    "category_ids",
    "A category id does not exist.",
)
on_constraint(
    "uq_contributors_book_id_author_id_role",
    DuplicateContributor,
    "contributors",
    "The same person stands twice in the same role.",
)
on_constraint("ck_stock_levels_covers_reserved", StockReserved, "quantity", "Some of the stock is reserved.")
