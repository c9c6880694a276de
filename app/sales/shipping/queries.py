"""Reads shipping methods, and what they cost for one order."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import any_, case, cast, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.models import MONEY
from app.sales.addresses.schemas import Address
from app.sales.models import ShippingBand, ShippingMethod

_GRAMS = 1000


class ShippingOption(NamedTuple):
    """A way to get an order to its address, and its price. `days`: working days until it is there, at most."""

    code: str
    name: str
    price: Decimal
    days: int
    carrier: str | None
    is_pickup: bool


async def list_options(
    connection: AsyncConnection, address: Address, weight_grams: int, goods_total: Decimal
) -> Sequence[ShippingOption]:
    """How an order of that weight and price can get there, the cheapest first; none: the shop does not ship there.

    Of the bands of a method the first that carries the weight gives the price; a method with bands that are all
    too light is left out. Otherwise each kilogram, or part of one, adds to the method's price.
    """
    of_method = ShippingBand.method_id == ShippingMethod.id
    bands = select(ShippingBand.id).where(of_method)
    fitting = select(ShippingBand.price).where(of_method, ShippingBand.up_to_grams >= weight_grams)
    band_price = fitting.order_by(ShippingBand.up_to_grams).limit(1).scalar_subquery()
    by_weight = ShippingMethod.price + ShippingMethod.price_per_kg * -(-weight_grams // _GRAMS)
    is_free = literal(goods_total, MONEY) >= ShippingMethod.free_from
    price = case((is_free, cast(0, MONEY)), else_=func.coalesce(band_price, by_weight)).label("price")
    conditions = [
        ShippingMethod.is_active,
        or_(
            func.cardinality(ShippingMethod.countries) == 0,
            literal(address.country) == any_(ShippingMethod.countries),
        ),
        or_(band_price.is_not(None), ~bands.exists()),
    ]
    if address.is_po_box:
        conditions.append(or_(~ShippingMethod.refuses_po_box, ShippingMethod.is_pickup))
    statement = (
        select(
            ShippingMethod.code,
            ShippingMethod.name,
            price,
            ShippingMethod.days,
            ShippingMethod.carrier,
            ShippingMethod.is_pickup,
        )
        .where(*conditions)
        .order_by(price, ShippingMethod.days, ShippingMethod.id)
    )
    return [ShippingOption(*row) for row in await connection.execute(statement)]
