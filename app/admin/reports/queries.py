"""What reports are made of, by the same words as the statistics; and reads of tasks."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.admin.reports.errors import ReportTaskNotFound
from app.admin.reports.models import ReportTask
from app.admin.reports.tasks import task_out
from app.admin.stats.goods.queries import ITEMS, LYING, PIECES_OF_ITEMS
from app.admin.stats.goods.spans import nested
from app.admin.stats.periods import Period
from app.admin.stats.queries import added_up_until
from app.core.clock import utc_now
from app.core.db.queries import AnyRow, snapshot_text
from app.core.http.responses import ReadResult

MOST_ROWS = 100_000
"""Of a report: more than anybody reads, and what a worker can hold."""

_MAY_TAKE_LONG = text("SELECT set_config('statement_timeout', '120s', true)")
_STOCK_VALUE = text(f"""
    SELECT item_id, title, isbn, sku, currency, on_hand, reserved, price, value
    FROM ({LYING}) AS lying WHERE on_hand > 0 ORDER BY value DESC NULLS LAST, item_id LIMIT :most
""")  # noqa: S608 (made of constants alone)
_DEAD_STOCK = text(f"""
    SELECT item_id, title, isbn, sku, currency, on_hand, price, value, (
        SELECT max(paid_at) FROM order_lines JOIN orders ON orders.id = order_id WHERE item_id = dead.item_id
    ) AS last_sold_at
    FROM (
        SELECT * FROM ({LYING}) AS lying WHERE on_hand > 0 AND is_dead
        ORDER BY value DESC NULLS LAST, item_id LIMIT :most
    ) AS dead
    ORDER BY value DESC NULLS LAST, item_id
""")  # noqa: S608 (made of constants alone)
_SELL_THROUGH = text(f"""
    SELECT item_id, title, isbn, sku, sold, on_hand,
        round(CAST(sold AS numeric) / (sold + on_hand), 4) AS sell_through
    FROM ({LYING}) AS lying WHERE on_hand > 0 OR sold > 0 ORDER BY sell_through DESC, sold DESC, item_id LIMIT :most
""")  # noqa: S608 (made of constants alone)
_RETURNS = text(f"""
    WITH back AS (
        SELECT item_id, max(title) AS title, max(isbn) AS isbn, count(DISTINCT returns.id) AS returns,
            sum(CAST(line->>'quantity' AS int)) AS pieces, sum(CAST(line->>'received' AS int)) AS received,
            sum(CAST(line->>'damaged' AS int)) AS damaged
        FROM returns CROSS JOIN LATERAL jsonb_array_elements(lines) AS line
            JOIN order_lines ON order_lines.id = CAST(line->>'line_id' AS bigint)
        WHERE created_at >= :since AND created_at < :until GROUP BY item_id
    )
    SELECT back.item_id, title, isbn, returns, pieces, received, damaged, coalesce(items, 0) AS sold,
        round(CAST(pieces AS numeric) / items, 4) AS return_rate
    FROM back LEFT JOIN ({PIECES_OF_ITEMS}) AS sold USING (item_id) ORDER BY pieces DESC, item_id LIMIT :most
""")  # noqa: S608 (made of constants alone)
_TAX = text("""
    SELECT coalesce(content->'customer'->>'country', '') AS country, CAST(taxed->>'rate' AS numeric) AS rate, currency,
        count(*) FILTER (WHERE kind = 'invoice') AS invoices, count(*) FILTER (WHERE kind = 'credit_note') AS credit_notes,
        sum(sign * CAST(taxed->>'net' AS numeric)) AS net, sum(sign * CAST(taxed->>'tax' AS numeric)) AS tax,
        sum(sign * CAST(taxed->>'gross' AS numeric)) AS gross
    FROM invoices CROSS JOIN LATERAL jsonb_array_elements(content->'taxes') AS taxed
        CROSS JOIN LATERAL (SELECT CASE kind WHEN 'invoice' THEN 1 ELSE -1 END AS sign) AS signed
    WHERE created_at >= :since AND created_at < :until
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT :most
""")
_SEARCHES = text("""
    SELECT query, count, last_at FROM search_misses WHERE last_at >= :since AND last_at < :until
    ORDER BY count DESC, id LIMIT :most
