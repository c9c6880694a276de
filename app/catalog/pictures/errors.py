"""Refusals of pictures."""

from app.core.errors import AppError


class CoverNotFound(AppError):
    """There is no picture of this name."""

    status = 404
    code = "cover-not-found"
    title = "Cover not found"


class PictureNotFound(AppError):
    """The item has no picture of this number."""

    status = 404
    code = "picture-not-found"
    title = "Picture not found"


class PictureGap(AppError):
    """An item's pictures are numbered from 1 without gaps: this number comes after the next one."""

    status = 409
    code = "picture-gap"
    title = "There is no picture before it"


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
    """A picture is a single frame."""

    status = 422
    code = "animated-picture"
    title = "The picture is animated"


class PicturesBusy(AppError):
    """Too many pictures are being worked on at this moment."""

    status = 503
    code = "pictures-busy"
    title = "Too many pictures at once"


class FetchBlocked(AppError):
    """A picture's address is HTTPS at port 443 of a host on the public internet."""

    status = 422
    code = "picture-url-refused"
    title = "The address may not be called"


class NotServed(AppError):
    """No picture is served at the address: it answered another status, redirects too, or never."""

    status = 502
    code = "picture-not-served"
    title = "There is no picture at the address"


class PictureReplaced(AppError):
    """Somebody put another picture there while this one was fetched; theirs stays."""

    status = 409
    code = "picture-replaced"
    title = "Another picture came first"


class PictureFetchNotFound(AppError):
    """The item has no such fetch, or the caller may not edit it; they are kept 30 days."""

    status = 404
    code = "picture-fetch-not-found"
    title = "Fetch not found"


class UnknownUpload(AppError):
    """A picture is named by an upload that does not exist, or that is older than a day."""

    status = 409
    code = "unknown-upload"
    title = "Unknown upload"
