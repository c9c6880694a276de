"""Refusals about gift cards."""

from app.core.errors import AppError


class GiftCardNotFound(AppError):
    """There is no gift card with this id."""

    status = 404
    code = "gift-card-not-found"
    title = "Gift card not found"


class UnknownGiftCard(AppError):
    """No gift card that is good has this code: there is none, or staff stopped it, or it is over."""

    status = 404
    code = "unknown-gift-card"
    title = "Unknown gift card"


def no_card(card_id: int) -> GiftCardNotFound:
    """Refuse an id that no gift card has."""
    return GiftCardNotFound(f"There is no gift card {card_id}.")
