"""Refusals of the identity domain."""

from collections.abc import Mapping
from typing import Any, ClassVar

from app.core.errors import AppError, on_constraint

CHALLENGE = {"WWW-Authenticate": "Bearer"}


class UsernameTaken(AppError):
    """Another account has this user name, whatever the case."""

    status = 409
    code = "username-taken"
    title = "User name is taken"


class EmailTaken(AppError):
    """Another account has this e-mail address."""

    status = 409
    code = "email-taken"
    title = "E-mail address is taken"


class WrongCredentials(AppError):
    """The name, address or password is wrong, or the account is closed: nobody learns which."""

    keep_writes = True
    status = 401
    code = "wrong-credentials"
    title = "Wrong user name or password"


class NotAuthenticated(AppError):
    """The operation needs a login and the request carries none (RFC 6750 §3: a bare challenge)."""

    status = 401
    code = "not-authenticated"
    title = "Log in first"


class InvalidToken(AppError):
    """The access token is malformed, forged, expired or its account is closed."""

    status = 401
    code = "invalid-token"
    title = "The access token is not valid"


class InvalidApiKey(AppError):
    """The API key is malformed, unknown, revoked or expired, its account is closed, or it may not be used from here."""

    status = 401
    code = "invalid-api-key"
    title = "The API key is not valid"


class SessionRequired(AppError):
    """An API key cannot do this: log in and send the access token."""

    status = 403
    code = "session-required"
    title = "Log in for this"


class StepUpRequired(AppError):
    """What outlives a session needs a fresh proof of who is calling: `POST /auth/step-up`, then again."""

    status = 403
    code = "step-up-required"
    title = "Prove who you are once more"
    members: ClassVar[Mapping[str, Any]] = {
        "max_age": {"type": "integer", "description": "Seconds.", "examples": [300]}
    }


class InsufficientScope(AppError):
    """The caller is known but may not do this; the challenge names the permission."""

    status = 403
    code = "insufficient-scope"
    title = "Not allowed"


class HashingBusy(AppError):
    """More logins arrive than passwords can be checked; try again in a moment."""

    status = 503
    code = "hashing-busy"
    title = "Too many logins at once"


class LastAdmin(AppError):
    """The shop always has an active administrator: this is the last one."""

    status = 409
    code = "last-admin"
    title = "The last administrator stays"


class RoleLost(AppError):
    """The caller's own role changed while the request was on its way."""

    status = 403
    code = "role-lost"
    title = "Your role changed"


class AccountLocked(AppError):
    """Too many wrong passwords for this account from this client; other clients are not affected."""

    status = 429
    code = "account-locked"
    title = "Locked after too many failures"


class MfaRequired(AppError):
    """The password is right and the account has a second factor: answer `mfa_token` at `/auth/mfa`.

    What the right password changed, such as failures forgotten and an old hash replaced, stays.
    """

    status = 401
    code = "mfa-required"
    title = "A second factor is needed"
    keep_writes = True
    members: ClassVar[Mapping[str, Any]] = {
        "mfa_token": {"type": "string", "examples": ["eyJhbGciOiJIUzI1NiJ9…"]},
        "expires_in": {"type": "integer", "description": "Seconds.", "examples": [300]},
        "methods": {"type": "array", "items": {"type": "string"}, "examples": [["totp", "recovery_code"]]},
    }


class MfaEnrolmentRequired(AppError):
    """Staff of this shop must have a second factor, and this session was opened without one."""

    status = 403
    code = "mfa-enrolment-required"
    title = "Set up a second factor first"


class WrongPassword(AppError):
    """The current password, which this change asks for, is wrong."""

    keep_writes = True
    status = 403
    code = "wrong-password"
    title = "Wrong password"


class NewPasswordRefused(AppError):
    """The new password breaks a rule, or is the old one."""

    status = 422
    code = "new-password-refused"
    title = "The new password is refused"


class InvalidRefreshToken(AppError):
    """The refresh token is unknown or expired, or its session has ended: log in again."""

    status = 401
    code = "invalid-refresh-token"
    title = "The refresh token is not valid"


class TokenReuse(AppError):
    """The refresh token was used before, so it may be stolen: its whole session was ended."""

    keep_writes = True
    status = 401
    code = "token-reuse"
    title = "The refresh token was used again"


class CsrfRefused(AppError):
    """A write by cookie needs a known `Origin` and the session's `X-CSRF-Token`."""

    status = 403
    code = "csrf-refused"
    title = "Cross-site request refused"


class DoubledCookie(AppError):
    """A cookie of ours came twice: another host of the domain has set one of them, and nobody can tell which."""

    status = 400
    code = "doubled-cookie"
    title = "Two cookies of one name"


class SessionNotFound(AppError):
    """The caller has no such session under way."""

    status = 404
    code = "session-not-found"
    title = "Session not found"


class InvalidOneTimeToken(AppError):
    """The mailed token is unknown, used, expired, or was made before the password or address changed."""

    status = 400
    code = "invalid-one-time-token"
    title = "The link does not work any more"


class PhoneNeeded(AppError):
    """Notifications by SMS need a phone number in the profile."""

    status = 409
    code = "phone-needed"
    title = "A phone number is needed"


class EmailNotVerified(AppError):
    """Buying and selling wait until the account's e-mail address is verified."""

    status = 403
    code = "email-not-verified"
    title = "Verify your e-mail address first"


on_constraint("uq_users_username", UsernameTaken, "username", "This user name is taken; choose another.")
on_constraint(
    "uq_users_email_key", EmailTaken, "email", "An account with this e-mail address exists; log in."
)
