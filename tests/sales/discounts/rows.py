"""Discounts that tests arrange without the API."""

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from app.sales.models import Discount


async def a_discount(session: AsyncSession, **fields: object) -> Discount:
    """A discount of 10% on everything, for ever, unless the fields say otherwise."""
    values: dict[str, object] = {
        "name": "Ten percent",
        "discount_type": "percentage",
        "value": Decimal(10),
        "currency": "EUR",
        "starts_at": datetime(2020, 1, 1, tzinfo=UTC),
    }
    discount = Discount(**(values | fields))
    session.add(discount)
    await session.flush()
    return discount
