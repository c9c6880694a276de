"""What buyers and staff send and see of returns."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field

from app.core.db.paging import ListQuery
from app.core.http.schemas import Price, RequestModel, ResponseModel, RowId, Timestamp, VisibleLine
from app.sales.models import ReturnStatus
from app.sales.refunds.schemas import LARGEST_LINE, MOST_LINES, RefundLineIn


class ReturnIn(RequestModel):
    """What shall go back, and why."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "lines": [{"line_id": 7, "quantity": 1}],
        "reason": "A present that they have already",
    }

    lines: Annotated[list[RefundLineIn], Field(min_length=1, max_length=MOST_LINES)]
    reason: Annotated[VisibleLine, Field(max_length=500)]


class Condition(StrEnum):
    """How a piece came back: fit to be sold again, or not."""

    NEW = "new"
    DAMAGED = "damaged"


class ReceivedLineIn(RequestModel):
    """So many pieces of a line came back in this condition."""

    line_id: RowId = Field(examples=[7])
    quantity: Annotated[int, Field(ge=1, le=LARGEST_LINE, examples=[1])]
    condition: Condition = Condition.NEW


class ReceivedIn(RequestModel):
    """What came back."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "lines": [{"line_id": 7, "quantity": 1, "condition": "damaged"}]
    }

    lines: Annotated[list[ReceivedLineIn], Field(min_length=1, max_length=2 * MOST_LINES)] | None = Field(
        default=None, description="Without it: everything that was to come, as new."
    )


class RejectionIn(RequestModel):
    """Why not."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"note": "It was read, and written in."}

    note: Annotated[VisibleLine, Field(max_length=500)]


class ReturnRefundIn(RequestModel):
    """What to give back for it."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"amount": 9.5}

    amount: Price | None = Field(
        default=None, description="Without it: what was paid for the pieces that came back.", examples=[9.5]
    )


class ReturnLineOut(ResponseModel):
    """Pieces of a line."""

    line_id: int = Field(examples=[7])
    quantity: int = Field(description="To be sent back.", examples=[2])
    received: int = Field(description="Came back.", examples=[2])
    damaged: int = Field(description="Of those, unfit to be sold.", examples=[1])


class ReturnOut(ResponseModel):
    """A return."""

    id: int = Field(examples=[5])
    order_number: str = Field(examples=["ORD-57483923"])
    status: ReturnStatus
    reason: str = Field(examples=["A present that they have already"])
    note: str | None = Field(description="Why it was rejected.", examples=[None])
    lines: list[ReturnLineOut]
    refund_id: int | None = Field(examples=[None])
    created_at: Timestamp
    updated_at: Timestamp


class ReturnNote(ResponseModel):
    """A return in the timeline of its order."""

    return_id: int


class ReturnsOut(ResponseModel):
    """All returns of an order, the oldest first."""

    items: list[ReturnOut]


class ReturnFilter(ListQuery):
    """Filters of all returns."""

    status: ReturnStatus | None = Field(default=None, description="Only returns that are so far.")
