"""What clients send and see of an account."""

from datetime import date
from typing import Annotated, Self

from pydantic import AliasPath, BeforeValidator, ConfigDict, Field, field_validator
from pydantic_core.core_schema import ValidationInfo

from app.core.http.schemas import OMITTED, PatchModel, RequestModel, ResponseModel, RowId, Timestamp
from app.identity.accounts.profile_fields import (
    DateOfBirth,
    Email,
    FirstName,
    FreeUsername,
    FullName,
    Gender,
    Language,
    LastName,
    NewPassword,
    Notifications,
    NotificationWays,
    Phone,
    Username,
)
from app.identity.password_rules import LONGEST, weakness
from app.identity.password_strength import Estimate, Strength
from app.identity.permissions import Permission, Role


def sms_needs_phone(notifications: list[Notifications], info: ValidationInfo) -> list[Notifications]:
    """Refuse SMS where no phone number came with it; a malformed one has its own complaint."""
    if Notifications.SMS in notifications and info.data.get("phone", "malformed") is None:
        raise ValueError("sms needs a phone")
    return notifications


class ProfileIn(RequestModel):
    """All of one's own profile; what is left out becomes empty. A new address counts once it is proven."""

    email: Email
    full_name: FullName | None = None
    first_name: FirstName | None = None
    last_name: LastName | None = None
    phone: Phone | None = None
    date_of_birth: DateOfBirth | None = None
    gender: Gender | None = None
    language: Language | None = None
    newsletter: bool = False
    notifications: NotificationWays = Field(default=[Notifications.EMAIL])

    _sms_needs_phone = field_validator("notifications")(sms_needs_phone)


class ProfilePatch(PatchModel):
    """A partial change of one's own profile; null empties a field that may be empty."""

    email: Email = OMITTED
    full_name: FullName | None = None
    first_name: FirstName | None = None
    last_name: LastName | None = None
    phone: Phone | None = None
    date_of_birth: DateOfBirth | None = None
    gender: Gender | None = None
    language: Language | None = None
    newsletter: bool = OMITTED
    notifications: NotificationWays = OMITTED


class AccountIn(ProfileIn):
    """A new account under any name, as the command line makes it."""

    # A password is taken as it is typed, blanks included.
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    username: Username
    password: NewPassword
    confirm_password: str | None = Field(
        default=None, max_length=LONGEST, description="The password once more, if sent."
    )
    terms_accepted: bool = Field(
        default=False, description="Keeps the time at which the terms were accepted."
    )

    @field_validator("password")
    @classmethod
    def _is_strong(cls, password: str, info: ValidationInfo) -> str:
        reason = weakness(password, info.data.get("username", ""))
        if reason:
            raise ValueError(reason)
        return password

    @field_validator("confirm_password")
    @classmethod
    def _is_the_same(cls, again: str | None, info: ValidationInfo) -> str | None:
        if again is not None and again != info.data.get("password", again):
            raise ValueError("must be the same as the password")
        return again


class UserRegister(AccountIn):
    """A new account."""

    username: FreeUsername

    @field_validator("terms_accepted")
    @classmethod
    def _are_accepted(cls, terms_accepted: bool) -> bool:
        # Asked only of what was sent: a client without a box to tick leaves it out.
        if not terms_accepted:
            raise ValueError("must be true: without accepting the terms no account is opened")
        return terms_accepted


class UserOut(ResponseModel):
    """An account as its owner sees it; what `profile:read` shows is null without that scope."""

    id: RowId = Field(examples=[7])
    username: str = Field(examples=["ada"])
    email: str | None = Field(
        description="null, as all that is personal, without `profile:read`.", examples=["ada@example.com"]
    )
    pending_email: str | None = Field(
        description="The address that will be the account's once it is proven.", examples=[None]
    )
    full_name: str | None = Field(examples=["Ada Lovelace"])
    first_name: str | None = Field(examples=["Ada"])
    last_name: str | None = Field(examples=["Lovelace"])
    phone: str | None = Field(description="E.164.", examples=["+442079460018"])
    date_of_birth: date | None = Field(examples=["1990-12-10"])
    gender: Gender | None = Field(examples=["female"])
    language: str | None = Field(
        description="The language that mails come in; null: English.", examples=["de"]
    )
    newsletter: bool
    notifications: Annotated[Notifications, BeforeValidator(lambda ways: ways[0])] = Field(
        description="The first of `notification_ways`.", examples=["email"]
    )
    notification_ways: list[Notifications] = Field(
        validation_alias=AliasPath("notifications"),
        description="How the shop may reach the account.",
        examples=[["email"]],
    )
    terms_accepted_at: Timestamp | None
    role: Role = Field(examples=["user"])
    is_active: bool
    is_verified: bool = Field(description="Whether the e-mail address is proven.")
    version: int = Field(description="Row version, as in the ETag.", examples=[1])
    created_at: Timestamp
    updated_at: Timestamp


class UsernameCheckOut(ResponseModel):
    """Whether a name can be registered."""

    username: str = Field(description="In lower case, as it would be kept.", examples=["ada"])
    available: bool


class PasswordIn(RequestModel):
    """A password to be judged; it is neither kept nor logged."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    password: str = Field(max_length=LONGEST, examples=["Lovelace-1815!"])
    username: str = Field(
        default="", max_length=30, description="Must not be part of the password.", examples=["ada"]
    )


class PasswordStrengthOut(ResponseModel):
    """How hard a password is to guess."""

    score: int = Field(ge=0, le=4, description="At most 1 for what registration refuses.", examples=[3])
    strength: Strength = Field(examples=["good"])
    feedback: list[str] = Field(
        description="First what registration would refuse, then what would make it better.",
        examples=[["needs a digit", "Add another word or two. Uncommon words are better."]],
    )

    @classmethod
    def of(cls, estimate: Estimate) -> Self:
        """The answer that tells this estimate."""
        return cls(score=estimate.score, strength=estimate.strength, feedback=estimate.feedback)


class PermissionsOut(ResponseModel):
    """What the caller may do."""

    role: Role = Field(examples=["user"])
    permissions: list[Permission] = Field(
        description="All that these very credentials let the caller do.", examples=[["items:write"]]
    )
    role_permissions: list[Permission] = Field(
        description="All that the role may do, whatever the credentials.", examples=[["items:write"]]
    )
