"""What clients send and see of alerts."""

from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from app.core.db.paging import ListQuery
from app.core.http.schemas import Line, Money, Price, RequestModel, ResponseModel, RowId, Timestamp
from app.identity.accounts.profile_fields import Email
from app.messaging.alerts.models import AlertKind, AlertState

ASKED = "If there is no such alert at the address yet, a mail with a link to confirm it is on its way."

Below = Annotated[
    Price | None,
    Field(
        description="Tell when it costs less than this; without it, less than it costs now.", examples=[9.5]
    ),
]


class PriceAlertIn(RequestModel):
    """Which price to tell."""

    below: Below = None


class AlertIn(RequestModel):
    """What to tell to an address without an account."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "kind": "price-drop",
        "email": "ada@example.com",
        "below": 9.5,
    }

    kind: AlertKind
    email: Email
    below: Below = None

    @field_validator("below")
    @classmethod
    def _is_of_prices(cls, below: Price | None, info: ValidationInfo) -> Price | None:
        if below is not None and info.data.get("kind") is AlertKind.BACK_IN_STOCK:
            raise PydanticCustomError("not_of_this_kind", "is of `price-drop` alone")
        return below


class AlertAskedOut(ResponseModel):
    """The same for every address."""

    message: str = Field(default=ASKED, examples=[ASKED])


class AlertProof(RequestModel):
    """The token that was mailed to the address."""

    token: Annotated[
        Line,
        Field(
            min_length=20,
            max_length=200,
            description="From the link in the mail; works once, for 48 hours.",
            examples=["n3nFqpHaOXn1S5H0kQJ3mU1bVOr9gJkP8aUeYl0cYdE"],
        ),
    ]


class ConfirmedAlertOut(ResponseModel):
    """The alert that waits now."""

    item_id: RowId = Field(examples=[42])
    kind: AlertKind
    state: AlertState = AlertState.ACTIVE


class AlertOut(ResponseModel):
    """An alert of one's own."""

    item_id: RowId = Field(examples=[42])
    title: str = Field(examples=["The Left Hand of Darkness"])
    kind: AlertKind
    state: AlertState = Field(description="`done`: it was told, and waits for nothing any more.")
    below: Money | None = Field(description="Of `price-drop`: told below this price.", examples=[9.5])
    price: Money | None = Field(description="What the item cost when the alert was set.", examples=[12.9])
    currency: str = Field(examples=["EUR"])
    created_at: Timestamp
    done_at: Timestamp | None


class AlertFilter(ListQuery):
    """Which alerts to list."""

    kind: AlertKind | None = Field(None, description="Of this kind alone.")
    state: AlertState | None = Field(None, description="In this state alone.")
