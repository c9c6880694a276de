"""A reduced price stands beside the lowest price of the 30 days before (Directive 98/6/EC, article 6a)."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.conftest import Caller

from .conftest import prices_of, set_price

Reduce = Callable[[float | None], Awaitable[float | None]]
Past = Callable[..., Awaitable[None]]


@pytest.fixture
def reprice(client: httpx.AsyncClient, seller: Caller, pen: str) -> Reduce:
    """Set the price; what stands beside it then."""

    async def run(price: float | None) -> float | None:
        item = await set_price(client, seller, pen, price)
        lowest: float | None = item["lowest_price_30d"]
        listed = (await client.get(pen)).json()
        assert (listed["lowest_price_30d"], listed["version"]) == (lowest, item["version"])
        return lowest

    return run


@pytest.fixture
def past(pen: str, session: AsyncSession) -> Past:
    """Gives the pen prices of so many days ago, and the first one long ago."""

    async def add(**days: tuple[float, float | None]) -> None:
        item_id = int(pen.rpartition("/")[2])
        await session.execute(text("ALTER TABLE price_changes DISABLE TRIGGER append_only"))
        await session.execute(
            text("DELETE FROM price_changes WHERE item_id = :id AND source = 'initial'"), {"id": item_id}
        )
        await session.execute(text("ALTER TABLE price_changes ENABLE TRIGGER append_only"))
        for age, price in days.values():
            await session.execute(
                text(
                    "INSERT INTO price_changes (item_id, price, currency, changed_at, source)"
                    " VALUES (:id, CAST(:price AS numeric), 'EUR', now() - make_interval(secs => :age * 86400), 'edit')"
                ),
                {"id": item_id, "price": price, "age": age},
            )
        await session.flush()

    return add


async def test_a_reduction_shows_the_price_before_and_a_rise_ends_it(reprice: Reduce) -> None:
    assert await reprice(8) == 10
    assert await reprice(10) is None
    assert await reprice(12) is None


async def test_a_reduction_that_grows_keeps_the_price_from_before_its_first_step(reprice: Reduce) -> None:
    assert await reprice(9) == 10
    assert await reprice(8) == 10
    assert await reprice(7) == 10


async def test_raising_the_price_shortly_before_a_reduction_does_not_help(reprice: Reduce) -> None:
    assert await reprice(15) is None
    assert await reprice(12) == 10


async def test_a_rise_between_two_reductions_makes_the_second_one_new(reprice: Reduce) -> None:
    assert await reprice(7) == 10
    assert await reprice(9) is None
    assert await reprice(8) == 7


async def test_prices_that_ended_more_than_30_days_ago_do_not_count(reprice: Reduce, past: Past) -> None:
    await past(cheap=(90, 5), usual=(30.1, 12), now=(20, 10))
    assert await reprice(9) == 10


async def test_the_price_that_stood_when_the_30_days_began_counts(reprice: Reduce, past: Past) -> None:
    await past(cheap=(90, 5), usual=(29.9, 12), now=(20, 10))
    assert await reprice(9) == 5


async def test_an_item_younger_than_30_days_counts_since_it_exists(reprice: Reduce, past: Past) -> None:
    await past(cheap=(3, 8), now=(2, 10))
    assert await reprice(9) == 8


async def test_prices_in_another_currency_and_times_without_one_do_not_count(
    reprice: Reduce, past: Past, session: AsyncSession
) -> None:
    await past(none=(9, None), usual=(8, 11), gap=(7, None), now=(6, 10))
    await session.execute(
        text(
            "INSERT INTO price_changes (item_id, price, currency, changed_at, source)"
            " SELECT item_id, 1, 'JPY', now() - interval '5 days', 'edit' FROM price_changes LIMIT 1"
        )
    )
    await session.flush()
    assert await reprice(9) == 10


async def test_what_leaves_the_shop_is_no_longer_reduced(
    client: httpx.AsyncClient, reprice: Reduce, pen: str
) -> None:
    assert await reprice(8) == 10
    assert await reprice(None) is None
    assert await reprice(5) is None
    assert await prices_of(client, pen) == [5, None, 8, 10]


async def test_editing_something_else_leaves_the_reduction_alone(
    client: httpx.AsyncClient, seller: Caller, reprice: Reduce, pen: str
) -> None:
    await reprice(8)
    answer = await client.patch(pen, json={"title": "Pen", "price": 8}, headers=seller.headers)
    assert answer.json()["lowest_price_30d"] == 10
