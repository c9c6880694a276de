"""What each report says: its columns, its rows and its charts."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from app.admin.reports import queries
from app.admin.reports.queries import MOST_ROWS
from app.admin.reports.schemas import ReportType
from app.admin.reports.tables import Bar, Cell, Chart, Column, Kind, Table
from app.admin.stats.goods.queries import read_bestsellers, read_returns
from app.admin.stats.goods.schemas import BestsellerKey
from app.admin.stats.periods import Interval, Period
from app.admin.stats.queries import read_sales

MOST_BARS = 10

_KINDS = {
    **dict.fromkeys(("starts_at", "ends_at", "last_at", "last_sold_at"), Kind.MOMENT),
    **dict.fromkeys(("sell_through", "return_rate", "rate"), Kind.SHARE),
    **dict.fromkeys(("title", "isbn", "sku", "currency", "country", "query"), Kind.TEXT),
    **dict.fromkeys(
        ("gross", "discounts", "shipping", "tax", "total", "net", "refunded", "kept", "average_order_value"),
        Kind.MONEY,
    ),
    **dict.fromkeys(("revenue", "price", "value"), Kind.MONEY),
}
"""Of all columns; any other is a number of something."""


class Asked(NamedTuple):
    """A report, for a shop with this currency."""

    report_type: ReportType
    period: Period
    currency: str


async def make_table(connection: AsyncConnection, asked: Asked) -> Table:
    """Read what the report says."""
    return await _MAKERS[asked.report_type](connection, asked)


def interval_of(period: Period) -> Interval:
    """By how much a report of sales goes on: as finely as a page can show."""
    length = period.until - period.since
    if length <= timedelta(days=2):
        return Interval.HOUR
    if length <= timedelta(days=93):
        return Interval.DAY
    return Interval.WEEK if length <= timedelta(days=800) else Interval.MONTH


async def _sales(connection: AsyncConnection, asked: Asked) -> Table:
    interval = interval_of(asked.period)
    sales = await read_sales(connection, asked.period, interval, asked.currency)
    names = [
        "currency",
        "starts_at",
        "ends_at",
        "orders",
        "items",
        "gross",
        "discounts",
        "shipping",
        "tax",
        "total",
    ]
    names += ["net", "refunds", "refunded", "kept", "average_order_value"]
    rows, charts = list[Sequence[Cell]](), list[Chart]()
    for one in sales.currencies:
        for bucket in one.buckets:
            values = {"currency": one.currency, **bucket.model_dump()}
            rows.append([values[name] for name in names])
        bars = [
            Bar(
                f"{bucket.starts_at.astimezone(asked.period.zone):%Y-%m-%d %H:%M}",
                float(bucket.total),
                f"{bucket.total:,.2f}",
            )
            for bucket in one.buckets
        ]
        title = f"Total by {interval}, {one.currency}: {one.sum.total:,.2f} in {one.sum.orders:,} orders"
        charts.append(Chart(title, bars, is_over_time=True))
    return Table(_columns(names), rows, charts)


async def _best_sellers(connection: AsyncConnection, asked: Asked) -> Table:
    currencies = await read_bestsellers(connection, asked.period, BestsellerKey.ITEMS, MOST_ROWS)
    names = ["currency", "place", "item_id", "title", "isbn", "sku", "orders", "items", "revenue"]
    rows, charts = list[Sequence[Cell]](), list[Chart]()
    for one in currencies:
        for best in one.items:
            values = {"currency": one.currency, **best.model_dump()}
            rows.append([values[name] for name in names])
        bars = [Bar(best.title, best.items, f"{best.items:,}") for best in one.items[:MOST_BARS]]
        charts.append(Chart(f"Pieces, {one.currency}", bars))
    return _cut(names, rows, charts)


async def _stock_value(connection: AsyncConnection, asked: Asked) -> Table:
    found = await queries.read_stock_value(connection, asked.period)
    return _cut(
        queries.StockValueRow._fields,
        found,
        [_value_chart("Stock", [(row.currency, row.title, row.value) for row in found])],
    )


async def _dead_stock(connection: AsyncConnection, asked: Asked) -> Table:
    found = await queries.read_dead_stock(connection, asked.period)
    return _cut(
        queries.DeadStockRow._fields,
        found,
        [_value_chart("Dead stock", [(row.currency, row.title, row.value) for row in found])],
    )


async def _sell_through(connection: AsyncConnection, asked: Asked) -> Table:
    found = await queries.read_sell_through(connection, asked.period)
    most = sorted(found, key=lambda row: (-row.sold, row.item_id))[:MOST_BARS]
    bars = [Bar(row.title, float(row.sell_through), f"{row.sell_through:.1%}") for row in most]
    chart = Chart("Sell-through of what sold most", bars)
    return _cut(queries.SellThroughRow._fields, found, [chart])


async def _returns(connection: AsyncConnection, asked: Asked) -> Table:
    found = await queries.read_returned(connection, asked.period)
    figures = await read_returns(connection, asked.period, interval_of(asked.period))
    reasons = [Bar(one.reason, one.returns, f"{one.returns:,}") for one in figures.reasons]
    over_time = [
        Bar(f"{one.starts_at.astimezone(asked.period.zone):%Y-%m-%d %H:%M}", one.pieces, f"{one.pieces:,}")
        for one in figures.buckets
    ]
    charts = [Chart("Pieces sent back", over_time, is_over_time=True), Chart("Returns by reason", reasons)]
    return _cut(queries.ReturnedRow._fields, found, charts)


async def _tax(connection: AsyncConnection, asked: Asked) -> Table:
    found = await queries.read_tax(connection, asked.period)
    bars = [
        Bar(f"{row.country or 'no country'} {row.rate:.1%}", float(row.tax), f"{row.tax:,.2f} {row.currency}")
        for row in sorted(found, key=lambda row: -row.tax)[:MOST_BARS]
    ]
    return _cut(queries.TaxRow._fields, found, [Chart("Tax", bars)])


async def _searches(connection: AsyncConnection, asked: Asked) -> Table:
    found = await queries.read_searches(connection, asked.period)
    bars = [Bar(row.query, row.searches, f"{row.searches:,}") for row in found[:MOST_BARS]]
    return _cut(queries.SearchRow._fields, found, [Chart("Searches", bars)])


_MAKERS: dict[ReportType, Callable[[AsyncConnection, Asked], Awaitable[Table]]] = {
    ReportType.SALES: _sales,
    ReportType.BEST_SELLERS: _best_sellers,
    ReportType.STOCK_VALUE: _stock_value,
    ReportType.DEAD_STOCK: _dead_stock,
    ReportType.RETURNS: _returns,
    ReportType.TAX: _tax,
    ReportType.SELL_THROUGH: _sell_through,
    ReportType.SEARCH_WITHOUT_RESULT: _searches,
}


def _value_chart(what: str, rows: Sequence[tuple[str, str, Decimal | None]]) -> Chart:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for currency, _, value in rows:
        sums[currency] += value or 0
    whole = ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(sums.items()))
    worth = [(title, value, currency) for currency, title, value in rows if value][:MOST_BARS]
    bars = [Bar(title, float(value), f"{value:,.2f} {currency}") for title, value, currency in worth]
    return Chart(f"{what}: {whole or 'nothing'}", bars)


def _columns(names: Sequence[str]) -> list[Column]:
    return [Column(name, _KINDS.get(name, Kind.COUNT)) for name in names]


def _cut(names: Sequence[str], rows: Sequence[Sequence[Cell]], charts: Sequence[Chart]) -> Table:
    return Table(_columns(names), rows[:MOST_ROWS], charts, is_cut=len(rows) > MOST_ROWS)
