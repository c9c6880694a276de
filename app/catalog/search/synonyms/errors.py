"""Refusals about synonyms."""

from app.core.errors import AppError


class SynonymNotFound(AppError):
    """There is no synonym with this id."""

    status = 404
    code = "synonym-not-found"
    title = "Synonym not found"


class InvalidSynonym(AppError):
    """A term has no letter or digit, or two terms are the same to a search."""

    status = 422
    code = "invalid-synonym"
    title = "Not a synonym"


def no_synonym(synonym_id: int) -> SynonymNotFound:
    """The refusal that names the id."""
    return SynonymNotFound(f"There is no synonym {synonym_id}.")
