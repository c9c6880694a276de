"""Refusals about bundles."""

from app.core.errors import AppError


class OfferNotFound(AppError):
    """There is no bundle with this id, or it is off sale and somebody else's."""

    status = 404
    code = "offer-not-found"
    title = "Bundle not found"


class UnfitPart(AppError):
    """A part is a bundle itself, off sale, or priced in another currency."""

    status = 409
    code = "unfit-part"
    title = "The item cannot be part of a bundle"


def no_offer(offer_id: int) -> OfferNotFound:
    """The refusal of an id that no bundle has."""
    return OfferNotFound(f"There is no bundle {offer_id}.")
