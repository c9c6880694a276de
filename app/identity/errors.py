"""Refusals of the identity domain."""

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


on_constraint("uq_users_username", UsernameTaken, "username", "This user name is taken; choose another.")
on_constraint(
    "uq_users_email_key", EmailTaken, "email", "An account with this e-mail address exists; log in."
)
