"""Reads shipping methods, and what they cost for one order."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Select,
    SQLColumnExpression,
    Text,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.driver import DriverStatement
from app.core.db.models import MONEY
from app.core.db.paging import Pager
from app.core.db.queries import find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult, version_etag
from app.sales.addresses.schemas import Address
from app.sales.models import ShippingBand, ShippingMethod
from app.sales.shipping.errors import no_method
from app.sales.shipping.schemas import ShippingMethodFilter, ShippingMethodOut

_GRAMS = 1000
_BAND = func.jsonb_build_object("up_to_grams", ShippingBand.up_to_grams, "price", ShippingBand.price)
_BANDS = (
    select(func.coalesce(func.jsonb_agg(aggregate_order_by(_BAND, ShippingBand.up_to_grams)), text("'[]'")))
    .where(ShippingBand.method_id == ShippingMethod.id)
    .correlate(ShippingMethod)
    .scalar_subquery()
    .label("bands")
)
_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    ShippingMethod.id,
    ShippingMethod.code,
    ShippingMethod.name,
    ShippingMethod.carrier,
    ShippingMethod.countries,
    ShippingMethod.price,
    ShippingMethod.price_per_kg,
    _BANDS,
    ShippingMethod.free_from,
    ShippingMethod.days,
    ShippingMethod.is_pickup,
    ShippingMethod.refuses_po_box,
    ShippingMethod.is_active,
    ShippingMethod.version,
    ShippingMethod.created_at,
    ShippingMethod.updated_at,
)
_METHOD = select(*_COLUMNS, snapshot_text).where(ShippingMethod.id == bindparam("method"))
_BY_CODE = Order.by(("code",), {"code": ShippingMethod.code}, ShippingMethod.id)


def _options() -> Select[Any]:
    of_method = ShippingBand.method_id == ShippingMethod.id
    fitting = ShippingBand.up_to_grams >= bindparam("grams", type_=Integer())
    first = select(ShippingBand.price).where(of_method, fitting).order_by(ShippingBand.up_to_grams).limit(1)
    band_price = first.scalar_subquery()
    by_weight = ShippingMethod.price + ShippingMethod.price_per_kg * bindparam("kilograms", type_=Integer())
    is_free = bindparam("goods_total", type_=MONEY) >= ShippingMethod.free_from
    price = case((is_free, cast(0, MONEY)), else_=func.coalesce(band_price, by_weight)).label("price")
    carries = or_(band_price.is_not(None), ~select(ShippingBand.id).where(of_method).exists())
    takes_po_boxes = or_(~ShippingMethod.refuses_po_box, ShippingMethod.is_pickup)
    names = (ShippingMethod.code, ShippingMethod.name, price, ShippingMethod.days)
    goes_there = or_(
        func.cardinality(ShippingMethod.countries) == 0,
        bindparam("country", type_=Text()) == any_(ShippingMethod.countries),
    )
    return (
        select(*names, ShippingMethod.carrier, ShippingMethod.is_pickup)
        .where(ShippingMethod.is_active, goes_there, carries)
        .where(or_(~bindparam("is_po_box", type_=Boolean()), takes_po_boxes))
        .order_by(price, ShippingMethod.days, ShippingMethod.id)
    )


_OPTIONS = DriverStatement(_options())


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
    rows = await _OPTIONS.records(
        connection,
        country=address.country,
        is_po_box=address.is_po_box,
        grams=weight_grams,
        kilograms=-(-weight_grams // _GRAMS),
        goods_total=goods_total,
    )
    return [ShippingOption(*row) for row in rows]


async def get_method(connection: AsyncConnection, method_id: int) -> ReadResult:
    """One method with its bands. Raises ShippingMethodNotFound."""
    row = (await connection.execute(_METHOD, {"method": method_id})).one_or_none()
    if row is None:
        raise no_method(method_id)
    method = ShippingMethodOut.model_validate(row)
    return ReadResult(method, row.snapshot, version_etag(method.version))


async def list_methods(connection: AsyncConnection, query: ShippingMethodFilter, pager: Pager) -> ReadResult:
    """One page of the methods. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(ShippingMethod.id)
    if query.country is not None:
        matching = matching.where(_goes_to(query.country))
    if query.is_active is not None:
        matching = matching.where(ShippingMethod.is_active == query.is_active)
    found = await find_page(connection, matching, _BY_CODE, window, _COLUMNS)
    methods = [ShippingMethodOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, methods), found.snapshot)


def _goes_to(country: str) -> ColumnElement[bool]:
    goes_everywhere = func.cardinality(ShippingMethod.countries) == 0
    return or_(goes_everywhere, literal(country) == any_(ShippingMethod.countries))
