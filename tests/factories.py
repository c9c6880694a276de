"""Data for tests, made over HTTP as a client makes it; each gives the answer's body."""

from collections.abc import Mapping
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
