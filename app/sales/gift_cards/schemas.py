"""What staff and customers send and see of gift cards."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from app.core.clock import shop_today
from app.core.db.paging import ListQuery
from app.core.db.sorting import DistinctKeys, SplitKeys
from app.core.http.schemas import (
    OF_SHOP,
    OMITTED,
    Line,
    Money,
    PatchModel,
    RequestModel,
    ResponseModel,
    RowId,
    Timestamp,
    VisibleLine,
)
from app.sales.models import EntryKind

LARGEST_CARD = Decimal(10_000)


def _not_past(day: date) -> date:
    if day < shop_today():
        raise ValueError("must not lie in the past")
    return day


Note = Annotated[
    VisibleLine, Field(max_length=200, description="For staff alone.", examples=["Order 2030-117, for Ada"])
]
ExpiresOn = Annotated[
    date,
    AfterValidator(_not_past),
    Field(
        description="The last day on which it is good, in the shop; null: for ever.", examples=["2099-12-31"]
    ),
]
Code = Annotated[
    Line,
    Field(
        min_length=1,
        max_length=100,
        description="However it is written: case, dashes and blanks do not count.",
        examples=["7K3M-9QXD-4T0H-W2RB"],
    ),
]


class GiftCardIn(RequestModel):
    """A new gift card."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"amount": 50, "expires_on": "2099-12-31"}

    amount: Annotated[Money, Field(gt=0, le=LARGEST_CARD, description="In the shop's currency."), OF_SHOP]
    expires_on: ExpiresOn | None = None
    note: Note | None = None


class GiftCardPatch(PatchModel):
    """A partial change of a gift card; what is on it changes by purchases alone."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"is_active": False, "note": "Reported as stolen"}

    expires_on: ExpiresOn | None = None
    note: Note | None = None
    is_active: Annotated[bool, Field(description="false: nobody can pay with it.")] = OMITTED


class BalanceQuestion(RequestModel):
    """The code of a gift card."""

    code: Code


class BalanceOut(ResponseModel):
    """What is on a gift card."""

    last4: str = Field(description="How the code ends.", examples=["W2RB"])
    balance: Money = Field(examples=[32.5])
    currency: str = Field(description="ISO 4217.", examples=["EUR"])
    expires_on: date | None = Field(description="The last day on which it is good.", examples=["2099-12-31"])


class GiftCardOut(BalanceOut):
    """A gift card, without its code, which nobody can read again."""

    id: RowId = Field(examples=[5])
    note: str | None = Field(examples=["Order 2030-117, for Ada"])
    is_active: bool = Field(examples=[True])
    version: int = Field(description="Row version, as in the ETag; raised by every edit.", examples=[1])
    created_at: Timestamp
    updated_at: Timestamp


class GiftCardIssued(GiftCardOut):
    """A new gift card; the code is shown this once."""

    code: str = Field(
        description="For the customer. It cannot be read again.", examples=["7K3M-9QXD-4T0H-W2RB"]
    )


class EntryOut(ResponseModel):
    """One entry of a gift card's ledger; none is ever changed or deleted."""

    id: RowId = Field(examples=[311])
    kind: EntryKind
    amount: Money = Field(description="Below zero where it was spent.", examples=[-17.5])
    balance_after: Money = Field(description="On the card after it.", examples=[32.5])
    order_id: int | None = Field(description="The order that took it, or had it back.", examples=[42])
    actor_id: int | None = Field(description="Who issued it.", examples=[None])
    created_at: Timestamp


class GiftCardSort(StrEnum):
    """Sort keys; `-` before a key turns it round."""

    CREATED_AT = "created_at"
    CREATED_AT_DESC = "-created_at"
    BALANCE = "balance"
    BALANCE_DESC = "-balance"


class GiftCardFilter(ListQuery):
    """Filters and order of the gift cards."""

    last4: Annotated[Line, Field(max_length=4)] | None = Field(
        default=None, description="Only those whose code ends so.", examples=["W2RB"]
    )
    is_active: bool | None = Field(default=None, description="Only those that are active, or are not.")
    has_balance: bool | None = Field(
        default=None, description="true: something is on it; false: it is empty."
    )
    is_expired: bool | None = Field(default=None, description="Only those that are over, or are not.")
    sort: Annotated[list[GiftCardSort], SplitKeys, DistinctKeys] = Field(
        default=[GiftCardSort.CREATED_AT_DESC], description="Comma-separated keys; the id decides ties."
    )
