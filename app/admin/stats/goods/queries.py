"""Goods in figures: what they are counted from. What they mean stands in the schemas."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.admin.stats.criteria import StatsQuery
from app.admin.stats.figures import Movements, Returns, Spans, share, summed
from app.admin.stats.goods.schemas import (
    Bestseller,
    BestsellerKey,
    BestsellerQuery,
    BestsellersBesideAll,
    BestsellersOut,
    CurrencyBestsellers,
    CurrencyRefunds,
    CurrencyStock,
    GoodsBucket,
    GoodsFigures,
    ItemFigures,
    ReturnPeriod,
    ReturnReason,
    ReturnStatsOut,
    StockFigures,
    StockPeriod,
    StockStatsOut,
)
from app.admin.stats.goods.spans import nested
from app.admin.stats.periods import Interval, Period
from app.admin.stats.queries import WITHIN, added_up_until, read_pieces, read_sales, read_snapshot
from app.admin.stats.schemas import CurrencySales, PeriodOut, SalesFigures
from app.core.clock import utc_now
from app.core.http.responses import ReadResult

ITEMS = "items"
STOCK = "stock"
"""What `RolledUp` calls the sums of items, and those of the stock's movements."""
MOST_REASONS = 10

ITEM_FACTS = f"""
    SELECT paid_at AS at, item_id, currency, 1 AS orders, quantity AS items,
        line_total - order_lines.discount AS revenue
    FROM orders JOIN order_lines ON order_id = orders.id WHERE {WITHIN.format("paid_at")}
"""  # noqa: S608 (made of constants alone)
"""What of which item was paid for, and when."""
MOVEMENT_FACTS = f"""
    SELECT created_at AS at, kind, greatest(delta, 0) AS came, greatest(-delta, 0) AS went
    FROM stock_movements WHERE delta <> 0 AND {WITHIN.format("created_at")}
"""  # noqa: S608 (made of constants alone)
"""What came into the stock and left it, and when."""

_ITEM_SALES = f"""
    SELECT item_id, currency, orders, items, revenue FROM item_sales WHERE grain = 'year'
        AND starts_on >= :first_year AND starts_on < :last_year
    UNION ALL
    SELECT item_id, currency, orders, items, revenue FROM item_sales WHERE grain = 'month'
        AND (starts_on >= :first_month AND starts_on < :first_year
            OR starts_on >= :last_year AND starts_on < :last_month)
    UNION ALL
    SELECT item_id, currency, orders, items, revenue FROM item_sales WHERE grain = 'day'
        AND (starts_on >= :first_day AND starts_on < :first_month
            OR starts_on >= :last_month AND starts_on < :last_day)
    UNION ALL
    SELECT item_id, currency, orders, items, revenue FROM ({ITEM_FACTS} OFFSET 0) AS facts
"""  # noqa: S608 (made of constants alone)
"""What was sold in the period, from sums of years, months and days as far as there are: some rows for each item.

`OFFSET 0`: lines are looked up by their orders, of which the ends have few, whatever is asked of their items. A plan
that is kept for all periods would take every line that such an item ever had.
"""
_PIECES = "sum(CAST(items AS int))"
"""Small integers add up in so little memory that PostgreSQL need not sort the rows."""
PIECES_OF_ITEMS = f"SELECT item_id, {_PIECES} AS items FROM ({_ITEM_SALES}) AS sold GROUP BY item_id"  # noqa: S608 (made of constants alone)
"""How many pieces of each item were sold in the period."""

_MOST = {
    BestsellerKey.ITEMS: f"{_PIECES} DESC, item_id",
    BestsellerKey.REVENUE: f"sum(revenue) DESC, {_PIECES} DESC, item_id",
}
_RANKED = {
    key: text(f"""
        SELECT item_id FROM ({_ITEM_SALES}) AS sold WHERE currency = :currency
        GROUP BY item_id ORDER BY {most} LIMIT :limit
    """)  # noqa: S608 (made of constants alone)
    for key, most in _MOST.items()
}
"""By what they have most of alone: the other sums are added up of those that are shown, not of all."""
_NAMED = text("""
    SELECT wanted.id AS item_id, coalesce(listed.title, last.title, '#' || wanted.id) AS title,
        coalesce(isbn13, last.isbn) AS isbn, coalesce(listed.sku, last.sku) AS sku, listed.id IS NOT NULL AS is_there
    FROM unnest(CAST(:item_ids AS bigint[])) AS wanted (id) LEFT JOIN items AS listed ON listed.id = wanted.id
        LEFT JOIN books ON books.item_id = wanted.id
        LEFT JOIN LATERAL (
            SELECT title, isbn, order_lines.sku FROM order_lines
            WHERE listed.id IS NULL AND order_lines.item_id = wanted.id ORDER BY id DESC LIMIT 1
        ) AS last ON true
""")
"""What items are called, by a statement of its own: it looks up a few, whatever many were ranked."""
_SOLD_OF = text(f"""
    SELECT item_id, currency, sum(CAST(orders AS int)) AS orders, {_PIECES} AS items, sum(revenue) AS revenue
    FROM ({_ITEM_SALES}) AS sold WHERE item_id = ANY(CAST(:item_ids AS bigint[])) GROUP BY item_id, currency
""")  # noqa: S608 (made of constants alone)
LYING = f"""
    SELECT listed.id AS item_id, title, isbn13 AS isbn, sku, currency, price, on_hand, reserved,
        on_hand * price AS value, coalesce(sold.items, 0) AS sold, sold.item_id IS NULL AND created_at < :since AS is_dead
    FROM stock_levels JOIN items AS listed ON listed.id = stock_levels.item_id
        LEFT JOIN books ON books.item_id = listed.id
        LEFT JOIN ({PIECES_OF_ITEMS}) AS sold ON sold.item_id = listed.id
"""  # noqa: S608 (made of constants alone)
"""What lies there now of each item, what of it was sold in the period, and whether it is dead."""

