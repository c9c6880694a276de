"""What clients send and see of related books."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from app.catalog.books.schemas import BookOut
from app.core.http.schemas import ResponseModel


class RelatedReason(StrEnum):
    """Why a book is related, the closest first."""

    BOUGHT_TOGETHER = "bought_together"
    SERIES = "series"
    AUTHOR = "author"
    CATEGORY = "category"


class RelatedQuery(BaseModel):
    """How many."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=10, ge=1, le=20, description="At most so many books.")


class RelatedBook(BookOut):
    """A book that goes with another one."""

    reason: RelatedReason = Field(
        description="What they have in common; `bought_together`: at least three orders of a year.",
        examples=["series"],
    )


class RelatedBooks(ResponseModel):
    """Books that go with a book, the closest first."""

    items: list[RelatedBook]
