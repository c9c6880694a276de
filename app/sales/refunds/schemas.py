"""What staff send and everybody sees of refunds."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.core.http.schemas import Money, Price, RequestModel, ResponseModel, RowId, Timestamp, VisibleLine
from app.sales.models import RefundStatus

MOST_LINES = 100
LARGEST_LINE = 1000


class RefundLineIn(RequestModel):
    """So many pieces of a line, by the id of the line or of its item."""

    line_id: RowId | None = Field(default=None, examples=[7])
    item_id: RowId | None = Field(default=None, examples=[None])
    quantity: Annotated[int, Field(ge=1, le=LARGEST_LINE, examples=[1])]

    @model_validator(mode="after")
    def _names_one_line(self) -> Self:
        if (self.line_id is None) == (self.item_id is None):
            raise PydanticCustomError("one_of", "name the line either by `line_id` or by `item_id`")
        return self


class RefundIn(RequestModel):
    """What to give back: an amount, or lines with what was paid for them."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "lines": [{"line_id": 7, "quantity": 1}],
        "reason": "A page is missing",
        "restock": True,
    }

    amount: Price | None = Field(default=None, examples=[12.5])
    lines: Annotated[list[RefundLineIn], Field(min_length=1, max_length=MOST_LINES)] | None = None
    reason: Annotated[VisibleLine, Field(max_length=200)]
    restock: bool = Field(
        default=False,
        description="With `lines`: their pieces are in stock again, or no longer set apart where they were not sent.",
    )

    @model_validator(mode="after")
    def _says_how_much(self) -> Self:
        if (self.amount is None) == (self.lines is None):
            raise PydanticCustomError("one_of", "send either `amount` or `lines`")
        if self.restock and self.lines is None:
            raise PydanticCustomError("restock_without_lines", "`restock` needs `lines`")
        return self


class RefundedLineOut(ResponseModel):
    """So many pieces of a line."""

    line_id: int = Field(examples=[7])
    quantity: int = Field(examples=[1])


class RefundPartOut(ResponseModel):
    """What goes back the way of one payment."""

    payment_id: int = Field(examples=[7])
    provider: str = Field(examples=["fake"])
    amount: Money = Field(examples=[12.5])
    status: RefundStatus
    failure_code: str | None = Field(description="Why it failed, as the provider says.", examples=[None])


class RefundOut(ResponseModel):
    """Money given back."""

    id: int = Field(examples=[3])
    amount: Money = Field(examples=[12.5])
    currency: str = Field(description="ISO 4217.", examples=["EUR"])
    status: RefundStatus = Field(description="`pending` until every provider has said what became of it.")
    reason: str = Field(examples=["A page is missing"])
    lines: list[RefundedLineOut] | None = Field(examples=[None])
    restocked: bool = Field(examples=[False])
    parts: list[RefundPartOut] = Field(description="Per payment; gift cards come last.")
    created_at: Timestamp


class RefundNote(ResponseModel):
    """A refund in the timeline of its order."""

    refund_id: int
    amount: Money


class RefundsOut(ResponseModel):
    """All refunds of an order, the oldest first."""

    items: list[RefundOut]
    refundable: Money = Field(description="What is left to give back.", examples=[30])
    currency: str = Field(description="ISO 4217.", examples=["EUR"])
