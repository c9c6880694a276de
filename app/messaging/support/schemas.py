"""Messages as clients see them."""

from enum import StrEnum

from pydantic import Field

from app.core.db.paging import ListQuery
from app.core.http.schemas import ResponseModel, Timestamp


class Author(StrEnum):
    """Who wrote."""

    BUYER = "buyer"
    STAFF = "staff"


class SupportMessageFilter(ListQuery):
    """Parameters of the list: the latest first."""


class OfOneOrder(SupportMessageFilter):
    """As above, and of which order for whom: a cursor is good for that alone."""

    number: str
    user_id: int | None


class SupportMessageOut(ResponseModel):
    """A message about an order."""

    id: int = Field(examples=[7])
    author: Author = Field(description="What whoever wrote it was then.")
    content: str = Field(examples=["Can it be gift-wrapped?"])
    created_at: Timestamp = Field(examples=["2026-11-30T10:00:00Z"])
