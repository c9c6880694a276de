"""Why a stream is not opened."""

from app.core.errors import AppError


class InvalidTicket(AppError):
    """The ticket is unknown, was used before, or is older than its thirty seconds: ask for another."""

    status = 401
    code = "invalid-ticket"
    title = "The stream ticket is worth nothing"


class ChannelNotFound(AppError):
    """There is no such channel, or it is not the caller's to hear."""

    status = 404
    code = "channel-not-found"
    title = "Channel not found"


class TooManyStreams(AppError):
    """The account has as many streams open as it may; end one, or try again after `Retry-After`."""

    status = 429
    code = "too-many-streams"
    title = "Too many open streams"


class StreamsFull(AppError):
    """This server has as many streams open as it can serve, or is about to stop; try again after `Retry-After`."""

    status = 503
    code = "streams-full"
    title = "No room for another stream"
