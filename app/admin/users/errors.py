"""Refusals around other people's accounts."""

from app.core.errors import AppError


class AccountNotFound(AppError):
    """There is no account with this id."""

    status = 404
    code = "account-not-found"
    title = "Account not found"


class NotOnOneself(AppError):
    """Nobody changes their own role, closes their own account here, or vouches for their own address."""

    status = 409
    code = "own-account"
    title = "Not for one's own account"


class Outranked(AppError):
    """Nobody acts on an account that stands above their own, and nobody gives a role above their own."""

    status = 403
    code = "outranked"
    title = "The account stands above yours"


class SecondFactorMissing(AppError):
    """The account has neither an authenticator app nor a passkey that could be removed."""

    status = 409
    code = "no-second-factor"
    title = "The account has no second factor"


class SuperAdminFixed(AppError):
    """The role super_admin is given and taken on the server alone, never over HTTP."""

    status = 403
    code = "super-admin-fixed"
    title = "super_admin is given on the server alone"
