"""The shop's figures. What they mean stands in the schemas, and what they are counted from here."""

from collections import defaultdict
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import Date, cast, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.admin.stats.criteria import StatsQuery, make_period
from app.admin.stats.figures import Sales, Spans, Steps, add_columns, summed
from app.admin.stats.models import RolledUp
from app.admin.stats.periods import Interval, Period
from app.admin.stats.schemas import (
    AccountPeriod,
    AccountsOut,
    ConversionOut,
    ConversionPeriod,
    CurrencySales,
    DailyCount,
    Dashboard,
    DashboardSales,
    SalesBucket,
    SalesFigures,
    SalesOut,
    SalesPeriod,
)
from app.core.clock import utc_now
from app.core.db.queries import snapshot_text
from app.core.http.responses import ReadResult
from app.identity.models import User
from app.identity.permissions import Role

DAYS = 30
SALES = "sales"
"""What `RolledUp` calls the sums of sales."""

WITHIN = "({0} >= :since AND {0} < :first OR {0} >= :last AND {0} < :until)"
"""What is not read from sums: the ends of a period."""
SALE_FACTS = f"""
    SELECT paid_at AS at, currency, channel, 0 AS placed, 0 AS begun, 1 AS orders, items, subtotal AS gross,
        discount AS discounts, shipping, tax, total
    FROM orders CROSS JOIN LATERAL (
        SELECT coalesce(sum(quantity), 0) AS items FROM order_lines WHERE order_id = orders.id
    ) AS counted
    WHERE {WITHIN.format("paid_at")}
    UNION ALL
    SELECT created_at, currency, channel, 1, 0, 0, 0, 0, 0, 0, 0, 0 FROM orders WHERE {WITHIN.format("created_at")}
    UNION ALL
    SELECT tried.created_at, tried.currency, channel, 0, 1, 0, 0, 0, 0, 0, 0, 0
    FROM payments AS tried JOIN orders ON orders.id = order_id
    WHERE {WITHIN.format("tried.created_at")}
        AND NOT EXISTS (SELECT FROM payments WHERE order_id = tried.order_id AND id < tried.id)
"""  # noqa: S608 (made of constants alone)
"""What happened to orders, and when: they were placed, a first payment was begun, they were paid."""

_EVENTS = f"""
    SELECT starts_at AS at, currency, channel, placed, begun, orders, items, gross, discounts, shipping, tax, total
    FROM sales_quarters WHERE starts_at >= :first AND starts_at < :last
    UNION ALL {SALE_FACTS}
"""  # noqa: S608 (made of constants alone)
_SALES = text(f"""
    SELECT bucket, currency, CAST(sum(orders) AS bigint), CAST(sum(items) AS bigint), sum(gross), sum(discounts),
        sum(shipping), sum(tax), sum(total), CAST(sum(refunds) AS bigint), sum(refunded)
    FROM (
        SELECT width_bucket(at, CAST(:bounds AS timestamptz[])) AS bucket, currency, orders, items, gross, discounts,
            shipping, tax, total, 0 AS refunds, 0 AS refunded
        FROM ({_EVENTS}) AS events WHERE orders > 0
        UNION ALL
        SELECT width_bucket(created_at, CAST(:bounds AS timestamptz[])), currency, 0, 0, 0, 0, 0, 0, 0, 1, amount
        FROM refunds WHERE created_at >= :since AND created_at < :until AND status <> 'failed'
    ) AS figures
    GROUP BY 1, 2
""")  # noqa: S608 (made of constants alone)
_PIECES = text(f"SELECT CAST(coalesce(sum(items), 0) AS bigint) FROM ({_EVENTS}) AS events")  # noqa: S608 (made of constants alone)
_CONVERSION = text(f"""
    SELECT bucket, CAST(sum(carts) AS bigint), CAST(sum(placed) AS bigint), CAST(sum(begun) AS bigint),
        CAST(sum(orders) AS bigint)
    FROM (
        SELECT width_bucket(at, CAST(:bounds AS timestamptz[])) AS bucket, placed AS carts, placed, begun, orders
        FROM ({_EVENTS}) AS events WHERE channel = 'web'
        UNION ALL
        SELECT width_bucket(filled_at, CAST(:bounds AS timestamptz[])), 1, 0, 0, 0
        FROM (SELECT max(added_at) AS filled_at FROM cart_lines GROUP BY cart_id) AS carts
        WHERE filled_at >= :since AND filled_at < :until
        UNION ALL
        SELECT width_bucket(starts_at, CAST(:bounds AS timestamptz[])), carts, 0, 0, 0
        FROM cart_quarters WHERE starts_at >= :since AND starts_at < :until
    ) AS figures
    GROUP BY 1
""")  # noqa: S608 (made of constants alone)
_SIGN_UPS = text("""
    SELECT width_bucket(created_at, CAST(:bounds AS timestamptz[])) AS bucket, count(*) AS sign_ups
    FROM users WHERE created_at >= :since AND created_at < :until GROUP BY 1
""")


