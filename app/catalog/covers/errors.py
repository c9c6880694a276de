"""Refusals of pictures and covers."""

from app.core.errors import AppError


class CoverNotFound(AppError):
    """There is no picture of this name."""

    status = 404
    code = "cover-not-found"
    title = "Cover not found"


class UnsupportedPicture(AppError):
    """Only JPEG, PNG, WebP and AVIF are taken, by what the file holds, whatever its name says."""

    status = 415
    code = "unsupported-picture"
    title = "No picture that can be used"


class BrokenPicture(AppError):
    """The picture is damaged or incomplete, or cannot be read in reasonable time and memory."""

    status = 422
    code = "broken-picture"
    title = "The picture is damaged"


class PictureTooDetailed(AppError):
    """A picture may have 25 megapixels, and 10,000 pixels a side."""

    status = 422
    code = "picture-too-detailed"
    title = "The picture has too many pixels"


class AnimatedPicture(AppError):
    """A cover is a single frame."""

    status = 422
    code = "animated-picture"
    title = "The picture is animated"


class PicturesBusy(AppError):
    """Too many pictures are being worked on at this moment."""

    status = 503
    code = "pictures-busy"
    title = "Too many pictures at once"


class UnknownUpload(AppError):
    """A cover names an upload that does not exist, or that is older than a day."""

    status = 409
    code = "unknown-upload"
    title = "Unknown upload"
