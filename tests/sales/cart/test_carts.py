"""Carts: of guests by token, of accounts, merged when somebody logs in; priced anew at every read."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.sales.cart.jobs import purge_guest_carts
from app.sales.models import Cart, CartLine
from devstack import Servers
from tests.conftest import (
    PASSWORD,
    Caller,
    SignUp,
    client_of,
    make_account,
    running_app,
    settings_for,
)
from tests.factories import ADDRESS, a_book, an_item, fill_cart, once

CART = "/api/v1/cart"
LINES = f"{CART}/lines"


async def guest_adds(
    client: httpx.AsyncClient, item: dict[str, Any], quantity: int = 1, token: str | None = None
) -> httpx.Response:
    headers = {"X-Cart-Token": token} if token else {}
    return await client.post(LINES, json={"item_id": item["id"], "quantity": quantity}, headers=headers)


async def read(client: httpx.AsyncClient, headers: dict[str, str]) -> dict[str, Any]:
    answer = await client.get(CART, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_guests_first_line_makes_a_cart_and_gives_its_token(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    book = await a_book(client, seller, "The Hobbit", price=12.5, quantity=5)
    empty = await read(client, {})
    assert (empty["lines"], empty["token"], empty["total"], empty["version"]) == ([], None, 0, 0)
    answer = await guest_adds(client, book, 2)
    assert answer.status_code == 201, answer.text
    cart = answer.json()
    assert len(cart["token"]) >= 43
    assert cart["lines"] == [
        {
            "item_id": book["id"],
            "title": "The Hobbit",
            "quantity": 2,
            "unit_price": 12.5,
            "line_total": 25.0,
            "available": 5,
            "price_changed_from": None,
        }
    ]
    assert (cart["subtotal"], cart["discount"], cart["total"]) == (25.0, 0, 25.0)
    assert (cart["currency"], cart["warnings"]) == ("EUR", [])
    kept = (await session.execute(select(Cart.token_hash, Cart.user_id))).one()
    assert (len(kept.token_hash), kept.user_id) == (32, None)
    assert cart["token"].encode() not in kept.token_hash
    again = await guest_adds(client, book, 3, cart["token"])
    assert again.json()["lines"][0]["quantity"] == 5
    assert again.json()["token"] == cart["token"]


async def test_a_key_is_each_guests_own(client: httpx.AsyncClient, seller: Caller) -> None:
    pen = await an_item(client, seller, quantity=9)
    tokens = [(await guest_adds(client, pen)).json()["token"] for _ in range(2)]
    for token in tokens:
        for _ in range(2):
            guest = {"X-Cart-Token": token, "Idempotency-Key": "mine"}
            answer = await client.post(LINES, json={"item_id": pen["id"]}, headers=guest)
            told = answer.json()
            assert (answer.status_code, told["token"], told["lines"][0]["quantity"]) == (201, token, 2)


@pytest.mark.parametrize("token", ["x", "A" * 43, "A" * 100])
async def test_a_token_that_leads_nowhere_is_answered_404(
    client: httpx.AsyncClient, seller: Caller, token: str
) -> None:
    book = await a_book(client, seller)
    headers = {"X-Cart-Token": token}
    answers = [
        await client.get(CART, headers=headers),
        await client.post(LINES, json={"item_id": book["id"]}, headers=headers),
        await client.put(f"{LINES}/{book['id']}", json={"quantity": 1}, headers=headers),
        await client.delete(f"{LINES}/{book['id']}", headers=headers),
        await client.delete(CART, headers=headers),
        await client.post(f"{CART}/coupon", json={"code": "X"}, headers=headers),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (404, "cart-not-found")
    ] * 6


async def test_an_account_has_one_cart_wherever_it_logs_in(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    book, pen = await a_book(client, seller), await an_item(client, seller)
    buyer, other = await sign_up(), await sign_up()
    await fill_cart(client, buyer, (book, 1), (pen, 2))
    cart = await read(client, buyer.headers)
    assert [line["item_id"] for line in cart["lines"]] == [book["id"], pen["id"]]
    assert cart["token"] is None
    assert (await read(client, other.headers))["lines"] == []
    changed = await client.put(f"{LINES}/{pen['id']}", json={"quantity": 7}, headers=buyer.headers)
    assert changed.json()["lines"][1]["quantity"] == 7
    assert (await client.delete(f"{LINES}/{book['id']}", headers=buyer.headers)).status_code == 204
    assert [line["item_id"] for line in (await read(client, buyer.headers))["lines"]] == [pen["id"]]
    assert (await client.delete(CART, headers=buyer.headers)).status_code == 204
    assert (await read(client, buyer.headers))["lines"] == []


async def test_a_bad_credential_is_refused_and_makes_no_guest(client: httpx.AsyncClient) -> None:
    answer = await client.get(CART, headers={"Authorization": "Bearer nonsense"})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid-token")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"item_id": 0}, "item_id"),
        ({"item_id": "1"}, "item_id"),
        ({"item_id": 1, "quantity": 0}, "quantity"),
        ({"item_id": 1, "quantity": -1}, "quantity"),
        ({"item_id": 1, "quantity": 100}, "quantity"),
        ({"item_id": 1, "quantity": 1.5}, "quantity"),
        ({"item_id": 1, "price": 1}, "price"),
        ({"quantity": 1}, "item_id"),
    ],
)
async def test_bad_lines_name_the_field(client: httpx.AsyncClient, body: dict[str, Any], field: str) -> None:
    answer = await client.post(LINES, json=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_line_has_at_most_99_pieces_and_a_cart_100_lines(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    buyer, book = await sign_up(), await a_book(client, seller)
    await fill_cart(client, buyer, (book, 60))
    full = await client.post(LINES, json={"item_id": book["id"], "quantity": 40}, headers=buyer.headers)
    assert (full.status_code, full.json()["code"]) == (409, "cart-line-full")
    assert full.json()["errors"][0]["field"] == "quantity"
    pen = await an_item(client, seller)
    await session.execute(
        text(
            "WITH new AS (INSERT INTO items (kind, title, currency, owner_id, price)"
            " SELECT 'other', 'Thing', 'EUR', :owner, 1 FROM generate_series(1, 99) RETURNING id)"
            " INSERT INTO cart_lines (cart_id, item_id, quantity, seen_price)"
            " SELECT (SELECT id FROM carts), id, 1, 1 FROM new"
        ),
        {"owner": seller.id},
    )
    full = await client.post(LINES, json={"item_id": pen["id"]}, headers=buyer.headers)
    assert (full.status_code, full.json()["code"]) == (409, "cart-full")
    assert (await client.post(LINES, json={"item_id": book["id"]}, headers=buyer.headers)).status_code == 201


async def test_what_is_not_for_sale_or_not_there_is_not_taken(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    hidden = await an_item(client, seller, is_active=False)
    free = await an_item(client, seller)
    await client.patch(f"/api/v1/items/{free['id']}", json={"price": None}, headers=seller.headers)
    for item_id, expected in ((hidden["id"], 404), (2**62, 404), (free["id"], 409)):
        answer = await client.post(LINES, json={"item_id": item_id})
        assert answer.status_code == expected, answer.text
    assert answer.json()["code"] == "not-for-sale"


async def test_every_read_tells_what_changed(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    buyer = await sign_up()
    dearer, scarce, gone = [await an_item(client, seller, quantity=9) for _ in range(3)]
    await fill_cart(client, buyer, (dearer, 1), (scarce, 5), (gone, 1))
    for item, change in ((dearer, {"price": 12}), (scarce, {"quantity": 2}), (gone, {"is_active": False})):
        path = f"/api/v1/items/{item['id']}"
        assert (await client.patch(path, json=change, headers=seller.headers)).status_code == 200
    cart = await read(client, buyer.headers)
    assert [line["price_changed_from"] for line in cart["lines"]] == [10, None, None]
    assert [line["available"] for line in cart["lines"]] == [9, 2, 0]
    assert [(one["code"], one["item_id"]) for one in cart["warnings"]] == [
        ("price-changed", dearer["id"]),
        ("insufficient-stock", scarce["id"]),
        ("not-for-sale", gone["id"]),
    ]
    assert cart["total"] == 12 + 5 * 10
    # Whoever sets the line has seen the price.
    path = f"{LINES}/{dearer['id']}"
    seen = await client.put(path, json={"quantity": 1}, headers=buyer.headers)
    assert seen.json()["lines"][0]["price_changed_from"] is None
    assert (await client.delete(f"/api/v1/items/{gone['id']}", headers=seller.headers)).status_code == 204
    assert len((await read(client, buyer.headers))["lines"]) == 2


async def test_a_stale_tag_stops_a_change(client: httpx.AsyncClient, seller: Caller, sign_up: SignUp) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller)
    await fill_cart(client, buyer, (pen, 1))
    tag = (await client.get(CART, headers=buyer.headers)).headers["ETag"]
    await fill_cart(client, buyer, (pen, 1))
    headers = {**buyer.headers, "If-Match": tag}
    for answer in (
        await client.put(f"{LINES}/{pen['id']}", json={"quantity": 1}, headers=headers),
        await client.delete(f"{LINES}/{pen['id']}", headers=headers),
        await client.delete(CART, headers=headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (412, "stale-version")
    assert (await read(client, buyer.headers))["lines"][0]["quantity"] == 2


async def log_in(client: httpx.AsyncClient, username: str, token: str) -> None:
    form = {"username": username, "password": PASSWORD}
    answer = await client.post("/api/v1/auth/token", data=form, headers={"X-Cart-Token": token})
    assert answer.status_code == 200, answer.text


async def test_a_login_merges_the_guests_cart_once(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    buyer = await sign_up()
    common, brought = await an_item(client, seller, quantity=8), await an_item(client, seller, quantity=8)
    await fill_cart(client, buyer, (common, 3))
    token = (await guest_adds(client, common, 6)).json()["token"]
    await guest_adds(client, brought, 2, token)
    await log_in(client, buyer.username, token)
    cart = await read(client, buyer.headers)
    assert [(line["item_id"], line["quantity"]) for line in cart["lines"]] == [
        (common["id"], 8),
        (brought["id"], 2),
    ]
    assert [(one["code"], one["item_id"]) for one in cart["warnings"]] == [("quantity-clamped", common["id"])]
    assert "9" in cart["warnings"][0]["message"]
    # Another's token, and one that has had its use.
    gone = await client.get(CART, headers={"X-Cart-Token": token})
    assert (gone.status_code, gone.json()["code"]) == (404, "cart-not-found")
    await log_in(client, buyer.username, token)
    assert (await read(client, buyer.headers))["lines"] == cart["lines"]
    stranger = await sign_up()
    await log_in(client, stranger.username, token)
    assert (await read(client, stranger.headers))["lines"] == []


async def test_a_registration_takes_the_guests_cart_along(client: httpx.AsyncClient, seller: Caller) -> None:
    pen = await an_item(client, seller, quantity=8)
    token = (await guest_adds(client, pen, 2)).json()["token"]
    account = {"username": "new_reader", "email": "new@example.com", "password": PASSWORD}
    answer = await client.post("/api/v1/users/register", json=account, headers={"X-Cart-Token": token})
    assert answer.status_code == 201, answer.text
    form = {"username": "new_reader", "password": PASSWORD}
    session = (await client.post("/api/v1/auth/token", data=form)).json()
    cart = await read(client, {"Authorization": f"Bearer {session['access_token']}"})
    assert [(line["item_id"], line["quantity"]) for line in cart["lines"]] == [(pen["id"], 2)]


async def test_a_write_with_credentials_and_token_merges_too(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller)
    token = (await guest_adds(client, pen, 2)).json()["token"]
    headers = {**buyer.headers, "X-Cart-Token": token}
    answers = [await client.post(LINES, json={"item_id": pen["id"]}, headers=headers) for _ in range(2)]
    assert [answer.json()["lines"][0]["quantity"] for answer in answers] == [3, 4]
    assert answers[1].json()["token"] is None


async def test_a_merge_keeps_a_hundred_lines_and_tells_what_it_left_out(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    buyer = await sign_up()
    pen, ink = await an_item(client, seller), await an_item(client, seller, "Ink")
    await fill_cart(client, buyer, (pen, 1))
    await session.execute(
        text(
            "WITH new AS (INSERT INTO items (kind, title, currency, owner_id, price)"
            " SELECT 'other', 'Thing', 'EUR', :owner, 1 FROM generate_series(1, 99) RETURNING id)"
            " INSERT INTO cart_lines (cart_id, item_id, quantity, seen_price)"
            " SELECT (SELECT id FROM carts), id, 1, 1 FROM new"
        ),
        {"owner": seller.id},
    )
    token = (await guest_adds(client, ink)).json()["token"]
    await log_in(client, buyer.username, token)
    cart = await read(client, buyer.headers)
    assert len(cart["lines"]) == 100
    assert ("line-dropped", ink["id"]) in [(one["code"], one["item_id"]) for one in cart["warnings"]]


async def test_two_tabs_at_once_lose_nothing(live_client: httpx.AsyncClient, live_sign_up: SignUp) -> None:
    seller, buyer = await live_sign_up(), await live_sign_up()
    pens = [await an_item(live_client, seller, quantity=99) for _ in range(3)]
    await asyncio.gather(*(fill_cart(live_client, buyer, (pen, 2)) for pen in pens for _ in range(5)))
    cart = await read(live_client, buyer.headers)
    assert sorted((line["item_id"], line["quantity"]) for line in cart["lines"]) == [
        (pen["id"], 10) for pen in pens
    ]
    assert cart["version"] == 16


async def test_logins_at_once_merge_once(live_client: httpx.AsyncClient, live_sign_up: SignUp) -> None:
    seller, buyer = await live_sign_up(), await live_sign_up()
    pen = await an_item(live_client, seller, quantity=99)
    token = (await guest_adds(live_client, pen, 5)).json()["token"]
    await asyncio.gather(*(log_in(live_client, buyer.username, token) for _ in range(5)))
    assert (await read(live_client, buyer.headers))["lines"][0]["quantity"] == 5


async def test_a_guests_cart_ends_after_a_month_without_a_change(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    pen = await an_item(client, seller)
    kept = (await guest_adds(client, pen)).json()["token"]
    ended = (await guest_adds(client, pen)).json()["token"]
    carts = select(func.max(Cart.id)).scalar_subquery()
    await session.execute(
        text(
            "UPDATE carts SET expires_at = now() - interval '1 second' WHERE id = (SELECT max(id) FROM carts)"
        )
    )
    assert (await client.get(CART, headers={"X-Cart-Token": ended})).status_code == 404
    assert await session.scalar(select(func.count()).where(CartLine.cart_id == carts)) == 1
    assert await purge_guest_carts(session) == 1
    assert await session.scalar(select(func.count()).select_from(Cart)) == 1
    assert (await client.get(CART, headers={"X-Cart-Token": kept})).status_code == 200


async def test_guessing_coupons_is_limited_wherever_one_is_tried(
    servers: Servers, empty_database_url: str
) -> None:
    settings = settings_for(servers, empty_database_url, rate_limit={"factor": 1, "coupon": "3/minute"})
    async with running_app(settings) as app, client_of(app) as client:
        async with app.state.database.sessions.begin() as session:
            caller = await make_account(app, session)
        quote = {"address": dict(ADDRESS), "coupon": "SPRING1"}
        checkout = quote | {"shipping_option": "standard", "expected_total": 1}
        guesses = [
            ("/api/v1/cart/coupon", {"code": "SPRING2"}, 422),
            ("/api/v1/checkout/quote", quote, 409),
            ("/api/v1/checkout", checkout, 409),
        ]
        for is_beyond in (False, True):
            for path, body, status in guesses:
                answer = await client.post(path, json=body, headers=once(caller))
                assert answer.status_code == (429 if is_beyond else status), answer.text
        assert int(answer.headers["retry-after"]) > 0
        # Who tries none is not counted.
        del quote["coupon"]
        answer = await client.post("/api/v1/checkout/quote", json=quote, headers=caller.headers)
        assert answer.json()["code"] == "cart-empty"
