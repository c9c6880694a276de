"""What each report says: its columns, its rows and its charts."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from app.admin.reports import queries
from app.admin.reports.queries import MOST_ROWS
from app.admin.reports.schemas import ReportType
from app.admin.reports.tables import Bar, Cell, Chart, Column, Kind, Table, interval_of
from app.admin.stats.goods.queries import read_bestsellers, read_returns
from app.admin.stats.goods.schemas import BestsellerKey
from app.admin.stats.periods import Period
from app.admin.stats.queries import read_sales
from app.sales.pricing import round_money

MOST_BARS = 10
_Valued = TypeVar("_Valued", queries.StockValueRow, queries.DeadStockRow)
_Priced = TypeVar("_Priced", queries.StockValueRow, queries.DeadStockRow, queries.TaxRow)

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
                _money(bucket.total, one.currency),
            )
            for bucket in one.buckets
        ]
        total = _money(one.sum.total, one.currency)
        title = f"Total by {interval}, {one.currency}: {total} in {one.sum.orders:,} orders"
        charts.append(Chart(title, bars, is_over_time=True))
    return _table(names, rows, charts)


async def _best_sellers(connection: AsyncConnection, asked: Asked) -> Table:
    sales = await read_sales(connection, asked.period, interval_of(asked.period), asked.currency)
    known = sorted(one.currency for one in sales.currencies)
    currencies = await read_bestsellers(connection, asked.period, BestsellerKey.ITEMS, MOST_ROWS + 1, known)
    names = ["currency", "place", "item_id", "title", "isbn", "sku", "orders", "items", "revenue"]
    rows, charts = list[Sequence[Cell]](), list[Chart]()
    for one in currencies:
        for best in one.items:
            values = {"currency": one.currency, **best.model_dump()}
            rows.append([values[name] for name in names])
        bars = [Bar(best.title, best.items, f"{best.items:,}") for best in one.items[:MOST_BARS]]
        charts.append(Chart(f"Pieces, {one.currency}", bars))
    return _table(names, rows, charts)


async def _stock_value(connection: AsyncConnection, asked: Asked) -> Table:
    found = await queries.read_stock_value(connection, asked.period)
    return _table(queries.StockValueRow._fields, found, _value_charts("Stock", found))


async def _dead_stock(connection: AsyncConnection, asked: Asked) -> Table:
    found = await queries.read_dead_stock(connection, asked.period)
    return _table(queries.DeadStockRow._fields, found, _value_charts("Dead stock", found))


async def _sell_through(connection: AsyncConnection, asked: Asked) -> Table:
    found = await queries.read_sell_through(connection, asked.period)
    most = sorted(found, key=lambda row: (-row.sold, row.item_id))[:MOST_BARS]
    bars = [Bar(row.title, float(row.sell_through), f"{row.sell_through:.1%}") for row in most]
    chart = Chart("Sell-through of what sold most", bars)
    return _table(queries.SellThroughRow._fields, found, [chart])


async def _returns(connection: AsyncConnection, asked: Asked) -> Table:
    found = await queries.read_returned(connection, asked.period)
    figures = await read_returns(connection, asked.period, interval_of(asked.period))
    reasons = [Bar(one.reason, one.returns, f"{one.returns:,}") for one in figures.reasons]
    over_time = [
        Bar(f"{one.starts_at.astimezone(asked.period.zone):%Y-%m-%d %H:%M}", one.pieces, f"{one.pieces:,}")
        for one in figures.buckets
    ]
    charts = [Chart("Pieces sent back", over_time, is_over_time=True), Chart("Returns by reason", reasons)]
    return _table(queries.ReturnedRow._fields, found, charts)


async def _tax(connection: AsyncConnection, asked: Asked) -> Table:
    found = await queries.read_tax(connection, asked.period)
    charts = [
        Chart(
            f"Tax, {currency}",
            [
                Bar(
                    f"{row.country or 'no country'} {row.rate:.1%}", float(row.tax), _money(row.tax, currency)
                )
                for row in sorted(rows, key=lambda row: -row.tax)[:MOST_BARS]
            ],
        )
        for currency, rows in _by_currency(found)
    ]
    return _table(queries.TaxRow._fields, found, charts)


async def _searches(connection: AsyncConnection, asked: Asked) -> Table:
    found = await queries.read_searches(connection, asked.period)
    bars = [Bar(row.query, row.searches, f"{row.searches:,}") for row in found[:MOST_BARS]]
    return _table(queries.SearchRow._fields, found, [Chart("Searches", bars)])


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


def _value_charts(what: str, found: Sequence[_Valued]) -> list[Chart]:
    charts = []
    for currency, rows in _by_currency(found[:MOST_ROWS]):
        some = f", the first {MOST_ROWS:,} items" if len(found) > MOST_ROWS else ""
        worth = [(row.title, row.value) for row in rows if row.value]
        total = _money(sum((value for _, value in worth), Decimal(0)), currency)
        bars = [Bar(title, float(value), _money(value, currency)) for title, value in worth[:MOST_BARS]]
        charts.append(Chart(f"{what}{some}: {total} {currency}", bars))
    return charts


def _by_currency(rows: Sequence[_Priced]) -> list[tuple[str, list[_Priced]]]:
    """A chart each: amounts of two currencies are never beside one another."""
    found: defaultdict[str, list[_Priced]] = defaultdict(list)
    for row in rows:
        found[row.currency].append(row)
    return sorted(found.items())


def _money(amount: Decimal, currency: str) -> str:
    return f"{round_money(amount, currency):,f}"


def _table(names: Sequence[str], rows: Sequence[Sequence[Cell]], charts: Sequence[Chart]) -> Table:
    """No more rows than a report may have, and amounts with the decimals of their currency."""
    columns = [Column(name, _KINDS.get(name, Kind.COUNT)) for name in names]
    amounts = [place for place, column in enumerate(columns) if column.kind is Kind.MONEY]
    made = [list(row) for row in rows[:MOST_ROWS]]
    for row in made:
        for place in amounts:
            amount = row[place]
            if isinstance(amount, Decimal):
                row[place] = round_money(amount, str(row[names.index("currency")]))
    return Table(columns, made, charts, is_cut=len(rows) > MOST_ROWS)
