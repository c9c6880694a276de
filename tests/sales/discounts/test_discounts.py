"""Staff write discounts: what is refused, what is listed, and what stays on record."""

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.clock import set_shop_zone
from app.identity.permissions import Role
from app.sales.discounts.queries import find_rules
from app.sales.discounts.repository import DiscountRepository
from app.sales.pricing import AppliedDiscount
from tests.conftest import Audit, Caller, SignUp
from tests.factories import a_book, a_category, an_author, made
from tests.sales.rows import an_order_row

DISCOUNTS = "/api/v1/discounts"


@pytest.fixture
async def admin(sign_up: SignUp) -> Caller:
    """Somebody who may write discounts."""
    return await sign_up(Role.ADMIN)


async def a_rule(
    client: httpx.AsyncClient, admin: Caller, name: str = "Sale", **fields: Any
) -> dict[str, Any]:
    values = {"name": name, "discount_type": "percentage", "value": 10, **fields}
    return await made(client, admin, DISCOUNTS, values)


async def have(session: AsyncSession, user_id: int | None, discount: dict[str, Any]) -> int:
    order_id = await an_order_row(session, user_id)
    applied = AppliedDiscount(discount["id"], discount["code"], discount["name"], Decimal(5))
    await DiscountRepository(session).redeem(order_id, user_id, [applied])
    return order_id


async def test_a_discount_is_read_back_as_it_was_written(
    client: httpx.AsyncClient, admin: Caller, audit: Audit
) -> None:
    book, category = await a_book(client, admin), await a_category(client, admin, "Fiction")
    author = await an_author(client, admin)
    body = {
        "name": "Été 2030 – 割引",
        "code": " summer-30 ",
        "discount_type": "fixed",
        "value": 7.5,
        "min_order": 30,
        "max_discount": 5.25,
        "starts_at": "2030-06-01T00:00:00+02:00",
        "ends_at": "2030-07-01T00:00:00+02:00",
        "usage_limit": 500,
        "per_customer_limit": 1,
        "item_ids": [book["id"]],
        "category_ids": [category["id"]],
        "author_ids": [author["id"]],
        "is_exclusive": True,
        "priority": 3,
        "is_active": False,
    }
    answer = await client.post(DISCOUNTS, json=body, headers=admin.headers)
    assert answer.status_code == 201, answer.text
    discount = answer.json()
    expected = body | {
        "code": "SUMMER-30",
        "starts_at": "2030-05-31T22:00:00Z",
        "ends_at": "2030-06-30T22:00:00Z",
        "used": 0,
        "currency": "EUR",
        "version": 1,
    }
    assert {name: discount[name] for name in expected} == expected
    assert answer.headers["location"] == f"{DISCOUNTS}/{discount['id']}"
    read = await client.get(answer.headers["location"], headers=admin.headers)
    assert (read.json(), read.headers["etag"]) == (discount, answer.headers["etag"])
    [entry] = await audit(action="discount.created")
    assert entry["actor_id"] == admin.id
    assert entry["changes"]["value"] == [None, "7.5"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"value": 12.5}, "12.5% off"),
        ({"value": 100}, "100% off"),
        ({"value": 5, "discount_type": "fixed"}, "5 off"),
        ({"value": 5, "code": "spring"}, "SPRING"),
    ],
)
async def test_a_discount_without_a_name_says_what_it_is(
    client: httpx.AsyncClient, admin: Caller, fields: dict[str, Any], name: str
) -> None:
    body = {"discount_type": "percentage", **fields}
    answer = await client.post(DISCOUNTS, json=body, headers=admin.headers)
    assert (answer.status_code, answer.json()["name"]) == (201, name), answer.text