_STOCK = text(f"""
    SELECT currency, count(*), sum(on_hand), sum(reserved), coalesce(sum(value), 0),
        count(*) FILTER (WHERE price IS NULL), count(*) FILTER (WHERE is_dead),
        coalesce(sum(on_hand) FILTER (WHERE is_dead), 0), coalesce(sum(reserved) FILTER (WHERE is_dead), 0),
        coalesce(sum(value) FILTER (WHERE is_dead), 0)
    FROM ({LYING}) AS lying WHERE on_hand > 0 GROUP BY currency ORDER BY currency
""")  # noqa: S608 (made of constants alone)
_LOW = text("SELECT count(*) FROM stock_levels WHERE available <= low_stock_threshold")
_MOVED = text(f"""
    SELECT width_bucket(at, CAST(:bounds AS timestamptz[])) AS bucket,
        CAST(coalesce(sum(came) FILTER (WHERE kind IN ('initial', 'import', 'receipt')), 0) AS bigint),
        CAST(coalesce(sum(went - came) FILTER (WHERE kind = 'sale'), 0) AS bigint),
        CAST(coalesce(sum(came - went) FILTER (WHERE kind = 'return'), 0) AS bigint),
        CAST(sum(came - went) AS bigint)
    FROM (
        SELECT starts_at AS at, kind, came, went FROM stock_quarters WHERE starts_at >= :first AND starts_at < :last
        UNION ALL {MOVEMENT_FACTS}
    ) AS moved
    GROUP BY 1
""")  # noqa: S608 (made of constants alone)
_RETURNS = text("""
    SELECT width_bucket(created_at, CAST(:bounds AS timestamptz[])) AS bucket, count(*),
        count(*) FILTER (WHERE status = 'rejected'), CAST(sum(pieces) AS bigint), CAST(sum(received) AS bigint),
        CAST(sum(damaged) AS bigint)
    FROM returns CROSS JOIN LATERAL (
        SELECT coalesce(sum(CAST(line->>'quantity' AS int)), 0) AS pieces,
            coalesce(sum(CAST(line->>'received' AS int)), 0) AS received,
            coalesce(sum(CAST(line->>'damaged' AS int)), 0) AS damaged
        FROM jsonb_array_elements(lines) AS line
    ) AS counted
    WHERE created_at >= :since AND created_at < :until GROUP BY 1
""")
_REASONS = text("""
    SELECT reason, count(*) AS returns FROM returns WHERE created_at >= :since AND created_at < :until
    GROUP BY reason ORDER BY returns DESC, reason LIMIT :most
""")
_REFUNDS = text("""
    SELECT currency, count(*) AS refunds, sum(amount) AS refunded FROM refunds
    WHERE created_at >= :since AND created_at < :until AND status <> 'failed' GROUP BY currency ORDER BY currency
""")


class _Sold(NamedTuple):
    orders: int = 0
    items: int = 0
    revenue: Decimal = Decimal(0)


async def get_bestsellers(connection: AsyncConnection, query: BestsellerQuery, currency: str) -> ReadResult:
    """The best in each currency, beside the same items in the period before, and beside everything."""
    snapshot, previous = await read_snapshot(connection), query.previous
    sales = await read_sales(connection, query.period, query.interval, currency)
    everything = {one.currency: one for one in sales.currencies}
    best = await read_bestsellers(connection, query.period, query.by, query.limit, sorted(everything))
    if previous is not None:
        ids = [item.item_id for one in best for item in one.items]
        earlier = await _read_sold(connection, previous, ids)
        for one in best:
            for item in one.items:
                sold = earlier.get((item.item_id, one.currency), _Sold())
                item.previous = ItemFigures.model_validate(sold)
    figures = BestsellersOut(
        starts_at=query.period.since,
        ends_at=query.period.until,
        tz=query.zone_name,
        interval=query.interval,
        previous=previous and PeriodOut(starts_at=previous.since, ends_at=previous.until),
        currencies=[_beside_all(one, everything[one.currency]) for one in best],
    )
    return ReadResult(figures, snapshot)


