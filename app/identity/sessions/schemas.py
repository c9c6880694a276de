"""What logins take and answer."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.core.http.schemas import FormModel, RequestModel, ResponseModel, Timestamp
from app.identity.password_rules import LONGEST


class TokenOut(ResponseModel):
    """An access token and the refresh token that gets the next one (RFC 6749 §5.1)."""

    access_token: str = Field(examples=["eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9…"])
    refresh_token: str = Field(
        description="Works once; answers a new pair at `/api/v1/auth/refresh`.", examples=["rt_6Vx0…"]
    )
    token_type: Literal["bearer"] = Field(default="bearer", examples=["bearer"])
    expires_in: int = Field(description="Seconds.", examples=[900])
    scope: str = Field(description="What the token may do.", examples=["items:write"])


class BrowserSessionOut(ResponseModel):
    """What a browser learns of a login by cookie: the tokens themselves stay out of reach of scripts."""

    csrf_token: str = Field(
        description="Send it as `X-CSRF-Token` with every write; also in the cookie `__Host-csrf_token` (in development `csrf_token`).",
        examples=["019ab6c2-….5b1f…"],
    )
    token_type: Literal["cookie"] = Field(
        default="cookie", description="Where the tokens are.", examples=["cookie"]
    )
    expires_in: int = Field(description="Seconds.", examples=[900])
    scope: str = Field(description="What the session may do.", examples=["items:write"])


LoginOut = Annotated[TokenOut | BrowserSessionOut, Field(discriminator="token_type")]
"""What logins answer that may be by either way."""


class CsrfOut(ResponseModel):
    """The CSRF token of a browser's session."""

    csrf_token: str = Field(examples=["019ab6c2-….5b1f…"])


class TokenForm(FormModel):
    """User name and password (RFC 6749 §4.3.2). Parameters of other grants are ignored, as §3.2 says."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False)

    grant_type: Literal["password"] | None = Field(default=None, examples=["password"])
    username: str = Field(description="The user name or the e-mail address.", examples=["ada"])
    password: str = Field(json_schema_extra={"format": "password"}, examples=["Lovelace-1815!"])
    scope: str = Field(
        default="",
        description="What the token may do, by blanks; all that one may.",
        examples=["items:write"],
    )
    client_id: str | None = Field(default=None, description="Ignored: there is one client.")
    client_secret: str | None = Field(default=None, description="Ignored.")

    @property
    def scopes(self) -> list[str]:
        """What `scope` lists."""
        return self.scope.split()


class RefreshIn(RequestModel):
    """A refresh token."""

    refresh_token: str = Field(min_length=1, max_length=512, examples=["rt_6Vx0…"])


class PasswordChange(RequestModel):
    """A new password for the caller's own account."""

    # A password is taken as it is typed, blanks included.
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    current_password: str = Field(max_length=LONGEST, examples=["Lovelace-1815!"])
    new_password: str = Field(
        max_length=LONGEST,
        description="8 to 128 characters: from 12 on any, of fewer upper and lower case, a digit and a special character.",
        examples=["Countess-1852?"],
    )
    confirm_password: str | None = Field(
        default=None, max_length=LONGEST, description="If sent, must equal `new_password`."
    )

    @model_validator(mode="after")
    def _is_confirmed(self) -> Self:
        if self.confirm_password not in {None, self.new_password}:
            raise ValueError("confirm_password must equal new_password")
        return self


class SessionOut(ResponseModel):
    """One login on one device."""

    id: UUID = Field(examples=["019ab6c2-6a55-7d3c-9a39-0d3c1c2f4b5e"])
    device: str = Field(examples=["Firefox on Linux"])
    ip: str = Field(description="Where it was last used from.", examples=["192.0.2.7"])
    created_at: Timestamp
    last_used_at: Timestamp = Field(description="When its tokens were last refreshed.")
    current: bool = Field(description="Whether this request belongs to it.")
