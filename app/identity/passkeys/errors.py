"""Refusals around passkeys."""

from app.core.errors import AppError, on_constraint


class PasskeyNotFound(AppError):
    """The caller has no such passkey; another account's is not found either."""

    status = 404
    code = "passkey-not-found"
    title = "Passkey not found"


class PasskeyNotAccepted(AppError):
    """The authenticator's answer does not fit the challenge, this site, or the user was not verified."""

    status = 400
    code = "passkey-not-accepted"
    title = "The passkey was not accepted"


class PasskeyRegistered(AppError):
    """This passkey is registered already."""

    status = 409
    code = "passkey-registered"
    title = "The passkey is registered already"


class TooManyPasskeys(AppError):
    """The account has as many passkeys as it may have: remove one first."""

    status = 409
    code = "too-many-passkeys"
    title = "Too many passkeys"


class PasskeyRefused(AppError):
    """The passkey is unknown, does not fit the challenge or this site, or its account is closed."""

    status = 401
    code = "passkey-refused"
    title = "The passkey does not open an account"
    keep_writes = True


class PasskeyCopied(AppError):
    """The passkey counts fewer uses than we do: there are two of it, and neither is believed."""

    status = 401
    code = "passkey-copied"
    title = "The passkey seems to be a copy"
    keep_writes = True


on_constraint(
    "uq_passkeys_credential_id", PasskeyRegistered, "credential", "This passkey is registered already."
)
