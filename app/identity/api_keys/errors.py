"""Refusals around API keys."""

from app.core.errors import AppError


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


class ApiKeyTooLong(AppError):
    """A key of staff lasts at most 90 days: name an earlier `expires_at`, or none."""

    status = 422
    code = "api-key-too-long"
    title = "The API key would last too long"


class TooManyApiKeys(AppError):
    """The account has as many working API keys as it may have."""

    status = 409
    code = "too-many-api-keys"
    title = "Too many API keys"