def _beside_all(best: CurrencyBestsellers, everything: CurrencySales) -> BestsellersBesideAll:
    return BestsellersBesideAll(
        currency=best.currency,
        items=best.items,
        sum=GoodsFigures(items=everything.sum.items, revenue=_revenue(everything.sum)),
        buckets=[
            GoodsBucket(starts_at=one.starts_at, ends_at=one.ends_at, items=one.items, revenue=_revenue(one))
            for one in everything.buckets
        ],
    )


def _revenue(sales: SalesFigures) -> Decimal:
    """What goods cost without what discounts took off: that of all lines together."""
    return sales.gross - sales.discounts


async def read_bestsellers(
    connection: AsyncConnection, period: Period, by: BestsellerKey, limit: int, currencies: Sequence[str]
) -> list[CurrencyBestsellers]:
    """The best in each of the currencies in which something was sold, the best first."""
    spans = nested(period, await added_up_until(connection, ITEMS))._asdict()
    best: dict[str, Sequence[int]] = {}
    for currency in currencies:
        values = {**spans, "currency": currency, "limit": limit}
        best[currency] = (await connection.scalars(_RANKED[by], values)).all()
    ids = sorted({item_id for ranked in best.values() for item_id in ranked})
    named = {row.item_id: row._asdict() for row in await connection.execute(_NAMED, {"item_ids": ids})}
    sold = await _read_sold(connection, period, ids)
    return [
        CurrencyBestsellers(
            currency=currency,
            items=[
                Bestseller(place=place, **named[item_id], **sold[item_id, currency]._asdict(), previous=None)
                for place, item_id in enumerate(ranked, 1)
            ],
        )
        for currency, ranked in best.items()
        if ranked
    ]


async def _read_sold(
    connection: AsyncConnection, period: Period, item_ids: Sequence[int]
) -> dict[tuple[int, str], _Sold]:
    spans = nested(period, await added_up_until(connection, ITEMS))
    rows = await connection.execute(_SOLD_OF, {**spans._asdict(), "item_ids": item_ids})
    return {(row.item_id, row.currency): _Sold(*row[2:]) for row in rows}


async def get_stock(connection: AsyncConnection, query: StatsQuery) -> ReadResult:
    """What lies there now, what of it nobody bought in the period, and what came and went."""
    snapshot, previous = await read_snapshot(connection), query.previous
    spans = nested(query.period, await added_up_until(connection, ITEMS))
    currencies = [
        CurrencyStock(
            currency=currency,
            **_stock(rest[:4]).model_dump(),
            unpriced=rest[4],
            dead=_stock(rest[5:]),
        )
        for currency, *rest in await connection.execute(_STOCK, spans._asdict())
    ]
    sold = await read_pieces(connection, query.period)
    figures = StockStatsOut(
        tz=query.zone_name,
        interval=query.interval,
        as_of=utc_now(),
        currencies=currencies,
        low=await connection.scalar(_LOW) or 0,
        sell_through=share(sold, sold + sum(one.pieces for one in currencies)),
        current=await _read_moved(connection, query.period, query.interval),
        previous=previous and await _read_moved(connection, previous, query.interval),
    )
    return ReadResult(figures, snapshot)


def _stock(columns: Sequence[int | Decimal]) -> StockFigures:
    return StockFigures.model_validate(dict(zip(StockFigures.model_fields, columns, strict=True)))


async def _read_moved(connection: AsyncConnection, period: Period, interval: Interval) -> StockPeriod:
    spans = Spans(period, period.bounds(interval))
    rows = await connection.execute(_MOVED, spans.values(await added_up_until(connection, STOCK)))
    found = {row.bucket - 1: Movements(*row[1:]) for row in rows}
    return StockPeriod.model_validate(summed(spans, found, Movements))


async def get_returns(connection: AsyncConnection, query: StatsQuery) -> ReadResult:
    """What buyers send back, why, and what money went back."""
    snapshot, previous = await read_snapshot(connection), query.previous
    figures = ReturnStatsOut(
        tz=query.zone_name,
        interval=query.interval,
        current=await read_returns(connection, query.period, query.interval),
        previous=previous and await read_returns(connection, previous, query.interval),
    )
    return ReadResult(figures, snapshot)


async def read_returns(connection: AsyncConnection, period: Period, interval: Interval) -> ReturnPeriod:
    """The returns of one period."""
    spans = Spans(period, period.bounds(interval))
    rows = await connection.execute(_RETURNS, {**spans.ends, "bounds": spans.bounds})
    found = {row.bucket - 1: Returns(*row[1:]) for row in rows}
    pieces = sum(one.pieces for one in found.values())
    reasons = await connection.execute(_REASONS, {**spans.ends, "most": MOST_REASONS})
    refunds = await connection.execute(_REFUNDS, spans.ends)
    return ReturnPeriod.model_validate(
        {
            **summed(spans, found, Returns),
            "reasons": [ReturnReason.model_validate(row) for row in reasons],
            "refunds": [CurrencyRefunds.model_validate(row) for row in refunds],
            "return_rate": share(pieces, await read_pieces(connection, period)),
        }
    )
