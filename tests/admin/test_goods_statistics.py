"""Bestsellers, stock and returns in figures."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.stats.goods.service import add_up_items, add_up_moves
from app.admin.stats.goods.spans import nested
from app.admin.stats.periods import Period
from app.catalog.models import Item, StockMovement
from app.core.clock import utc_now
from app.identity.permissions import Role
from app.sales.models import OrderLine, RefundStatus, Return
from tests.conftest import Caller, SignUp
from tests.factories import a_book, an_item

from .books_of_account import a_refund, a_sale
from .test_statistics import STATS, ask, in_berlin

MARCH = {"from_": "2026-03-02", "to": "2026-03-04"}
MOMENTS = st.integers(1_600_000_000, 1_800_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))


@pytest.fixture
async def admin(sign_up: SignUp) -> Caller:
    return await sign_up(Role.ADMIN)


async def test_bestsellers_are_ranked_in_each_currency(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller, seller: Caller
) -> None:
    hobbit = await a_book(client, seller, "The Hobbit", isbn="9780261102217")
    pen = await an_item(client, seller, "Pen", sku="PEN-0001")
    gone = 999_999
    await a_sale(session, in_berlin(2, 0), (hobbit["id"], 2, 10), (pen["id"], 5, 1))
    await a_sale(session, in_berlin(3, 23, 59), (hobbit["id"], 1, 10), (gone, 1, 100))
    await a_sale(session, in_berlin(3, 12), (pen["id"], 1, 2), currency="CHF")
    await a_sale(session, in_berlin(1, 23, 59), (hobbit["id"], 7, 10))
    await a_sale(session, in_berlin(4, 0), (hobbit["id"], 50, 10))
    await a_sale(session, in_berlin(3, 12), (hobbit["id"], 50, 10), is_paid=False)

    best = await ask(client, admin, "bestsellers", **MARCH, compare="previous")

    assert best["previous"] == {"starts_at": "2026-02-27T23:00:00Z", "ends_at": "2026-03-01T23:00:00Z"}
    francs, euros = best["currencies"]
    assert (francs["currency"], [one["items"] for one in francs["items"]]) == ("CHF", [1])
    assert [(one["title"], one["items"], one["revenue"], one["orders"]) for one in euros["items"]] == [
        ("Pen", 5, 5, 1),
        ("The Hobbit", 3, 30, 2),
        (f"Book {gone}", 1, 100, 1),
    ]
    assert [one["place"] for one in euros["items"]] == [1, 2, 3]
    assert [one["is_there"] for one in euros["items"]] == [True, True, False]
    assert (euros["items"][0]["sku"], euros["items"][1]["isbn"]) == ("PEN-0001", "9780261102217")
    assert [one["previous"]["items"] for one in euros["items"]] == [0, 7, 0]
    # Beside everything in the same currency, those of the list and all others.
    assert euros["sum"] == {"items": 9, "revenue": 135}
    assert [(day["items"], day["revenue"]) for day in euros["buckets"]] == [(7, 25), (2, 110)]
    assert francs["sum"] == {"items": 1, "revenue": 2}
    by_revenue = await ask(client, admin, "bestsellers", **MARCH, by="revenue", limit="2")
    assert [one["item_id"] for one in by_revenue["currencies"][1]["items"]] == [gone, hobbit["id"]]
    assert by_revenue["currencies"][1]["items"][0]["previous"] is None
    assert by_revenue["previous"] is None


async def test_revenue_is_without_what_discounts_took_off(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    order = await a_sale(session, in_berlin(2, 9), (5, 2, 10))
    await session.execute(text("UPDATE order_lines SET discount = 3 WHERE order_id = :id"), {"id": order.id})
    await session.commit()

    best = await ask(client, admin, "bestsellers", **MARCH)

    assert best["currencies"][0]["items"][0]["revenue"] == 17


async def test_sums_of_items_make_no_difference(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    now = utc_now()
    for age in range(0, 900, 13):
        await a_sale(
            session, now - timedelta(days=age, hours=age % 24), (age % 7, 1 + age % 3, 5), (99, 1, 3)
        )
    begins = [now - timedelta(days=days, hours=7, seconds=11) for days in (1, 40, 400, 899)]
    ends = [now, now - timedelta(days=33, minutes=3)]
    periods = [(since, until) for since in begins for until in ends if since < until]
    asked: list[dict[str, str]] = [
        {"from_": since.isoformat(), "to": until.isoformat(), "compare": "previous"}
        for since, until in periods
    ]
    before = [await ask(client, admin, "bestsellers", **one) for one in asked]

    runs = [await add_up_items(session) for _ in range(4)]
    await session.commit()

    assert runs[0] > 30
    assert runs[1] > 30
    grains = (await session.execute(text("SELECT DISTINCT grain FROM item_sales ORDER BY grain"))).scalars()
    assert list(grains) == ["day", "month", "year"]
    assert [await ask(client, admin, "bestsellers", **one) for one in asked] == before
    # Of years and months nothing else is read.
    await session.execute(
        delete(OrderLine).where(
            OrderLine.order_id.in_(text("SELECT id FROM orders WHERE paid_at < now() - interval '3 days'"))
        )
    )
    await session.execute(
        text("DELETE FROM item_sales WHERE grain = 'day' AND starts_on < now() - interval '70 days'")
    )
    await session.commit()
    whole = {"from_": f"{now.year - 1}-01-01T00:00:00Z", "to": f"{now.year}-{now.month:02}-01T00:00:00Z"}
    best = await ask(client, admin, "bestsellers", **whole)
    assert best["currencies"][0]["items"][0]["item_id"] == 99


@given(MOMENTS, st.timedeltas(timedelta(seconds=1), timedelta(days=1200)), st.integers(-400, 1300))
def test_parts_of_a_period_fit_together(since: datetime, length: timedelta, ahead: int) -> None:
    until = datetime.combine((since + timedelta(days=ahead)).date(), time.min, UTC)
    period = Period(since, since + length, UTC)

    parts = nested(period, until)

    assert since <= parts.first <= parts.last <= period.until
    days = (
        parts.first_day,
        parts.first_month,
        parts.first_year,
        parts.last_year,
        parts.last_month,
        parts.last_day,
    )
    assert list(days) == sorted(days)
    if parts.first < parts.last:
        assert (parts.first.date(), parts.last.date()) == (parts.first_day, parts.last_day)
        assert parts.last <= until
    if parts.first_month < parts.last_month:
        assert parts.first_month.day == parts.last_month.day == 1
    if parts.first_year < parts.last_year:
        starts = {(day.month, day.day) for day in (parts.first_year, parts.last_year)}
        assert starts == {(1, 1)}


def test_a_leap_day_and_whole_years_are_read_from_their_sums() -> None:
    period = Period(datetime(2023, 12, 15, 5, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC), UTC)

    parts = nested(period, datetime(2026, 2, 20, tzinfo=UTC))

    assert parts[4:] == (
        date(2023, 12, 16),
        date(2026, 2, 20),
        date(2024, 1, 1),
        date(2026, 2, 1),
        date(2024, 1, 1),
        date(2026, 1, 1),
    )


async def test_stock_is_worth_what_it_costs_now_and_dead_without_a_sale(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller, seller: Caller
) -> None:
    sold = await a_book(client, seller, "Sold", price=10, quantity=3)
    dead = await a_book(client, seller, "Dead", price=7, quantity=2)
    await a_book(client, seller, "New", price=5, quantity=1)
    await a_book(client, seller, "Empty", price=5, quantity=0)
    unpriced = await a_book(client, seller, "Unpriced", quantity=4)
    for item in (sold, dead, unpriced):
        (await session.get_one(Item, item["id"])).created_at = in_berlin(1, 0)
    (await session.get_one(Item, unpriced["id"])).price = None
    await session.flush()
    await session.execute(
        text("UPDATE stock_levels SET reserved = 1, low_stock_threshold = 2 WHERE item_id = :id"),
        {"id": dead["id"]},
    )
    await a_sale(session, in_berlin(3, 9), (sold["id"], 2, 10))
    await a_sale(session, in_berlin(1, 9), (dead["id"], 2, 10))
    await session.commit()

    stock = await ask(client, admin, "stock", **MARCH)

    [euros] = stock["currencies"]
    assert euros == {
        "currency": "EUR",
        "items": 4,
        "pieces": 10,
        "reserved": 1,
        "value": 49,
        "unpriced": 1,
        "dead": {"items": 2, "pieces": 6, "reserved": 1, "value": 14},
    }
    assert stock["low"] == 1
    assert stock["sell_through"] == round(2 / 12, 4)
    assert stock["previous"] is None


async def test_movements_count_when_they_were_made(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    moves = [
        (in_berlin(2, 0), 20, "receipt"),
        (in_berlin(2, 1), 5, "initial"),
        (in_berlin(2, 2), 1, "import"),
        (in_berlin(2, 3), -4, "sale"),
        (in_berlin(3, 3), 1, "return"),
        (in_berlin(3, 4), -3, "adjustment"),
        (in_berlin(3, 4), 1, "adjustment"),
        (in_berlin(3, 5), 0, "reservation"),
        (in_berlin(4, 0), 9, "receipt"),
    ]
    session.add_all(
        StockMovement(item_id=1, delta=delta, balance_after=0, kind=kind, created_at=at)
        for at, delta, kind in moves
    )
    await session.commit()
    expected = [
        {"received": 26, "sold": 4, "returned": 0, "adjusted": 0, "change": 22},
        {"received": 0, "sold": 0, "returned": 1, "adjusted": -2, "change": -1},
    ]

    def figures(stock: dict[str, Any]) -> list[dict[str, int]]:
        return [{name: day[name] for name in expected[0]} for day in stock["current"]["buckets"]]

    before = await ask(client, admin, "stock", **MARCH, compare="previous")
    assert figures(before) == expected
    assert before["current"]["sum"]["change"] == 21
    assert before["previous"]["sum"]["change"] == 0

    assert await add_up_moves(session) > 3
    await session.commit()

    assert figures(await ask(client, admin, "stock", **MARCH)) == expected
    await session.execute(text("UPDATE stock_quarters SET came = 0, went = 0"))
    await session.commit()
    assert (await ask(client, admin, "stock", **MARCH))["current"]["sum"]["change"] == 0


async def test_returns_count_when_they_were_asked_for(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    order = await a_sale(session, in_berlin(2, 9), (5, 4, 10))
    back = [
        (in_berlin(2, 10), "refunded", "Late", [{"line_id": 1, "quantity": 2, "received": 2, "damaged": 1}]),
        (in_berlin(3, 0), "rejected", "Late", [{"line_id": 1, "quantity": 1, "received": 0, "damaged": 0}]),
        (in_berlin(3, 9), "requested", "=1+1", []),
        (in_berlin(4, 0), "requested", "Late", [{"line_id": 1, "quantity": 9, "received": 0, "damaged": 0}]),
    ]
    session.add_all(
        Return(order_id=order.id, status=status, reason=reason, lines=lines, created_at=at)
        for at, status, reason, lines in back
    )
    await a_refund(session, order, in_berlin(3, 10), 7)
    await a_refund(session, order, in_berlin(3, 10), 8, RefundStatus.FAILED)
    await session.commit()

    returns = await ask(client, admin, "returns", **MARCH, compare="previous")

    current = returns["current"]
    assert current["sum"] == {"returns": 3, "rejected": 1, "pieces": 3, "received": 2, "damaged": 1}
    assert [day["returns"] for day in current["buckets"]] == [1, 2]
    assert current["reasons"] == [{"reason": "Late", "returns": 2}, {"reason": "=1+1", "returns": 1}]
    assert current["refunds"] == [{"currency": "EUR", "refunds": 1, "refunded": 7}]
    assert current["return_rate"] == 0.75
    assert returns["previous"]["return_rate"] is None
    assert returns["previous"]["sum"]["returns"] == 0


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"by": "title"}, {"interval": "minute"}])
async def test_what_bestsellers_cannot_be_asked_is_refused(
    client: httpx.AsyncClient, admin: Caller, query: dict[str, str]
) -> None:
    answer = await client.get(f"{STATS}/bestsellers", params=query, headers=admin.headers)

    assert answer.status_code == 422


async def test_an_empty_shop_has_figures_too(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    assert await add_up_items(session) == 0
    assert await add_up_moves(session) == 0
    assert (await ask(client, admin, "bestsellers", **MARCH, compare="previous"))["currencies"] == []
    stock = await ask(client, admin, "stock", **MARCH)
    assert (stock["currencies"], stock["sell_through"]) == ([], None)


async def test_statistics_of_goods_refuse_what_is_no_period(
    client: httpx.AsyncClient, admin: Caller, sign_up: SignUp
) -> None:
    moderator = await sign_up(Role.MODERATOR)
    for what in ("bestsellers", "stock", "returns"):
        url = f"{STATS}/{what}"
        answer = await client.get(url, params={"tz": "Mars/Olympus"}, headers=admin.headers)
        assert answer.status_code == 422
        assert "Mars/Olympus" in answer.json()["errors"][0]["message"]
        assert (await client.get(url)).status_code == 401
        assert (await client.get(url, headers=moderator.headers)).status_code == 403