async def get_dashboard(connection: AsyncConnection, currency: str) -> ReadResult:
    """Accounts and sales at a glance, by four statements."""
    today = utc_now().date()
    days = [today - timedelta(days=age) for age in reversed(range(DAYS))]
    kind = (User.role, User.is_active)
    counted = select(*kind, func.count().label("users"), snapshot_text).group_by(*kind)
    by_kind = (await connection.execute(counted)).all()
    day = cast(func.timezone("UTC", User.created_at), Date).label("day")
    since = datetime.combine(days[0], time.min, UTC)
    signed_up = select(day, func.count().label("users")).where(User.created_at >= since).group_by(day)
    by_day = {row.day: row.users for row in await connection.execute(signed_up)}
    active = sum(row.users for row in by_kind if row.is_active)
    total = sum(row.users for row in by_kind)
    sales = await read_sales(connection, make_period(None, None, None), Interval.DAY, currency)
    figures = Dashboard(
        total_users=total,
        active_users=active,
        inactive_users=total - active,
        users_by_role={role: sum(row.users for row in by_kind if row.role == role) for role in Role},
        sign_ups_per_day=[DailyCount(date=day, count=by_day.get(day, 0)) for day in days],
        sales=[
            DashboardSales(currency=one.currency, today=one.buckets[-1], last_30_days=one.sum)
            for one in sales.currencies
        ],
    )
    # The caller has an account, so that there is a row.
    return ReadResult(figures, by_kind[0].snapshot)


async def get_sales(connection: AsyncConnection, query: StatsQuery, currency: str) -> ReadResult:
    """Sales by currency; the shop's own one is there without sales, too."""
    snapshot = await read_snapshot(connection)
    current = await read_sales(connection, query.period, query.interval, currency)
    previous = query.previous
    figures = SalesOut(
        tz=query.zone_name,
        interval=query.interval,
        current=current,
        previous=previous and await read_sales(connection, previous, query.interval, currency),
    )
    return ReadResult(figures, snapshot)


async def read_sales(
    connection: AsyncConnection, period: Period, interval: Interval, currency: str
) -> SalesPeriod:
    """The sales of one period."""
    spans = Spans(period, period.bounds(interval))
    found: defaultdict[str, dict[int, Sales]] = defaultdict(dict)
    for row in await connection.execute(_SALES, spans.values(await added_up_until(connection, SALES))):
        found[row.currency][row.bucket - 1] = Sales(*row[2:])
    currencies = [
        CurrencySales(
            currency=one,
            sum=SalesFigures.model_validate(Sales(*add_columns(found[one].values())).shown(one)),
            buckets=[
                SalesBucket.model_validate({**found[one].get(at, Sales()).shown(one), **spans.of(at)})
                for at in range(len(spans.bounds))
            ],
        )
        for one in [currency, *sorted(found.keys() - {currency})]
    ]
    return SalesPeriod.model_validate({**spans.whole, "currencies": currencies})


async def read_pieces(connection: AsyncConnection, period: Period) -> int:
    """How many pieces were sold, in whatever currency."""
    values = Spans(period, ()).values(await added_up_until(connection, SALES))
    return int(await connection.scalar(_PIECES, values) or 0)


async def get_conversion(connection: AsyncConnection, query: StatsQuery) -> ReadResult:
    """From carts to money, on the web."""
    snapshot = await read_snapshot(connection)
    previous = query.previous
    figures = ConversionOut(
        tz=query.zone_name,
        interval=query.interval,
        current=await _read_conversion(connection, query.period, query.interval),
        previous=previous and await _read_conversion(connection, previous, query.interval),
    )
    return ReadResult(figures, snapshot)


async def _read_conversion(
    connection: AsyncConnection, period: Period, interval: Interval
) -> ConversionPeriod:
    spans = Spans(period, period.bounds(interval))
    rows = await connection.execute(_CONVERSION, spans.values(await added_up_until(connection, SALES)))
    found = {row.bucket - 1: Steps(*row[1:]) for row in rows}
    return ConversionPeriod.model_validate(summed(spans, found, Steps))


async def get_accounts(connection: AsyncConnection, query: StatsQuery) -> ReadResult:
    """How many accounts were opened."""
    snapshot = await read_snapshot(connection)
    previous = query.previous
    figures = AccountsOut(
        tz=query.zone_name,
        interval=query.interval,
        current=await _read_accounts(connection, query.period, query.interval),
        previous=previous and await _read_accounts(connection, previous, query.interval),
    )
    return ReadResult(figures, snapshot)


async def _read_accounts(connection: AsyncConnection, period: Period, interval: Interval) -> AccountPeriod:
    spans = Spans(period, period.bounds(interval))
    rows = await connection.execute(_SIGN_UPS, {**spans.ends, "bounds": spans.bounds})
    found = {row.bucket - 1: row.sign_ups for row in rows}
    before = select(func.count()).where(User.created_at < period.since)
    return AccountPeriod.model_validate(
        {
            **spans.whole,
            "accounts_before": await connection.scalar(before),
            "sum": {"sign_ups": sum(found.values())},
            "buckets": [{"sign_ups": found.get(at, 0), **spans.of(at)} for at in range(len(spans.bounds))],
        }
    )


async def read_snapshot(connection: AsyncConnection) -> str:
    """The statement's own snapshot."""
    return str(await connection.scalar(select(snapshot_text)))


async def added_up_until(connection: AsyncConnection, kind: str) -> datetime | None:
    """Up to when there are sums."""
    return await connection.scalar(select(RolledUp.until).where(RolledUp.kind == kind))
