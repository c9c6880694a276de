"""What customers have of discounts: the rules they find, and limits that hold whoever comes at once."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import time_machine
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.clock import utc_now
from app.core.db.transaction import transaction
from app.identity.permissions import Role
from app.sales.discounts.errors import DiscountExhausted
from app.sales.discounts.queries import FoundRules, find_rules
from app.sales.discounts.repository import DiscountRepository
from app.sales.models import Discount, DiscountRedemption, DiscountUse
from app.sales.pricing import AppliedDiscount
from tests.conftest import Caller, SignUp
from tests.factories import a_book, a_category, an_author
from tests.sales.discounts.rows import a_discount
from tests.sales.rows import an_order_row


def had(discount: Discount) -> list[AppliedDiscount]:
    return [AppliedDiscount(discount.id, discount.code, discount.name, Decimal(5))]


async def redeem(session: AsyncSession, user_id: int, *discounts: Discount) -> int:
    order_id = await an_order_row(session, user_id)
    applied = [one for discount in discounts for one in had(discount)]
    await DiscountRepository(session).redeem(order_id, user_id, applied)
    return order_id


async def names(
    connection: AsyncConnection, coupon: str | None = None, user_id: int | None = None
) -> list[str]:
    return [rule.name for rule in (await find_rules(connection, coupon, user_id)).rules]


async def used(session: AsyncSession, discount: Discount) -> int:
    uses = select(func.sum(DiscountUse.used)).where(DiscountUse.discount_id == discount.id)
    return await session.scalar(uses) or 0


async def test_automatic_rules_are_found_and_a_code_for_whoever_knows_it(
    session: AsyncSession, connection: AsyncConnection
) -> None:
    await a_discount(session, name="For all")
    await a_discount(session, name="Secret", code="SPRING-25")
    await a_discount(session, name="Ended", is_active=False)
    assert await names(connection) == ["For all"]
    for coupon in ("SPRING-25", " spring-25 ", "ｓｐｒｉｎｇ-25"):
        assert await names(connection, coupon) == ["For all", "Secret"]


@pytest.mark.parametrize("coupon", ["NOPE", "", "ß" * 300, "EARLY", "LATE", "OFF", "GONE", "'; --"])
async def test_of_a_code_that_does_not_count_nobody_learns_why(
    session: AsyncSession, connection: AsyncConnection, coupon: str
) -> None:
    now = utc_now()
    await a_discount(session, code="EARLY", starts_at=now + timedelta(days=1))
    await a_discount(session, code="LATE", ends_at=now - timedelta(days=1))
    await a_discount(session, code="OFF", is_active=False)
    await a_discount(session, code="GONE", usage_limit=1, used=1)
    reason = f"The code {coupon} does not count: there is no such code, or it is over."
    assert await find_rules(connection, coupon, None) == FoundRules([], [reason])


async def test_a_rule_holds_from_its_first_moment_until_before_its_end(
    session: AsyncSession, connection: AsyncConnection
) -> None:
    start, end = datetime(2030, 3, 20, tzinfo=UTC), datetime(2030, 4, 1, tzinfo=UTC)
    await a_discount(session, name="Spring", starts_at=start, ends_at=end)
    for moment, found in (
        (start - timedelta(microseconds=1), []),
        (start, ["Spring"]),
        (end - timedelta(microseconds=1), ["Spring"]),
        (end, []),
    ):
        with time_machine.travel(moment, tick=False):
            assert await names(connection) == found


async def test_a_customer_has_it_so_often_and_not_more(
    session: AsyncSession, connection: AsyncConnection, sign_up: SignUp
) -> None:
    ada, bob = await sign_up(), await sign_up()
    discount = await a_discount(session, name="Once", code="ONCE", per_customer_limit=1)
    await redeem(session, ada.id, discount)
    found = await find_rules(connection, "once", ada.id)
    assert found == FoundRules([], ["The code once does not count: you have had it as often as you may."])
    assert await names(connection, "once", bob.id) == ["Once"]
    with pytest.raises(DiscountExhausted, match="Once is used up"):
        await redeem(session, ada.id, discount)
    # What comes by itself stays away by itself: nobody asked for it.
    await redeem(session, ada.id, await a_discount(session, name="Welcome", per_customer_limit=1))
    assert await find_rules(connection, None, ada.id) == FoundRules([], ())
    assert await names(connection, None, bob.id) == ["Welcome"]


async def test_an_order_counts_once_and_gives_back_once(session: AsyncSession, sign_up: SignUp) -> None:
    ada = await sign_up()
    limited, free = await a_discount(session, usage_limit=2), await a_discount(session)
    repository = DiscountRepository(session)
    order_id = await redeem(session, ada.id, free, limited)
    await repository.redeem(order_id, ada.id, [*had(limited), *had(free)])

    async def counted() -> tuple[int, int, int]:
        await session.refresh(limited)
        return limited.used, await used(session, limited), await used(session, free)

    assert await counted() == (1, 1, 1)
    version = limited.version
    for _ in range(2):
        await repository.release(order_id)
        assert await counted() == (0, 0, 0)
    # A payment that comes late revives the order.
    await repository.redeem(order_id, ada.id, [*had(limited), *had(free)])
    assert await counted() == (1, 1, 1)
    assert limited.version == version
    await repository.release(order_id + 1)


async def test_what_staff_ended_meanwhile_is_not_to_be_had(session: AsyncSession, sign_up: SignUp) -> None:
    ada = await sign_up()
    with pytest.raises(DiscountExhausted):
        await redeem(session, ada.id, await a_discount(session, is_active=False))
    gone = AppliedDiscount(10**12, None, "Gone", Decimal(5))
    with pytest.raises(DiscountExhausted):
        await DiscountRepository(session).redeem(await an_order_row(session, ada.id), ada.id, [gone])


async def test_a_category_takes_in_what_stands_below_and_a_merged_author_the_other(
    client: httpx.AsyncClient, moderator: Caller, session: AsyncSession, connection: AsyncConnection
) -> None:
    fiction = await a_category(client, moderator, "Fiction")
    fantasy = await a_category(client, moderator, "Fantasy", parent_id=fiction["id"])
    await a_category(client, moderator, "Science")
    one, other = [await an_author(client, moderator, name) for name in ("U. K. Le Guin", "Ursula Le Guin")]
    merged = await client.post(
        f"/api/v1/admin/authors/{one['id']}/merge", json={"into": other["id"]}, headers=moderator.headers
    )
    assert merged.status_code in {200, 201}, merged.text
    await a_discount(session, category_ids=[fiction["id"]], author_ids=[one["id"]])
    [rule] = (await find_rules(connection, None, None)).rules
    assert rule.category_ids == {fiction["id"], fantasy["id"]}
    assert rule.author_ids == {one["id"], other["id"]}
    assert rule.item_ids == frozenset()


async def test_a_rule_of_what_went_does_not_become_one_of_everything(
    client: httpx.AsyncClient, moderator: Caller, session: AsyncSession, connection: AsyncConnection
) -> None:
    book = await a_book(client, moderator)
    category = await a_category(client, moderator, "Fiction")
    await a_discount(session, item_ids=[book["id"]])
    await a_discount(session, category_ids=[category["id"]])
    for path in (f"/api/v1/books/{book['id']}", f"/api/v1/categories/{category['id']}"):
        assert (await client.delete(path, headers=moderator.headers)).status_code == 204
    rules = (await find_rules(connection, None, None)).rules
    assert [(rule.item_ids, rule.category_ids) for rule in rules] == [
        ({book["id"]}, frozenset()),
        (frozenset(), {category["id"]}),
    ]


async def _try_all(app: FastAPI, tries: Sequence[tuple[int, Discount]]) -> list[int | DiscountExhausted]:
    """Redeem each in a transaction of its own, all at once; the ids of the orders that got it."""

    # As many as there are connections: on a busy machine the others would wait for one too long.
    at_once = asyncio.Semaphore(5)

    async def attempt(user_id: int, discount: Discount) -> int:
        async with at_once, transaction(app.state.database, app.state.cache) as session:
            return await redeem(session, user_id, discount)

    answers = await asyncio.gather(*(attempt(*one) for one in tries), return_exceptions=True)
    assert all(isinstance(answer, int | DiscountExhausted) for answer in answers), answers
    return [answer for answer in answers if isinstance(answer, int | DiscountExhausted)]


async def test_of_fifty_at_once_ten_have_a_code_that_is_for_ten(
    live_app: FastAPI, live_sign_up: SignUp
) -> None:
    callers = [await live_sign_up() for _ in range(5)]
    database: Any = live_app.state.database
    async with database.sessions.begin() as session:
        discount = await a_discount(session, code="TEN", usage_limit=10)
    answers = await _try_all(live_app, [(callers[number % 5].id, discount) for number in range(50)])
    orders = [answer for answer in answers if isinstance(answer, int)]
    assert len(orders) == 10

    async def counts() -> tuple[int, int, int]:
        async with database.sessions() as session:
            redemptions = select(func.count()).where(DiscountRedemption.released_at.is_(None))
            fresh = await session.get_one(Discount, discount.id)
            return fresh.used, await used(session, discount), await session.scalar(redemptions) or 0

    assert await counts() == (10, 10, 10)

    # Whoever cancels twice at once gives one back, and one other may have it.
    async def give_back(order_id: int) -> None:
        async with transaction(live_app.state.database, live_app.state.cache) as session:
            await DiscountRepository(session).release(order_id)

    await asyncio.gather(*(give_back(order_id) for order_id in orders[:3] for _ in range(3)))
    assert await counts() == (7, 7, 7)
    answers = await _try_all(live_app, [(callers[number % 5].id, discount) for number in range(20)])
    assert sum(isinstance(answer, int) for answer in answers) == 3
    assert await counts() == (10, 10, 10)


async def test_a_customer_who_comes_fifty_times_at_once_has_it_once(
    live_app: FastAPI, live_sign_up: SignUp
) -> None:
    ada, bob = await live_sign_up(), await live_sign_up()
    async with live_app.state.database.sessions.begin() as session:
        discount = await a_discount(session, code="ONCE", per_customer_limit=1)
    tries = [(caller.id, discount) for caller in (ada, bob) for _ in range(25)]
    answers = await _try_all(live_app, tries)
    assert sum(isinstance(answer, int) for answer in answers) == 2


async def test_orders_with_the_same_discounts_meet_no_deadlock_and_a_limit_set_meanwhile_holds(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    admin, ada = await live_sign_up(Role.ADMIN), await live_sign_up()
    async with live_app.state.database.sessions.begin() as session:
        one, other = [await a_discount(session) for _ in range(2)]

    async def attempt(number: int) -> None:
        async with transaction(live_app.state.database, live_app.state.cache) as session:
            order_id = await redeem(session, ada.id, *((one, other) if number % 2 else (other, one)))
        if number % 3 == 0:
            async with transaction(live_app.state.database, live_app.state.cache) as session:
                await DiscountRepository(session).release(order_id)

    async def limit(number: int) -> None:
        answer = await live_client.patch(
            f"/api/v1/discounts/{one.id}", json={"usage_limit": 100 + number}, headers=admin.headers
        )
        assert answer.status_code == 200, answer.text

    await asyncio.gather(*(attempt(number) for number in range(30)), *(limit(number) for number in range(3)))
    async with live_app.state.database.sessions() as session:
        fresh = await session.get_one(Discount, one.id)
        assert fresh.used == await used(session, one) == await used(session, other) == 20


async def test_a_discount_without_a_limit_makes_no_orders_wait(
    live_app: FastAPI, live_sign_up: SignUp
) -> None:
    ada, bob = await live_sign_up(), await live_sign_up()
    async with live_app.state.database.sessions.begin() as session:
        discount = await a_discount(session, per_customer_limit=3)
    async with transaction(live_app.state.database, live_app.state.cache) as session:
        await redeem(session, ada.id, discount)
        [order_id] = await _try_all(live_app, [(bob.id, discount)])
        assert isinstance(order_id, int)
        # Had an order to wait for the first, which is not over, nobody would get here.
        assert await used(session, discount) == 2