async def test_a_plain_date_is_the_start_of_that_day_in_the_shop(
    client: httpx.AsyncClient, admin: Caller
) -> None:
    set_shop_zone(ZoneInfo("Europe/Berlin"))
    try:
        discount = await a_rule(client, admin, starts_at="2030-03-20", ends_at="2030-04-01")
    finally:
        set_shop_zone(None)
    assert (discount["starts_at"], discount["ends_at"]) == ("2030-03-19T23:00:00Z", "2030-03-31T22:00:00Z")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"value": 0}, "value"),
        ({"value": -1}, "value"),
        ({"value": 100.01}, "value"),
        ({"value": 10.555}, "value"),
        ({"value": "10"}, "value"),
        ({"value": True}, "value"),
        ({"value": None}, "value"),
        ({"discount_type": "fixed", "value": 10**10}, "value"),
        ({"discount_type": "bogo"}, "discount_type"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"code": "ab"}, "code"),
        ({"code": "with blank"}, "code"),
        ({"code": "SÉSAME"}, "code"),
        ({"code": "X" * 41}, "code"),
        ({"code": 7}, "code"),
        ({"min_order": -1}, "min_order"),
        ({"max_discount": 0}, "max_discount"),
        ({"starts_at": "2030-01-02", "ends_at": "2030-01-02"}, "ends_at"),
        ({"starts_at": "2030-01-02", "ends_at": "2030-01-01"}, "ends_at"),
        ({"starts_at": "2030-01-02T10:00:00"}, "starts_at"),
        ({"usage_limit": 0}, "usage_limit"),
        ({"usage_limit": 2**31}, "usage_limit"),
        ({"per_customer_limit": 1.5}, "per_customer_limit"),
        ({"item_ids": [0]}, "item_ids.0"),
        ({"item_ids": list(range(1, 1002))}, "item_ids"),
        ({"priority": 1001}, "priority"),
        ({"used": 3}, "used"),
    ],
)
async def test_a_bad_discount_is_refused_by_its_field(
    client: httpx.AsyncClient, admin: Caller, fields: dict[str, Any], field: str
) -> None:
    body = {"name": "Sale", "discount_type": "percentage", "value": 10, **fields}
    answer = await client.post(DISCOUNTS, json=body, headers=admin.headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text


@pytest.mark.parametrize("field", ["item_ids", "category_ids", "author_ids"])
async def test_what_it_is_for_must_be_there(client: httpx.AsyncClient, admin: Caller, field: str) -> None:
    body = {"name": "Sale", "discount_type": "percentage", "value": 10, field: [10**12]}
    answer = await client.post(DISCOUNTS, json=body, headers=admin.headers)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "unknown-discount-scope")
    assert problem["errors"][0]["field"] == field


async def test_a_code_is_one_discounts_alone(client: httpx.AsyncClient, admin: Caller) -> None:
    await a_rule(client, admin, code="SPRING")
    other = await a_rule(client, admin, code="AUTUMN")
    body = {"name": "Sale", "discount_type": "percentage", "value": 10, "code": "Spring"}
    for answer in (
        await client.post(DISCOUNTS, json=body, headers=admin.headers),
        await client.patch(f"{DISCOUNTS}/{other['id']}", json={"code": "spring"}, headers=admin.headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "discount-code-taken")


async def test_a_change_sets_what_is_sent_and_must_go_with_the_rest(
    client: httpx.AsyncClient, admin: Caller, audit: Audit
) -> None:
    discount = await a_rule(client, admin, starts_at="2030-01-02", ends_at="2030-02-01", code="SPRING")
    path = f"{DISCOUNTS}/{discount['id']}"
    changed = await client.patch(path, json={"value": 20, "code": None}, headers=admin.headers)
    assert changed.json() | {"updated_at": ""} == discount | {
        "value": 20,
        "code": None,
        "version": 2,
        "updated_at": "",
    }
    for patch, field in (
        ({"ends_at": "2030-01-01"}, "ends_at"),
        ({"starts_at": "2030-02-01"}, "ends_at"),
        ({"value": 101}, "value"),
    ):
        answer = await client.patch(path, json=patch, headers=admin.headers)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "invalid-discount"), answer.text
        assert problem["errors"][0]["field"] == field
    fixed = await client.patch(path, json={"discount_type": "fixed", "value": 101}, headers=admin.headers)
    assert fixed.json()["value"] == 101
    assert (await client.patch(path, json={}, headers=admin.headers)).json()["version"] == 3
    replaced = await client.put(
        path, json={"name": "New", "discount_type": "percentage", "value": 5}, headers=admin.headers
    )
    assert (replaced.status_code, replaced.json()["ends_at"], replaced.json()["value"]) == (200, None, 5)
    assert [sorted(entry["changes"]) for entry in await audit(action="discount.changed")][:2] == [
        ["code", "value"],
        ["discount_type", "value"],
    ]


async def test_a_change_is_of_what_was_read(client: httpx.AsyncClient, admin: Caller) -> None:
    path = f"{DISCOUNTS}/{(await a_rule(client, admin))['id']}"
    tag = (await client.get(path, headers=admin.headers)).headers["etag"]
    current = {**admin.headers, "If-Match": tag}
    assert (await client.patch(path, json={"priority": 1}, headers=current)).status_code == 200
    for method in ("PATCH", "DELETE"):
        body = {"priority": 2} if method == "PATCH" else None
        answer = await client.request(method, path, headers=current, json=body)
        assert (answer.status_code, answer.json()["code"]) == (412, "stale-version")
    known = {
        **admin.headers,
        "If-None-Match": (await client.get(path, headers=admin.headers)).headers["etag"],
    }
    assert (await client.get(path, headers=known)).status_code == 304


