"""Refusals of whole files by the bulk transfer."""

from app.core.errors import AppError


class SourceRefused(AppError):
    """The file as a whole cannot be read: wrong encoding, no header, no usable column, binary, broken XML."""

    status = 422
    code = "unreadable-file"
    title = "The file cannot be read"
