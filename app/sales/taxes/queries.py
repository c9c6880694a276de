"""Reads tax rates."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Date, SQLColumnExpression, Text, and_, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.driver import DriverStatement
from app.core.db.paging import Pager
from app.core.db.queries import find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult, version_etag
from app.sales.models import TaxRate
from app.sales.pricing import TaxClass
from app.sales.taxes.errors import no_tax_rate
from app.sales.taxes.schemas import TaxRateFilter, TaxRateOut

_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    TaxRate.id,
    TaxRate.country,
    TaxRate.state,
    TaxRate.tax_class,
    TaxRate.rate,
    TaxRate.valid_from,
    TaxRate.valid_until,
    TaxRate.version,
    TaxRate.created_at,
    TaxRate.updated_at,
)
_RATE = select(*_COLUMNS, snapshot_text).where(TaxRate.id == bindparam("rate"))
_BY_PLACE = Order.by(
    ("country", "state", "tax_class"),
    {
        "country": TaxRate.country,
        "state": func.coalesce(TaxRate.state, ""),
        "tax_class": TaxRate.tax_class,
    },
    TaxRate.id,
)


def _in_force(day: date | ColumnElement[date]) -> ColumnElement[bool]:
    return and_(TaxRate.valid_from <= day, or_(TaxRate.valid_until.is_(None), TaxRate.valid_until >= day))


# Of two entries the later one stands: a state's.
_RATES = DriverStatement(
    select(TaxRate.tax_class, TaxRate.rate)
    .where(
        TaxRate.country == bindparam("country"),
        or_(TaxRate.state.is_(None), TaxRate.state == bindparam("state", type_=Text())),
        _in_force(bindparam("day", type_=Date())),
    )
    .order_by(TaxRate.state.nulls_first())
)
Rates = Mapping[TaxClass, Decimal]
"""What part of a net price is tax, by class; of a class that is not there, none."""


async def find_rates(connection: AsyncConnection, country: str, state: str | None, on: date) -> Rates:
    """The rates of that day; a state's goes before its country's."""
    rows = await _RATES.records(connection, country=country, state=state, day=on)
    return {TaxClass(name): rate for name, rate in rows}


async def get_tax_rate(connection: AsyncConnection, rate_id: int) -> ReadResult:
    """One rate. Raises TaxRateNotFound."""
    row = (await connection.execute(_RATE, {"rate": rate_id})).one_or_none()
    if row is None:
        raise no_tax_rate(rate_id)
    rate = TaxRateOut.model_validate(row)
    return ReadResult(rate, row.snapshot, version_etag(rate.version))


async def list_tax_rates(connection: AsyncConnection, query: TaxRateFilter, pager: Pager) -> ReadResult:
    """One page of the rates. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(TaxRate.id)
    if query.country is not None:
        matching = matching.where(TaxRate.country == query.country)
    if query.tax_class is not None:
        matching = matching.where(TaxRate.tax_class == query.tax_class)
    if query.on is not None:
        matching = matching.where(_in_force(query.on))
    found = await find_page(connection, matching, _BY_PLACE, window, _COLUMNS)
    rates = [TaxRateOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, rates), found.snapshot)
