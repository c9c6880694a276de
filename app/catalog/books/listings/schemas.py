"""What clients send and see of books below something else."""

from pydantic import Field

from app.catalog.books.schemas import BookFilter, BookOut
from app.catalog.works.schemas import WorkOut
from app.core.db.paging import ListQuery


class SeriesBooksQuery(ListQuery):
    """Which part of a series to show."""


class CategoryBookFilter(BookFilter):
    """Filters of a category's books: all of `/books`, and how far down."""

    include_descendants: bool = Field(default=True, description="false: only books of this very category.")


class WorkDetail(WorkOut):
    """A work with its editions, the oldest first."""

    editions: list[BookOut] = Field(description="At most 200, by year and format.")
