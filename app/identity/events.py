"""What happens to accounts. No event carries a token: the mail handler makes it when it writes the mail."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class UserEvent(Event):
    """Something that the owner of the account may know of."""

    type: ClassVar[str]
    user_id: int

    @property
    def subject(self) -> str:
        """The account."""
        return f"user:{self.user_id}"

    @property
    def concerns(self) -> int:
        """Its owner."""
        return self.user_id


@dataclass(frozen=True, slots=True)
class UserRegistered(UserEvent):
    """An account was opened: welcome it and have the address verified."""

    type: ClassVar[str] = "user.registered"


@dataclass(frozen=True, slots=True)
class EmailVerificationRequested(Event):
    """Somebody asked for the verification mail again."""

    type: ClassVar[str] = "user.email_verification_requested"
    user_id: int


@dataclass(frozen=True, slots=True)
class PasswordResetRequested(Event):
    """Somebody asked to reset the password of this account."""

    type: ClassVar[str] = "user.password_reset_requested"
    user_id: int


@dataclass(frozen=True, slots=True)
class EmailChangeRequested(Event):
    """The owner wants another address, which must be proven."""

    type: ClassVar[str] = "user.email_change_requested"
    user_id: int
    new_email: str


@dataclass(frozen=True, slots=True)
class EmailChanged(Event):
    """The address changed: the old one gets a mail."""

    type: ClassVar[str] = "user.email_changed"
    user_id: int
    old_email: str


@dataclass(frozen=True, slots=True)
class PasswordChanged(UserEvent):
    """The password changed or was reset."""

    type: ClassVar[str] = "user.password_changed"


@dataclass(frozen=True, slots=True)
class NewDevice(UserEvent):
    """A login came from a device that this account has not used before."""

    type: ClassVar[str] = "user.new_device"
    device: str
    ip: str


@dataclass(frozen=True, slots=True)
class TokenReused(Event):
    """A refresh token was used again: the session was ended."""

    type: ClassVar[str] = "user.token_reused"
    user_id: int
    device: str
    ip: str


@dataclass(frozen=True, slots=True)
class SecondFactorChanged(UserEvent):
    """A second factor was added, removed or used up, or guessed at too often; `what` says which.

    `what` is one of totp_enabled, totp_disabled, recovery_codes_replaced, recovery_code_used,
    passkey_added, passkey_removed, passkey_copied, locked.
    """

    type: ClassVar[str] = "user.second_factor_changed"
    what: str


@dataclass(frozen=True, slots=True)
class CredentialsEnded(Event):
    """Keys, passkeys or factors ended because of what happened to the account; `what` lists the kinds."""

    type: ClassVar[str] = "user.credentials_ended"
    user_id: int
    what: str


@dataclass(frozen=True, slots=True)
class ApiKeyMade(Event):
    """An API key was made, or took over from another; `hint` is the part of it that is shown."""

    type: ClassVar[str] = "user.api_key_made"
    user_id: int
    key_name: str
    hint: str


@dataclass(frozen=True, slots=True)
class NewsletterChosen(Event):
    """The profile says anew whether the account wants the newsletter, or its address is proven now."""

    type: ClassVar[str] = "user.newsletter_chosen"
    user_id: int


@dataclass(frozen=True, slots=True)
class AddressUnknown(Event):
    """A mail was asked for that nobody gets: costs the same as one that somebody gets, and has no handler."""

    type: ClassVar[str] = "user.address_unknown"
    user_id: int = 0
