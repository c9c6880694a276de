"""What a fresh proof is made of."""

from typing import Any, Self

from pydantic import ConfigDict, Field, model_validator

from app.core.http.schemas import ResponseModel, Timestamp
from app.identity.mfa.schemas import FactorAnswer
from app.identity.password_rules import LONGEST


class StepUpIn(FactorAnswer):
    """The password, with a code where the account has a second factor; or a passkey alone."""

    # A password is taken as it is typed, blanks included.
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    password: str | None = Field(default=None, max_length=LONGEST, examples=["Lovelace-1815!"])
    credential: dict[str, Any] | None = Field(
        default=None,
        description="What `navigator.credentials.get()` gave for `/auth/passkeys/login/options`.",
    )

    @model_validator(mode="after")
    def _is_one_proof(self) -> Self:
        if (self.password is None) == (self.credential is None):
            raise ValueError("send either password or credential")
        if self.code is not None and self.recovery_code is not None:
            raise ValueError("send either code or recovery_code")
        return self


class StepUpOut(ResponseModel):
    """Until when this session may do what outlives it."""

    authenticated_at: Timestamp = Field(examples=["2026-11-29T10:00:00Z"])
    fresh_until: Timestamp = Field(description="Five minutes later.", examples=["2026-11-29T10:05:00Z"])
