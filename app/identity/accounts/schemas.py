"""What clients send and see of an account."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ConfigDict, EmailStr, Field, field_validator
from pydantic_core.core_schema import ValidationInfo

from app.core.schemas import Moment, RequestModel, ResponseModel, RowId, VisibleLine
from app.identity.passwords import LONGEST, weakness
from app.identity.permissions import Role

LONGEST_EMAIL = 254


def _lowered(name: object) -> object:
    return name.strip().lower() if isinstance(name, str) else name


def _fits(email: str) -> str:
    if len(email) > LONGEST_EMAIL:
        raise ValueError(f"must have at most {LONGEST_EMAIL} characters")
    return email


Username = Annotated[
    str,
    BeforeValidator(_lowered),
    Field(
        min_length=3,
        max_length=30,
        pattern=r"^[a-z][a-z0-9_-]*$",
        description="Starts with a letter; letters, digits, `_` and `-`; kept in lower case.",
        examples=["ada"],
    ),
]
Email = Annotated[EmailStr, AfterValidator(_fits), Field(examples=["ada@example.com"])]


class UserRegister(RequestModel):
    """A new account."""

    # A password is taken as it is typed, blanks included.
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    username: Username
    email: Email
    password: str = Field(
        max_length=LONGEST,
        description="8 to 128 characters with upper and lower case, a digit and a special character.",
        examples=["Lovelace-1815!"],
    )
    full_name: Annotated[VisibleLine, Field(max_length=100)] | None = Field(
        default=None, examples=["Ada Lovelace"]
    )

    @field_validator("password")
    @classmethod
    def _is_strong(cls, password: str, info: ValidationInfo) -> str:
        reason = weakness(password, info.data.get("username", ""))
        if reason:
            raise ValueError(reason)
        return password


class UserOut(ResponseModel):
    """An account as its owner sees it."""

    id: RowId = Field(examples=[7])
    username: str = Field(examples=["ada"])
    email: str = Field(examples=["ada@example.com"])
    full_name: str | None = Field(examples=["Ada Lovelace"])
    role: Role = Field(examples=["user"])
    is_active: bool
    is_verified: bool
    version: int = Field(description="Row version, as in the ETag.", examples=[1])
    created_at: Moment
    updated_at: Moment
