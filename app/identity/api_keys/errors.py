"""Refusals around API keys."""

from app.core.errors import AppError


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


class ApiKeyNotFound(AppError):
    """The caller has no such API key; another account's key is not found either."""

    status = 404
    code = "api-key-not-found"
    title = "API key not found"


class ApiKeyReplaced(AppError):
    """The API key was rotated before: rotate the one that took over."""

    status = 409
    code = "api-key-replaced"
    title = "API key was replaced already"


class TooManyApiKeys(AppError):
    """The account has as many working API keys as it may have."""

    status = 409
    code = "too-many-api-keys"
    title = "Too many API keys"
