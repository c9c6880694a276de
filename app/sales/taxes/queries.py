"""Reads tax rates."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.sales.models import TaxRate
from app.sales.pricing import TaxClass

Rates = Mapping[TaxClass, Decimal]
"""What part of a net price is tax, by class; of a class that is not there, none."""


async def find_rates(connection: AsyncConnection, country: str, state: str | None, on: date) -> Rates:
    """The rates of that day; a state's goes before its country's."""
    is_in_force = (TaxRate.valid_from <= on) & or_(TaxRate.valid_until.is_(None), TaxRate.valid_until >= on)
    applies = or_(TaxRate.state.is_(None), TaxRate.state == state)
    statement = (
        select(TaxRate.tax_class, TaxRate.rate)
        .where(TaxRate.country == country, applies, is_in_force)
        # Of two entries the later one stands.
        .order_by(TaxRate.state.nulls_first())
    )
    return {TaxClass(name): rate for name, rate in await connection.execute(statement)}
