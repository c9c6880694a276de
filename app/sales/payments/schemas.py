"""What buyers send and see of payments."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.core.http.schemas import Line, Money, RequestModel, ResponseModel, Timestamp
from app.sales.models import PaymentStatus
from app.sales.payments.port import Card


class ProviderName(StrEnum):
    """Who takes the money."""

    FAKE = "fake"
    STRIPE = "stripe"
    GIFT_CARD = "gift_card"


class PaymentIn(RequestModel):
    """How the buyer wants to pay."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"provider": "fake", "card": "ok"}

    provider: ProviderName
    card: Card | None = Field(
        default=None,
        description="With `fake` alone: what the payment shall do. Data of real cards goes from the browser to the"
        " provider, and never comes here.",
    )

    code: Annotated[Line, Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="With `gift_card` alone: its code.", examples=[None]
    )

    @model_validator(mode="after")
    def _says_what_its_provider_takes(self) -> Self:
        if self.card is not None and self.provider is not ProviderName.FAKE:
            raise PydanticCustomError("card_of_another_provider", "only `fake` has cards here")
        if (self.code is None) == (self.provider is ProviderName.GIFT_CARD):
            raise PydanticCustomError(
                "code_of_gift_card", "`gift_card` needs a `code`, and nothing else has one"
            )
        return self


class PaymentOut(ResponseModel):
    """A payment of an order."""

    id: int = Field(examples=[7])
    provider: str = Field(description="`cash` and `card` are the till's.", examples=["fake"])
    status: PaymentStatus
    amount: Money = Field(examples=[42.5])
    currency: str = Field(description="ISO 4217.", examples=["EUR"])
    refunded: Money = Field(description="What of it went back, or is on its way back.", examples=[0])
    failure_code: str | None = Field(description="Why it failed, as the provider says.", examples=[None])
    created_at: Timestamp
    captured_at: Timestamp | None
    disputed_at: Timestamp | None = Field(
        description="Since when the bank of whoever paid wants it back; meanwhile nothing of the order is refunded.",
        examples=[None],
    )


class PaymentBegunOut(PaymentOut):
    """A payment, and what the buyer's browser needs to go on with it."""

    client_secret: str | None = Field(
        description="With `requires_action`: for the provider's own script in the browser. Told here alone.",
        examples=[None],
    )


class PaymentsOut(ResponseModel):
    """All payments of an order, the oldest first."""

    items: list[PaymentOut]
    due: Money = Field(description="What is left to pay.", examples=[0])
    currency: str = Field(description="ISO 4217.", examples=["EUR"])


class PaymentWebhookOut(ResponseModel):
    """The event is stored; what follows from it is done afterwards."""

    received: bool = Field(examples=[True])
