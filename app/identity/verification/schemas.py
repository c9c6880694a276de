"""What clients send to prove an address or to reset a password."""

from typing import Annotated

from pydantic import ConfigDict, Field, field_validator
from pydantic_core.core_schema import ValidationInfo

from app.core.http.schemas import Line, RequestModel, ResponseModel
from app.identity.accounts.profile_fields import Email, NewPassword
from app.identity.password_rules import LONGEST, weakness

MAILED = "If the address belongs to an account, a mail is on its way."

OneTimeTokenIn = Annotated[
    Line,
    Field(
        min_length=20,
        max_length=200,
        description="From the link in the mail; works once, for 30 minutes.",
        examples=["n3nFqpHaOXn1S5H0kQJ3mU1bVOr9gJkP8aUeYl0cYdE"],
    ),
]


class MailAddressIn(RequestModel):
    """The address to mail to."""

    email: Email


class MailedOut(ResponseModel):
    """The same for every address."""

    message: str = Field(default=MAILED, examples=[MAILED])


class EmailProof(RequestModel):
    """The token that was mailed to the address."""

    token: OneTimeTokenIn


class EmailProvenOut(ResponseModel):
    """The address that is proven now."""

    email: str = Field(examples=["ada@example.com"])
    is_verified: bool = Field(examples=[True])


class PasswordResetIn(RequestModel):
    """A new password, with the token that was mailed."""

    # A password is taken as it is typed, blanks included.
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    token: OneTimeTokenIn
    new_password: NewPassword
    confirm_password: str | None = Field(
        default=None, max_length=LONGEST, description="The new password once more, if sent."
    )

    @field_validator("new_password")
    @classmethod
    def _is_strong(cls, password: str) -> str:
        if reason := weakness(password, ""):
            raise ValueError(reason)
        return password

    @field_validator("confirm_password")
    @classmethod
    def _is_the_same(cls, again: str | None, info: ValidationInfo) -> str | None:
        if again is not None and again != info.data.get("new_password", again):
            raise ValueError("must be the same as the new password")
        return again