""")


class StockValueRow(NamedTuple):
    """What lies there of an item."""

    item_id: int
    title: str
    isbn: str | None
    sku: str | None
    currency: str
    on_hand: int
    reserved: int
    price: Decimal | None
    value: Decimal | None


class DeadStockRow(NamedTuple):
    """What lies there of an item that nobody bought in the period."""

    item_id: int
    title: str
    isbn: str | None
    sku: str | None
    currency: str
    on_hand: int
    price: Decimal | None
    value: Decimal | None
    last_sold_at: datetime | None


class SellThroughRow(NamedTuple):
    """What of an item was sold in the period, and what is left of it."""

    item_id: int
    title: str
    isbn: str | None
    sku: str | None
    sold: int
    on_hand: int
    sell_through: Decimal


class ReturnedRow(NamedTuple):
    """What of an item was sent back."""

    item_id: int
    title: str
    isbn: str | None
    returns: int
    pieces: int
    received: int
    damaged: int
    sold: int
    return_rate: Decimal | None


class TaxRow(NamedTuple):
    """What was invoiced, less what was credited, for one country at one rate."""

    country: str
    rate: Decimal
    currency: str
    invoices: int
    credit_notes: int
    net: Decimal
    tax: Decimal
    gross: Decimal


class SearchRow(NamedTuple):
    """A search that found nothing."""

    query: str
    searches: int
    last_at: datetime


async def allow_time(connection: AsyncConnection) -> None:
    """Let statements of this transaction take minutes, as those of a request never may."""
    await connection.execute(_MAY_TAKE_LONG)


async def read_stock_value(connection: AsyncConnection, period: Period) -> list[StockValueRow]:
    """What lies there now, the most valuable first."""
    return [
        StockValueRow(*row) for row in await connection.execute(_STOCK_VALUE, await _sold(connection, period))
    ]


async def read_dead_stock(connection: AsyncConnection, period: Period) -> list[DeadStockRow]:
    """What lies there, was listed before the period and not sold in it, the most valuable first."""
    return [
        DeadStockRow(*row) for row in await connection.execute(_DEAD_STOCK, await _sold(connection, period))
    ]


async def read_sell_through(connection: AsyncConnection, period: Period) -> list[SellThroughRow]:
    """What was sold beside what is left, what sold out first."""
    rows = await connection.execute(_SELL_THROUGH, await _sold(connection, period))
    return [SellThroughRow(*row) for row in rows]


async def read_returned(connection: AsyncConnection, period: Period) -> list[ReturnedRow]:
    """What was sent back, the most first."""
    return [ReturnedRow(*row) for row in await connection.execute(_RETURNS, await _sold(connection, period))]


async def read_tax(connection: AsyncConnection, period: Period) -> list[TaxRow]:
    """What invoices and credit notes say that were issued in the period, by country and rate."""
    values = {"since": period.since, "until": period.until, "most": MOST_ROWS + 1}
    return [TaxRow(*row) for row in await connection.execute(_TAX, values)]


async def read_searches(connection: AsyncConnection, period: Period) -> list[SearchRow]:
    """Searches without result whose last one was in the period, the most frequent first."""
    values = {"since": period.since, "until": period.until, "most": MOST_ROWS + 1}
    return [SearchRow(*row) for row in await connection.execute(_SEARCHES, values)]


async def get_task(connection: AsyncConnection, task_id: UUID, user_id: int) -> AnyRow:
    """The account's own task, with `snapshot`. Raises ReportTaskNotFound, also where its time is over."""
    columns = tuple(ReportTask.__table__.columns)
    own = (ReportTask.id == task_id, ReportTask.user_id == user_id, ReportTask.expires_at > utc_now())
    row = (await connection.execute(select(*columns, snapshot_text).where(*own))).one_or_none()
    if row is None:
        raise ReportTaskNotFound("There is no such task of yours, or its time is over.")
    return row


async def read_task(connection: AsyncConnection, task_id: UUID, user_id: int, public_url: str) -> ReadResult:
    """What is told of the account's own task. Raises ReportTaskNotFound."""
    row = await get_task(connection, task_id, user_id)
    return ReadResult(task_out(row, public_url), row.snapshot)


async def find_kept(connection: AsyncConnection, task_ids: Collection[str]) -> set[str]:
    """Which of these ids are of tasks that there are."""
    wanted = select(ReportTask.id).where(ReportTask.id.in_([UUID(one) for one in task_ids]))
    return {str(one) for one in await connection.scalars(wanted)}


async def _sold(connection: AsyncConnection, period: Period) -> dict[str, object]:
    spans = nested(period, await added_up_until(connection, ITEMS))
    return {**spans._asdict(), "most": MOST_ROWS + 1}
