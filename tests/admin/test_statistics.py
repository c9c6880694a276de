"""Sales, conversion and accounts in figures."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.stats.service import add_up_sales
from app.core.clock import utc_now
from app.identity.permissions import Role
from app.sales.cart.jobs import purge_guest_carts
from app.sales.models import Cart, CartLine, RefundStatus
from tests.conftest import Caller, SignUp, change_account
from tests.factories import a_book

from .books_of_account import a_payment, a_refund, a_sale

STATS = "/api/v1/admin/stats"
BERLIN = {"tz": "Europe/Berlin"}


@pytest.fixture
async def admin(sign_up: SignUp) -> Caller:
    return await sign_up(Role.ADMIN)


async def ask(client: httpx.AsyncClient, admin: Caller, what: str, **query: str) -> dict[str, Any]:
    """The statistic of a period in Berlin, by days unless something else is said."""
    params = {
        **BERLIN,
        **{name.removesuffix("_"): value for name, value in query.items()},
    }
    answer = await client.get(f"{STATS}/{what}", params=params, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "private, no-store"
    return dict(answer.json())


def in_berlin(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    """A moment of winter time in 2026."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC) - timedelta(hours=1)


async def test_an_order_counts_on_the_day_it_was_paid_and_a_refund_on_its_own(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    order = await a_sale(
        session, in_berlin(2, 0), (1, 2, 10), (2, 1, 5), shipping=4, discount=5, total=24, tax=2
    )
    await a_sale(session, in_berlin(2, 23, 59), (1, 1, 10), status="cancelled")
    # At midnight the next day has begun.
    await a_sale(session, in_berlin(3, 0), (1, 1, 7))
    await a_sale(session, in_berlin(2, 12), (1, 9, 9), is_paid=False)
    await a_refund(session, order, in_berlin(3, 15), 6)
    await a_refund(session, order, in_berlin(3, 15), 9, RefundStatus.FAILED)
    await a_refund(session, order, in_berlin(5, 0), 1)

    sales = await ask(client, admin, "sales", from_="2026-03-01", to="2026-03-05")

    assert (sales["tz"], sales["interval"]) == ("Europe/Berlin", "day")
    [euros] = sales["current"]["currencies"]
    assert euros["currency"] == "EUR"
    second = euros["buckets"][1]
    assert second == {
        "starts_at": "2026-03-01T23:00:00Z",
        "ends_at": "2026-03-02T23:00:00Z",
        "orders": 2,
        "items": 4,
        "gross": 35,
        "discounts": 5,
        "shipping": 4,
        "tax": 2,
        "total": 34,
        "net": 32,
        "refunds": 0,
        "refunded": 0,
        "kept": 34,
        "average_order_value": 17,
    }
    third = euros["buckets"][2]
    assert (third["orders"], third["total"], third["refunds"], third["refunded"], third["kept"]) == (
        1,
        7,
        1,
        6,
        1,
    )
    assert [bucket["orders"] for bucket in euros["buckets"]] == [0, 2, 1, 0]
    assert euros["buckets"][0]["average_order_value"] is None
    assert euros["sum"]["total"] == 41
    assert euros["sum"]["average_order_value"] == 13.67
    assert sales["previous"] is None


async def test_currencies_are_never_added_together(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    await a_sale(session, in_berlin(2, 9), (1, 1, 10))
    await a_sale(session, in_berlin(2, 9), (1, 1, 100), (2, 1, 51), currency="JPY")
    await a_sale(session, in_berlin(2, 9), (1, 1, 100), currency="JPY")
    refunded = await a_sale(session, in_berlin(1, 9, month=2), (1, 1, 30), currency="CHF")
    await a_refund(session, refunded, in_berlin(2, 9), 30)

    sales = await ask(client, admin, "sales", from_="2026-03-02", to="2026-03-03")

    sums = {one["currency"]: one["sum"] for one in sales["current"]["currencies"]}
    assert list(sums) == ["EUR", "CHF", "JPY"]
    assert [one["total"] for one in sums.values()] == [10, 0, 251]
    assert sums["JPY"]["average_order_value"] == 126
    assert (sums["CHF"]["kept"], sums["CHF"]["average_order_value"]) == (-30, None)


async def test_days_of_23_and_25_hours_hold_what_was_sold_in_them(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    for month, day, hours in ((3, 29, 23), (10, 25, 25)):
        start = in_berlin(day, 0) if month == 3 else datetime(2026, 10, 24, 22, tzinfo=UTC)
        for hour in range(-1, hours + 1):
            await a_sale(session, start + timedelta(hours=hour), (1, 1, 1))
        asked = {"from_": f"2026-{month:02}-{day}", "to": f"2026-{month:02}-{day + 1}"}

        by_day = await ask(client, admin, "sales", **asked)
        by_hour = await ask(client, admin, "sales", interval="hour", **asked)

        [bucket] = by_day["current"]["currencies"][0]["buckets"]
        assert bucket["orders"] == hours
        assert [one["orders"] for one in by_hour["current"]["currencies"][0]["buckets"]] == [1] * hours


async def test_the_period_before_stands_beside_it(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    await a_sale(session, in_berlin(10, 12), (1, 1, 10))
    await a_sale(session, in_berlin(8, 0), (1, 1, 8))
    await a_sale(session, in_berlin(6, 23, 59), (1, 1, 6))

    asked = {"from_": "2026-03-09", "to": "2026-03-11", "compare": "previous"}
    sales = await ask(client, admin, "sales", **asked)

    previous = sales["previous"]
    assert (previous["starts_at"], previous["ends_at"]) == ("2026-03-06T23:00:00Z", "2026-03-08T23:00:00Z")
    assert [one["total"] for one in previous["currencies"][0]["buckets"]] == [0, 8]
    assert sales["current"]["currencies"][0]["sum"]["total"] == 10
    for what in ("conversion", "accounts"):
        assert (await ask(client, admin, what, **asked))["previous"]["starts_at"] == previous["starts_at"]


async def test_a_period_may_begin_and_end_in_the_middle_of_anything(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    for minute in (9, 10, 30, 59):
        await a_sale(session, in_berlin(2, 9, minute), (1, 1, 1))

    sales = await ask(
        client,
        admin,
        "sales",
        from_="2026-03-02T09:10:00+01:00",
        to="2026-03-02T09:59:00+01:00",
        interval="hour",
    )

    [bucket] = sales["current"]["currencies"][0]["buckets"]
    assert bucket["orders"] == 2
    assert (bucket["starts_at"], bucket["ends_at"]) == ("2026-03-02T08:10:00Z", "2026-03-02T08:59:00Z")


async def test_sums_make_no_difference(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    now = utc_now()
    for age in range(0, 400, 7):
        moment = now - timedelta(minutes=age * 31, seconds=age)
        order = await a_sale(session, moment, (age, 1 + age % 3, 5), currency="CHF" if age % 2 else "EUR")
        await a_payment(session, order, moment - timedelta(minutes=3))
        await a_payment(session, order, moment - timedelta(minutes=2))
        if age % 5 == 0:
            await a_refund(session, order, moment + timedelta(minutes=20), 2)
    asked = [
        {"what": what, "interval": interval, "from_": (now - timedelta(days=days, seconds=77)).isoformat()}
        for what in ("sales", "conversion")
        for interval, days in (("hour", 3), ("day", 20), ("month", 9))
    ]
    before = [await ask(client, admin, **one) for one in asked]

    made = await add_up_sales(session)
    again = await add_up_sales(session)
    await session.commit()

    assert made > 50
    assert 0 < again < made
    assert await session.scalar(text("SELECT until FROM rolled_up WHERE kind = 'sales'")) <= now - timedelta(
        hours=1
    )
    assert [await ask(client, admin, **one) for one in asked] == before
    # They are what is read.
    await session.execute(text("UPDATE sales_quarters SET total = 0, placed = 0"))
    await session.commit()
    after = [await ask(client, admin, **one) for one in asked]
    assert all(one != other for one, other in zip(after, before, strict=True))


async def test_a_shop_without_orders_has_nothing_to_add_up(session: AsyncSession) -> None:
    assert await add_up_sales(session) == 0


async def test_a_long_history_is_added_up_in_more_than_one_run(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    await a_sale(session, datetime(2024, 5, 1, 12, tzinfo=UTC), (1, 1, 1))
    await a_sale(session, datetime(2026, 5, 1, 12, tzinfo=UTC), (1, 1, 2))
    asked = {"from_": "2024-01-01", "to": "2026-11-01", "interval": "month"}
    before = await ask(client, admin, "sales", **asked)

    runs = [await add_up_sales(session) for _ in range(4)]
    await session.commit()

    # Placed in one quarter, paid in the next.
    assert runs[0] == 2
    assert sum(runs) >= 4
    assert await ask(client, admin, "sales", **asked) == before


async def test_conversion_counts_each_step_when_it_was_taken(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller, seller: Caller
) -> None:
    book = await a_book(client, seller)
    bought = await a_sale(session, in_berlin(3, 0, 5), (1, 1, 10))
    await a_payment(session, bought, in_berlin(2, 23, 58))
    await a_payment(session, bought, in_berlin(3, 0, 4))
    await a_sale(session, in_berlin(2, 12), (1, 1, 10), is_paid=False)
    await a_sale(session, in_berlin(2, 12), (1, 1, 10), channel="till")
    cart = Cart(user_id=admin.id)
    session.add(cart)
    await session.flush()
    session.add(
        CartLine(cart_id=cart.id, item_id=book["id"], quantity=1, seen_price=10, added_at=in_berlin(3, 9))
    )
    await session.commit()

    conversion = await ask(client, admin, "conversion", from_="2026-03-02", to="2026-03-04")

    days = [
        [day[name] for name in ("carts", "orders", "payments", "paid")]
        for day in conversion["current"]["buckets"]
    ]
    assert days == [[2, 2, 1, 0], [1, 0, 0, 1]]
    whole = conversion["current"]["sum"]
    assert [whole[name] for name in ("carts", "orders", "payments", "paid")] == [3, 2, 1, 1]
    assert (whole["orders_of_carts"], whole["payments_of_orders"]) == (0.6667, 0.5)
    assert (whole["paid_of_payments"], whole["paid_of_carts"]) == (1, 0.3333)
    nothing = await ask(client, admin, "conversion", from_="2025-03-02", to="2025-03-03")
    assert nothing["current"]["sum"]["paid_of_carts"] is None


async def test_carts_of_guests_count_the_same_before_and_after_they_are_deleted(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller, seller: Caller
) -> None:
    book, other = await a_book(client, seller), await a_book(client, seller, "Another")
    over, under = utc_now() - timedelta(hours=1), utc_now() + timedelta(days=1)
    # By the last line of each; the two of the same quarter are one sum; of an empty one nothing is told.
    for number, (ends_at, filled) in enumerate(
        (
            (over, [in_berlin(2, 12), in_berlin(3, 0)]),
            (over, [in_berlin(3, 0, 14)]),
            (over, [in_berlin(2, 23, 59)]),
            (over, []),
            (under, [in_berlin(3, 8)]),
        )
    ):
        cart = Cart(token_hash=bytes([number]), expires_at=ends_at)
        session.add(cart)
        await session.flush()
        for item, moment in zip((book, other), filled, strict=False):
            session.add(
                CartLine(cart_id=cart.id, item_id=item["id"], quantity=1, seen_price=10, added_at=moment)
            )
    await session.commit()
    asked = {"from_": "2026-03-02", "to": "2026-03-04"}
    before = await ask(client, admin, "conversion", **asked)
    assert [day["carts"] for day in before["current"]["buckets"]] == [1, 3]

    assert await purge_guest_carts(session) == 4
    await session.commit()
    assert await ask(client, admin, "conversion", **asked) == before
    # Others of the same quarter come later, and nothing is counted twice.
    late = Cart(token_hash=b"late", expires_at=over)
    session.add(late)
    await session.flush()
    session.add(
        CartLine(cart_id=late.id, item_id=book["id"], quantity=1, seen_price=10, added_at=in_berlin(3, 0, 3))
    )
    await session.commit()
    assert [await purge_guest_carts(session) for _ in range(2)] == [1, 0]
    await session.commit()
    after = await ask(client, admin, "conversion", **asked)
    assert [day["carts"] for day in after["current"]["buckets"]] == [1, 4]
    kept = "SELECT string_agg(carts::text, ' ' ORDER BY starts_at) FROM cart_quarters"
    assert await session.scalar(text(kept)) == "1 3"


async def test_accounts_count_on_the_day_they_were_opened(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller, sign_up: SignUp
) -> None:
    callers = [await sign_up() for _ in range(3)]
    moments = (in_berlin(1, 23, 59), in_berlin(2, 0), in_berlin(4, 23, 59))
    for caller, moment in zip(callers, moments, strict=True):
        await change_account(session, caller.id, created_at=moment)
    await change_account(session, admin.id, created_at=in_berlin(5, 0))
    await session.commit()

    accounts = await ask(client, admin, "accounts", from_="2026-03-02", to="2026-03-05")

    assert accounts["current"]["accounts_before"] == 1
    assert [day["sign_ups"] for day in accounts["current"]["buckets"]] == [1, 0, 1]
    assert accounts["current"]["sum"] == {"sign_ups": 2}


async def test_without_a_period_it_is_the_last_thirty_days_of_the_shop(
    client: httpx.AsyncClient, admin: Caller
) -> None:
    answer = await client.get(f"{STATS}/accounts", headers=admin.headers)

    figures = answer.json()
    assert figures["tz"] == "UTC"
    assert len(figures["current"]["buckets"]) == 30
    assert figures["current"]["buckets"][-1]["sign_ups"] == 1
    today = utc_now().date()
    assert figures["current"]["ends_at"] == f"{today + timedelta(days=1)}T00:00:00Z"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"tz": "Mars/Olympus"}, "Mars/Olympus"),
        ({"tz": "../../etc/passwd"}, "time zone"),
        ({"tz": ""}, "tz"),
        ({"from": "2026-03-02", "to": "2026-03-02"}, "`from` must be before `to`"),
        ({"from": "2026-03-03", "to": "2026-03-02"}, "`from` must be before `to`"),
        # A day begins later in New York than in Berlin.
        ({"from": "2026-03-02", "to": "2026-03-02T04:00:00Z", "tz": "America/New_York"}, "before"),
        ({"from": "2020-01-01", "to": "2026-01-01"}, "1100"),
        ({"from": "2026-01-01", "to": "2026-03-01", "interval": "hour"}, "1100"),
        ({"from": "0001-01-01", "to": "2026-01-01", "interval": "month"}, "1970"),
        ({"from": "2026-01-01", "to": "9999-12-31", "interval": "month"}, "2199"),
        ({"from": "2026-02-30"}, "from"),
        ({"from": "2026-02-01T10:00:00"}, "from"),
        ({"from": "1767225600"}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"interval": "minute"}, "interval"),
        ({"compare": "next"}, "compare"),
        ({"since": "2026-02-01"}, "since"),
    ],
)
async def test_what_is_no_period_is_refused(
    client: httpx.AsyncClient, admin: Caller, query: dict[str, str], told: str
) -> None:
    for what in ("sales", "conversion", "accounts"):
        answer = await client.get(f"{STATS}/{what}", params=query, headers=admin.headers)

        assert answer.status_code == 422
        assert told in answer.text


async def test_only_administrators_see_statistics(client: httpx.AsyncClient, sign_up: SignUp) -> None:
    moderator = await sign_up(Role.MODERATOR)
    for what in ("sales", "conversion", "accounts"):
        assert (await client.get(f"{STATS}/{what}")).status_code == 401
        assert (await client.get(f"{STATS}/{what}", headers=moderator.headers)).status_code == 403
