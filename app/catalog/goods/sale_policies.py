"""What may be sold of an item before it is there, and when it may leave the shop."""

from datetime import datetime


def may_ship(on_sale_at: datetime | None, now: datetime) -> bool:
    """Tell whether what was sold may be sent out: of what is on sale from a moment on, not before it."""
    return on_sale_at is None or on_sale_at <= now
