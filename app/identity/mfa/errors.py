"""Refusals around the second factor."""

from app.core.errors import AppError


class MfaTokenRefused(AppError):
    """The `mfa_token` is forged, expired, used up or older than the password: log in again."""

    status = 401
    code = "mfa-token-refused"
    title = "Log in again"


class WrongSecondFactor(AppError):
    """The code is wrong or was used before; the try is counted."""

    status = 401
    code = "wrong-second-factor"
    title = "Wrong code"
    keep_writes = True


class SecondFactorNeeded(AppError):
    """The account has a second factor: send a code of the app, or a recovery code, beside the password."""

    status = 403
    code = "second-factor-needed"
    title = "A code is needed, too"


class SecondFactorLocked(AppError):
    """Too many wrong codes for this account; `Retry-After` says when to come back."""

    status = 429
    code = "second-factor-locked"
    title = "Too many wrong tries"


class TotpEnabled(AppError):
    """The account has an authenticator app already: disable it before setting up another."""

    status = 409
    code = "totp-enabled"
    title = "An authenticator app is set up already"


class TotpNotEnabled(AppError):
    """The account has no authenticator app."""

    status = 409
    code = "totp-not-enabled"
    title = "No authenticator app is set up"


class TotpNotPending(AppError):
    """No set-up of the last ten minutes waits for its first code: begin at `POST /auth/mfa/totp`."""

    status = 409
    code = "totp-not-pending"
    title = "No set-up to confirm"


class WrongTotpCode(AppError):
    """The first code does not fit the new secret; check the clock of the device."""

    status = 409
    code = "wrong-totp-code"
    title = "The code does not fit"