async def test_a_used_discount_ends_instead_of_going(
    client: httpx.AsyncClient,
    admin: Caller,
    session: AsyncSession,
    connection: AsyncConnection,
    audit: Audit,
) -> None:
    unused, used = await a_rule(client, admin), await a_rule(client, admin, "Used", code="USED")
    order_id = await have(session, admin.id, used)
    for discount in (unused, used, used):
        answer = await client.delete(f"{DISCOUNTS}/{discount['id']}", headers=admin.headers)
        assert answer.status_code == 204
    gone = await client.get(f"{DISCOUNTS}/{unused['id']}", headers=admin.headers)
    assert (gone.status_code, gone.json()["code"]) == (404, "discount-not-found")
    stays = (await client.get(f"{DISCOUNTS}/{used['id']}", headers=admin.headers)).json()
    assert (stays["is_active"], stays["used"]) == (False, 1)
    assert (await find_rules(connection, "USED", None)).rules == []
    # Given back it is on record all the same.
    await DiscountRepository(session).release(order_id)
    await client.delete(f"{DISCOUNTS}/{used['id']}", headers=admin.headers)
    stays = (await client.get(f"{DISCOUNTS}/{used['id']}", headers=admin.headers)).json()
    assert stays["used"] == 0
    assert len(await audit(action="discount.deleted")) == len(await audit(action="discount.ended")) == 1


async def test_a_limit_counts_what_was_had_before_it(
    client: httpx.AsyncClient,
    admin: Caller,
    session: AsyncSession,
    connection: AsyncConnection,
    sign_up: SignUp,
) -> None:
    rule = await a_rule(client, admin)
    await have(session, (await sign_up()).id, rule)
    # At the counter nobody says who they are.
    await have(session, None, rule)
    path = f"{DISCOUNTS}/{rule['id']}"
    limited = await client.patch(path, json={"usage_limit": 2}, headers=admin.headers)
    assert limited.json()["used"] == 2
    assert (await find_rules(connection, None, None)).rules == []
    await client.patch(path, json={"usage_limit": 3}, headers=admin.headers)
    assert len((await find_rules(connection, None, None)).rules) == 1


async def test_discounts_are_listed_by_what_staff_look_for(client: httpx.AsyncClient, admin: Caller) -> None:
    await a_rule(client, admin, "Été", priority=2, starts_at="2020-06-01", ends_at="2020-07-01")
    await a_rule(client, admin, "Books", discount_type="fixed", code="BOOKS", starts_at="2020-01-01")
    await a_rule(client, admin, "Off 100%", priority=1, is_active=False, starts_at="2021-01-01")

    async def names(**query: str) -> list[str]:
        answer = await client.get(DISCOUNTS, params=query, headers=admin.headers)
        assert answer.status_code == 200, answer.text
        return [one["name"] for one in answer.json()["items"]]

    assert await names() == ["Off 100%", "Books", "Été"]
    assert await names(sort="name") == ["Books", "Été", "Off 100%"]
    assert await names(sort="-priority,name") == ["Été", "Off 100%", "Books"]
    assert await names(sort="starts_at") == ["Books", "Été", "Off 100%"]
    assert await names(search="ete") == ["Été"]
    assert await names(search="100%") == ["Off 100%"]
    assert await names(code="books") == ["Books"]
    assert await names(has_code="false", sort="name") == ["Été", "Off 100%"]
    assert await names(discount_type="fixed") == ["Books"]
    assert await names(is_active="false") == ["Off 100%"]
    assert await names(is_in_force="true") == ["Books"]
    assert await names(is_in_force="false", sort="name") == ["Été", "Off 100%"]
    for sort in ("name", "-priority", "created_at", "starts_at"):
        query = {"limit": "2", "sort": sort}
        first = await client.get(DISCOUNTS, params=query, headers=admin.headers)
        query["cursor"] = first.json()["next_cursor"]
        assert await names(**query) == (await names(sort=sort))[2:]
    answer = await client.get(DISCOUNTS, params={"sort": "used"}, headers=admin.headers)
    assert answer.status_code == 422


async def test_only_who_may_write_discounts_sees_them(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, admin: Caller
) -> None:
    path = f"{DISCOUNTS}/{(await a_rule(client, admin, code='SECRET'))['id']}"
    for method, address in (("GET", DISCOUNTS), ("POST", DISCOUNTS), ("GET", path), ("DELETE", path)):
        for caller in (seller, moderator):
            assert (await client.request(method, address, headers=caller.headers)).status_code == 403
        assert (await client.request(method, address)).status_code == 401
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        body = {"name": "x", "discount_type": "fixed", "value": 1} if method[0] == "P" else None
        answer = await client.request(method, f"{DISCOUNTS}/{10**12}", headers=admin.headers, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "discount-not-found")


async def test_the_same_request_twice_makes_one_discount(client: httpx.AsyncClient, admin: Caller) -> None:
    headers = {**admin.headers, "Idempotency-Key": "spring"}
    body = {"name": "Sale", "discount_type": "percentage", "value": 10}
    first, again = [await client.post(DISCOUNTS, json=body, headers=headers) for _ in range(2)]
    assert first.json() == again.json()
    assert (await client.get(DISCOUNTS, headers=admin.headers)).json()["total"] == 1
