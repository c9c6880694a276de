"""What clients send and see of the newsletter."""

from typing import Annotated

from pydantic import Field

from app.core.http.schemas import Line, RequestModel, ResponseModel
from app.identity.accounts.profile_fields import Email

ASKED = "If the address does not get the newsletter yet, a mail with a link to confirm it is on its way."

ConfirmationToken = Annotated[
    Line,
    Field(
        min_length=20,
        max_length=200,
        description="From the link in the mail; works once, for 48 hours.",
        examples=["n3nFqpHaOXn1S5H0kQJ3mU1bVOr9gJkP8aUeYl0cYdE"],
    ),
]


class SubscriptionIn(RequestModel):
    """The address that wants the newsletter."""

    email: Email


class SubscriptionAskedOut(ResponseModel):
    """The same for every address."""

    message: str = Field(default=ASKED, examples=[ASKED])


class SubscriptionProof(RequestModel):
    """The token that was mailed to the address."""

    token: ConfirmationToken


class SubscriptionOut(ResponseModel):
    """The address that gets the newsletter now."""

    email: str = Field(examples=["ada@example.com"])
    state: str = Field(default="confirmed", examples=["confirmed"])
