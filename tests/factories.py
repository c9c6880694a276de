"""Data for tests, made over HTTP as a client makes it; each gives the answer's body."""

from collections.abc import Mapping
from itertools import count
from types import MappingProxyType
from typing import Any

import httpx

from tests.conftest import Caller

BOOKS = "/api/v1/books"
ITEMS = "/api/v1/items"
AUTHORS = "/api/v1/authors"
CATEGORIES = "/api/v1/categories"
OFFERS = "/api/v1/offers"


async def a_book(
    client: httpx.AsyncClient, seller: Caller, title: str = "A book", **fields: Any
) -> dict[str, Any]:
    """A book of the seller; it costs 10 unless a price is given."""
    return await made(client, seller, BOOKS, {"title": title, "price": 10, **fields})


async def an_item(
    client: httpx.AsyncClient, seller: Caller, title: str = "Pen", **fields: Any
) -> dict[str, Any]:
    """Stationery of the seller; it costs 10 unless a price is given."""
    return await made(client, seller, ITEMS, {"title": title, "kind": "stationery", "price": 10, **fields})


async def an_offer(
    client: httpx.AsyncClient, seller: Caller, *parts: tuple[Mapping[str, Any], int], **fields: Any
) -> dict[str, Any]:
    """A bundle of so many of each of these items; it costs 15 unless a price is given."""
    items = [{"item_id": item["id"], "quantity": quantity} for item, quantity in parts]
    return await made(client, seller, OFFERS, {"name": "Set", "price": 15, "items": items, **fields})


async def an_author(
    client: httpx.AsyncClient, manager: Caller, name: str = "Ursula K. Le Guin", **fields: Any
) -> dict[str, Any]:
    """An author that no book names yet."""
    return await made(client, manager, AUTHORS, {"name": name, **fields})


async def a_category(client: httpx.AsyncClient, manager: Caller, name: str, **fields: Any) -> dict[str, Any]:
    """A category, at the root unless a parent is given."""
    return await made(client, manager, CATEGORIES, {"name": name, **fields})


async def made(client: httpx.AsyncClient, caller: Caller, path: str, body: object) -> dict[str, Any]:
    """What a POST there makes."""
    answer = await client.post(path, json=body, headers=caller.headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


ADDRESS: Mapping[str, Any] = MappingProxyType(
    {
        "full_name": "Ada Lovelace",
        "street_line_1": "1 Market Street",
        "city": "San Francisco",
        "state": "CA",
        "zip_code": "94105",
    }
)
_keys = count(1)


def once(caller: Caller) -> dict[str, str]:
    """The caller's headers with a new idempotency key."""
    return {**caller.headers, "Idempotency-Key": f"key-{next(_keys)}"}


async def fill_cart(client: httpx.AsyncClient, buyer: Caller, *lines: tuple[Mapping[str, Any], int]) -> None:
    """Put so many of each item into the buyer's cart."""
    for item, quantity in lines:
        await made(client, buyer, "/api/v1/cart/lines", {"item_id": item["id"], "quantity": quantity})


async def a_quote(client: httpx.AsyncClient, buyer: Caller, **fields: Any) -> dict[str, Any]:
    """What the buyer's cart costs, sent to `ADDRESS` in the standard way."""
    body = {"address": dict(ADDRESS), "shipping_option": "standard", **fields}
    answer = await client.post("/api/v1/checkout/quote", json=body, headers=buyer.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def check_out(
    client: httpx.AsyncClient, buyer: Caller, expected_total: float, **fields: Any
) -> httpx.Response:
    """Try to buy what is in the buyer's cart."""
    body = {
        "address": dict(ADDRESS),
        "shipping_option": "standard",
        "expected_total": expected_total,
        **fields,
    }
    return await client.post("/api/v1/checkout", json=body, headers=once(buyer))


async def an_order(
    client: httpx.AsyncClient, buyer: Caller, *lines: tuple[Mapping[str, Any], int], **fields: Any
) -> dict[str, Any]:
    """An order of the buyer's with these items, not yet paid."""
    await fill_cart(client, buyer, *lines)
    quote = await a_quote(client, buyer)
    answer = await check_out(client, buyer, quote["total"], **fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())
