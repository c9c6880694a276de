"""Views are counted without a write per request, and lists sort as readers expect."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.views.jobs import forget_old_views, rank_popularity
from app.core.db.transaction import transaction
from tests.conftest import Caller, SignUp
from tests.factories import a_book, an_item

BOOKS = "/api/v1/books"
ITEMS = "/api/v1/items"
SEARCH = "/api/v1/search"


async def listed(client: httpx.AsyncClient, path: str, sort: str, **parameters: Any) -> list[str]:
    answer = await client.get(path, params={"sort": sort, **parameters})
    assert answer.status_code == 200, answer.text
    return [one["title"] for one in answer.json()["items"]]


async def rank(app: FastAPI) -> int:
    await app.state.item_views.write()
    async with transaction(app.state.database, app.state.cache) as session:
        return await rank_popularity(session)


async def views_of(client: httpx.AsyncClient, owner: Caller, item: dict[str, Any]) -> int:
    answer = await client.get(f"{ITEMS}/{item['id']}", headers=owner.headers)
    return int(answer.json()["views"])


async def test_what_is_looked_at_is_popular_and_hits_of_the_cache_count(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    rare = await a_book(live_client, seller, "A Rare One")
    liked = await a_book(live_client, seller, "Z Liked One", isbn="0261102214")
    pen = await an_item(live_client, seller, "Pen")
    statements = text("SELECT count(*) FROM item_views")
    hits = live_app.state.cache.counters.local
    for _ in range(5):
        assert (await live_client.get(f"{BOOKS}/{liked['id']}")).status_code == 200
    etag = (await live_client.get(f"{BOOKS}/{liked['id']}")).headers["etag"]
    again = await live_client.get(f"{BOOKS}/{liked['id']}", headers={"If-None-Match": etag})
    assert again.status_code == 304
    assert live_app.state.cache.counters.local > hits
    await live_client.get(f"{BOOKS}/isbn/0-261-10221-4")
    await live_client.get(f"{BOOKS}/{rare['id']}")
    for _ in range(3):
        await live_client.get(f"{ITEMS}/{pen['id']}")
    await live_client.get(f"{BOOKS}/999999999")
    await live_client.get(f"{BOOKS}/x")
    async with live_app.state.database.sessions() as session:
        assert await session.scalar(statements) == 0
    assert await rank(live_app) == 3
    assert await listed(live_client, BOOKS, "popularity") == ["Z Liked One", "A Rare One"]
    assert await listed(live_client, ITEMS, "popularity") == ["Z Liked One", "Pen", "A Rare One"]
    assert await views_of(live_client, seller, liked) == 8
    assert "views" not in (await live_client.get(f"{ITEMS}/{liked['id']}")).json()
    # Nothing new: the owner's look alone.
    assert await rank(live_app) == 1
    assert await rank(live_app) == 0


async def test_a_late_view_weighs_more_than_an_early_one(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    old, new = [await a_book(live_client, seller, title) for title in ("Old", "New")]
    for _ in range(6):
        await live_client.get(f"{BOOKS}/{old['id']}")
    await live_app.state.item_views.write()
    async with live_app.state.database.sessions.begin() as session:
        # As if it had been ten half-lives ago.
        await session.execute(text("UPDATE item_views SET score = score - 10 * ln(2)"))
    await live_client.get(f"{BOOKS}/{new['id']}")
    await rank(live_app)
    assert await listed(live_client, BOOKS, "popularity") == ["New", "Old"]
    await live_client.get(f"{BOOKS}/{old['id']}")
    await rank(live_app)
    assert await listed(live_client, BOOKS, "popularity") == ["Old", "New"]


async def test_workers_add_up_and_a_locked_item_is_ranked_later(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    book, other = [await a_book(live_client, seller, title) for title in ("Atlas", "Brief Lives")]
    views = live_app.state.item_views
    for _ in range(4):
        views.paths[f"{BOOKS}/{book['id']}"] = 5
        await views.write()
    views.paths[f"{BOOKS}/{other['id']}"] = 12
    await views.write()
    async with live_app.state.database.sessions() as editing:
        await editing.execute(text("SELECT FROM items WHERE id = :id FOR UPDATE"), {"id": book["id"]})
        async with asyncio.timeout(5):
            assert await rank(live_app) == 1
    assert await listed(live_client, BOOKS, "popularity") == ["Brief Lives", "Atlas"]
    assert await rank(live_app) == 1
    assert await listed(live_client, BOOKS, "popularity") == ["Atlas", "Brief Lives"]
    assert await views_of(live_client, seller, book) == 20


async def test_views_of_what_is_gone_are_forgotten(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    book = await a_book(live_client, seller, "Atlas")
    await live_client.get(f"{BOOKS}/{book['id']}")
    await live_client.get(f"{BOOKS}/{book['id']}/nothing")
    await rank(live_app)
    await live_client.delete(f"{BOOKS}/{book['id']}", headers=seller.headers)
    live_app.state.item_views.paths[f"{BOOKS}/{book['id']}"] = 1
    assert await rank(live_app) == 0
    async with live_app.state.database.sessions.begin() as session:
        assert await forget_old_views(session) == 1


async def test_what_cannot_be_written_is_written_later(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    book = await a_book(live_client, seller, "Atlas")
    await live_client.get(f"{BOOKS}/{book['id']}")
    async with live_app.state.database.sessions() as blocking:
        await blocking.execute(text("LOCK TABLE item_views IN ACCESS EXCLUSIVE MODE"))
        async with live_app.state.database.read_engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        writing = asyncio.create_task(live_app.state.item_views.write())
        await asyncio.wait([writing], timeout=0.2)
    await writing
    await rank(live_app)
    assert await views_of(live_client, seller, book) == 1


async def test_the_newest_publication_comes_first_and_what_has_no_date_last(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    dates: dict[str, dict[str, object]] = {
        "Unknown": {},
        "Antique": {"first_published": -400},
        "Year": {"published_on": "1999"},
        "Month": {"published_on": "1999-05"},
        "Day": {"published_on": "1999-05-02"},
        "First": {"first_published": 1998},
        "Reprint": {"first_published": 1950, "published_on": "2020"},
    }
    for title, fields in dates.items():
        await a_book(client, seller, title, **fields)
    order = ["Reprint", "Day", "Month", "Year", "First", "Antique", "Unknown"]
    assert await listed(client, BOOKS, "newest") == order
    found: list[str] = []
    page: dict[str, Any] = {"next_cursor": None, "has_next": True}
    while page["has_next"]:
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
        page = (await client.get(BOOKS, params={"sort": "newest", "limit": 2, **cursor})).json()
        found += [book["title"] for book in page["items"]]
    assert found == order
    assert await listed(client, BOOKS, "newest", search="first OR year") == ["Year", "First"]
    refused = await client.get(ITEMS, params={"sort": "newest"})
    assert refused.status_code == 422


async def test_a_search_sorts_what_it_finds_too(client: httpx.AsyncClient, seller: Caller) -> None:
    await a_book(client, seller, "Atlas of Rome", price=30, published_on="2001")
    await a_book(client, seller, "The Atlas", price=10, published_on="2003")
    await a_book(client, seller, "Zoo", price=20, published_on="2002", description="No atlas.")
    orders = {
        "relevance": ["Atlas of Rome", "The Atlas", "Zoo"],
        "price": ["The Atlas", "Zoo", "Atlas of Rome"],
        "-price": ["Atlas of Rome", "Zoo", "The Atlas"],
        "newest": ["The Atlas", "Zoo", "Atlas of Rome"],
        "title": ["The Atlas", "Atlas of Rome", "Zoo"],
    }
    for sort, order in orders.items():
        assert (sort, await listed(client, SEARCH, sort, q="atlas")) == (sort, order)
        found: list[str] = []
        page: dict[str, Any] = {"next_cursor": None, "has_next": True}
        while page["has_next"]:
            cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
            page = (
                await client.get(SEARCH, params={"q": "atlas", "sort": sort, "limit": 1, **cursor})
            ).json()
            found += [book["title"] for book in page["items"]]
        assert (sort, found) == (sort, order)
    assert await listed(client, SEARCH, "price", q="atlas zeppelin") == orders["price"]


@pytest.mark.parametrize("path", [ITEMS, BOOKS])
async def test_lists_sort_by_when_things_were_added_and_changed(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, path: str
) -> None:
    books = [await a_book(client, seller, title) for title in ("B", "A", "C")]
    for minutes, book in enumerate(books):
        moments = {"id": book["id"], "minutes": minutes}
        await session.execute(
            text(
                "UPDATE items SET created_at = now() - make_interval(mins => :minutes),"
                " updated_at = now() + make_interval(mins => :minutes) WHERE id = :id"
            ),
            moments,
        )
    assert await listed(client, path, "added") == ["B", "A", "C"]
    assert await listed(client, path, "created_at") == ["C", "A", "B"]
    assert await listed(client, path, "updated_at") == ["B", "A", "C"]
    assert await listed(client, path, "-updated_at") == ["C", "A", "B"]
