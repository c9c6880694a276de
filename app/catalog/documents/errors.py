"""Refusals of documents."""

from app.core.errors import AppError


class DocumentNotFound(AppError):
    """There is no document of this id or name, or it is somebody else's."""

    status = 404
    code = "document-not-found"
    title = "Document not found"


class UnsupportedDocument(AppError):
    """Only PDF, plain text and CSV are taken, by what the file holds and is called."""

    status = 415
    code = "unsupported-document"
    title = "No document that can be used"


class BrokenDocument(AppError):
    """The document is damaged or not what it is called, or cannot be read in reasonable time and memory."""

    status = 422
    code = "broken-document"
    title = "The document is damaged"


class UnsafeDocument(AppError):
    """A PDF that is encrypted, or that runs, opens or carries something, is refused: nobody could tell what it does."""

    status = 422
    code = "unsafe-document"
    title = "The document does more than to be read"


class TooManyDocuments(AppError):
    """An account may keep so many documents; delete some first."""

    status = 409
    code = "too-many-documents"
    title = "Too many documents"


def no_document(document_id: int) -> DocumentNotFound:
    """The refusal of an id that no document of the caller has."""
    return DocumentNotFound(f"You have no document {document_id}.")
