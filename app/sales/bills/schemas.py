"""What is sent and seen of invoices that come to the shop, and of the callback when one is paid."""

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from app.core.db.paging import ListQuery
from app.core.http.schemas import (
    OF_SHOP,
    Line,
    Money,
    RequestModel,
    ResponseModel,
    RowId,
    Timestamp,
    VisibleLine,
    shaped,
)
from app.sales.models import CallbackState

Number = Annotated[
    str,
    *shaped(
        "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        "up to 100 letters, digits, dots, dashes and underscores, a letter or digit first",
    ),
    Field(description="The sender's own id of the invoice.", examples=["INV-2026-17"]),
]
Total = Annotated[Money, Field(ge=0, description="In the shop's currency.", examples=[119.0]), OF_SHOP]


class BillIn(RequestModel):
    """An invoice to the shop."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "id": "INV-2026-17",
        "title": "Shelves",
        "customer": "Bookstore",
        "total": 119.0,
    }

    id: Number
    title: Annotated[VisibleLine, Field(max_length=200)] | None = None
    customer: Annotated[VisibleLine, Field(max_length=200, description="Who is to pay.")]
    total: Total


class BillReceived(ResponseModel):
    """The invoice is here."""

    msg: str = Field(default="Invoice received", examples=["Invoice received"])


class CallbackTarget(BaseModel):
    """Where to tell that the invoice is paid."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    callback_url: Annotated[Line, Field(min_length=1)] | None = Field(
        default=None,
        description="When the invoice is paid, `/invoices/{id}` below this address is called. HTTPS at port 443 of a"
        " public host, without query and fragment.",
        examples=["https://www.external.org"],
    )


class BillCallback(RequestModel):
    """What the shop sends when the invoice is paid."""

    description: str = Field(description="The invoice's title, else its id.", examples=["Shelves"])
    paid: bool = Field(examples=[True])


class BillCallbackAnswer(ResponseModel):
    """What the shop expects to be answered."""

    ok: bool = Field(description="Kept with the invoice; any 2xx ends the calls.", examples=[True])


class BillCallbackOut(ResponseModel):
    """How the sender was told."""

    url: str = Field(
        description="What is called.", examples=["https://www.external.org/invoices/INV-2026-17"]
    )
    state: CallbackState
    tries: int = Field(examples=[1])
    last_at: Timestamp | None = Field(description="When it was last called.")
    status: int | None = Field(description="Of the last answer; null: there was none.", examples=[200])
    ok: bool | None = Field(description="What the answer said.", examples=[True])
    error: str | None = Field(description="Why the last call failed.", examples=[None])


class BillOut(ResponseModel):
    """An invoice to the shop, and whether it is paid."""

    id: str = Field(description="The sender's own.", examples=["INV-2026-17"])
    sender_id: RowId = Field(description="The account that sent it.", examples=[7])
    title: str | None = Field(examples=["Shelves"])
    customer: str = Field(examples=["Bookstore"])
    total: Money = Field(examples=[119.0])
    currency: str = Field(description="ISO 4217.", examples=["EUR"])
    is_paid: bool = Field(examples=[False])
    paid_at: Timestamp | None
    callback: BillCallbackOut | None = Field(description="null: nobody asked to be called.")
    version: int = Field(description="Row version, as in the ETag.", examples=[1])
    created_at: Timestamp
    updated_at: Timestamp


class BillChoice(BaseModel):
    """Whose invoice is meant; whoever sends them has no need to say."""

    model_config = ConfigDict(extra="forbid")

    sender_id: RowId | None = Field(
        default=None, description="For staff, where several senders have an invoice with the id."
    )


class BillFilter(ListQuery):
    """Filters of the invoices. All must hold."""

    sender_id: RowId | None = Field(default=None, description="Only of this account.")
    is_paid: bool | None = Field(default=None, description="Only paid ones, or only those that are not.")
