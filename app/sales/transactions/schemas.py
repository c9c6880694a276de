"""What buyers and staff see of the money that moved."""

from typing import Annotated, Literal

from pydantic import Field

from app.core.http.schemas import ResponseModel, Timestamp

LONGEST_DESCRIPTION = 100


class TransactionOut(ResponseModel):
    """Money that came in, or went back."""

    id: str = Field(description="Of its kind and number.", examples=["payment-7"])
    kind: Literal["payment", "refund"]
    amount: str = Field(description="A decimal as text; what went back is negative.", examples=["38.75"])
    currency: str = Field(description="ISO 4217.", examples=["EUR"])
    timestamp: Timestamp = Field(description="When it was captured, or went back.")
    description: Annotated[str, Field(max_length=LONGEST_DESCRIPTION, examples=["Payment by stripe"])]


class TransactionsOut(ResponseModel):
    """An order's transactions, the oldest first; they add up to what the shop has of it.

    A refund that goes several ways, such as to a gift card and a card, is one for each.
    """

    items: list[TransactionOut]
