"""Items off sale: nobody finds them but their owner and moderators, and no cache tells on them."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.identity.permissions import Role
from tests.conftest import Caller, SignUp, client_of
from tests.factories import a_book, an_item

ITEMS = "/api/v1/items"
BOOKS = "/api/v1/books"
OWN = "/api/v1/users/me/items"
OFF = {"is_active": False}
TITLE = "Quixotic Zephyr"


async def take_off(
    client: httpx.AsyncClient, seller: Caller, item: dict[str, Any], path: str = ITEMS
) -> None:
    answer = await client.patch(f"{path}/{item['id']}", json=OFF, headers=seller.headers)
    assert (answer.status_code, answer.json()["is_active"]) == (200, False), answer.text


async def statuses(client: httpx.AsyncClient, path: str, *callers: Caller | None) -> list[int]:
    answers = [await client.get(path, headers=one.headers if one else {}) for one in callers]
    return [answer.status_code for answer in answers]


@pytest.mark.parametrize("kind", [ITEMS, BOOKS])
async def test_a_link_to_what_is_off_sale_is_for_its_owner_and_moderators(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, kind: str
) -> None:
    make = an_item if kind == ITEMS else a_book
    item = await make(client, seller)
    await take_off(client, seller, item, kind)
    path, other = f"{kind}/{item['id']}", await sign_up()
    assert await statuses(client, path, None, other, seller, moderator) == [404, 404, 200, 200]
    assert await statuses(client, f"{path}/prices", None, other) == [404, 404]
    # Whoever may not know of it may not touch it either.
    touched = await client.patch(path, json={"price": 1}, headers=other.headers)
    assert touched.status_code == 404
    back = await client.patch(path, json={"is_active": True}, headers=moderator.headers)
    assert (back.status_code, back.json()["version"]) == (200, 3)
    assert await statuses(client, path, None, other, seller) == [200, 200, 200]


async def test_no_list_and_no_search_shows_what_is_off_sale(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    fields = {
        "author": "Aurelius Quint",
        "series": "The Zephyrs",
        "series_position": "1",
        "isbn": "9780261102217",
    }
    book = await a_book(client, seller, TITLE, **fields)
    other = await a_book(client, seller, "Another", author="Aurelius Quint", series="The Zephyrs")
    author_id = book["contributors"][0]["author_id"]
    lists = [
        f"{BOOKS}?search={TITLE}",
        f"{BOOKS}?author_id={author_id}",
        f"{BOOKS}?owner_id={seller.id}",
        f"{ITEMS}?owner_id={seller.id}",
        f"{ITEMS}?search={TITLE}",
        f"/api/v1/search?q={TITLE}",
        "/api/v1/search?q=9780261102217",
        "/api/v1/search?q=Quint",
        f"/api/v1/authors/{author_id}/books",
        f"/api/v1/series/{book['series_id']}/books",
        f"{BOOKS}/{other['id']}/related",
        "/api/v1/suggest?q=quixotic",
    ]

    async def found(path: str) -> bool:
        items = (await client.get(path)).raise_for_status().json()["items"]
        return any(one["id"] == book["id"] and one.get("type") in {None, "book"} for one in items) or any(
            one.get("text") == TITLE for one in items
        )

    assert [path for path in lists if not await found(path)] == []
    await take_off(client, seller, book, BOOKS)
    assert [path for path in lists if await found(path)] == []
    work = (await client.get(f"/api/v1/works/{book['work_id']}")).json()
    assert (work["editions"], work["edition_count"]) == ([], 0)
    series = (await client.get(f"/api/v1/series/{book['series_id']}")).json()
    assert series["book_count"] == 1
    facets = (await client.get(f"{BOOKS}/facets?owner_id={seller.id}")).json()
    assert facets["total"] == 1
    assert (await client.get(f"{BOOKS}/isbn/9780261102217")).status_code == 404
    assert (await client.get(f"{BOOKS}/isbn/9780261102217", headers=seller.headers)).status_code == 200
    assert (await client.get(f"{BOOKS}/{book['id']}/related")).status_code == 404
    assert (await client.get(f"/api/v1/users/{seller.id}")).json()["offers"] == 1
    await client.patch(f"{BOOKS}/{book['id']}", json={"is_active": True}, headers=seller.headers)
    assert [path for path in lists if not await found(path)] == []


async def test_ones_own_list_shows_both_and_can_be_cut(client: httpx.AsyncClient, seller: Caller) -> None:
    on, off = await an_item(client, seller, "A"), await an_item(client, seller, "B", is_active=False)
    for query, expected in (("", [on, off]), ("?is_active=true", [on]), ("?is_active=false", [off])):
        answer = await client.get(f"{OWN}{query}", headers=seller.headers)
        assert answer.json()["items"] == expected


async def test_moderators_list_what_anybody_has_off_sale(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    on, off = await an_item(client, seller, "A"), await an_item(client, seller, "B", is_active=False)
    path = f"{ITEMS}?owner_id={seller.id}"
    for value, expected in (("false", [off]), ("true", [on])):
        answer = await client.get(f"{path}&is_active={value}", headers=moderator.headers)
        assert [one["id"] for one in answer.json()["items"]] == [one["id"] for one in expected]
        assert answer.json()["items"][0]["is_active"] is (value == "true")
        assert answer.headers["cache-control"] == "private, no-store"
    assert (await client.get(f"{path}&is_active=false", headers=seller.headers)).status_code == 403
    assert (await client.get(f"{path}&is_active=false")).status_code == 401
    assert (await client.get(path, headers=moderator.headers)).json()["total"] == 1


async def test_the_owner_sees_more_at_the_same_address(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    extra = {"is_active": True, "on_hand": 3, "reserved": 0, "views": 0}
    for path, make in ((ITEMS, an_item), (BOOKS, a_book)):
        item = await make(client, seller, quantity=3)
        assert item.items() >= extra.items()
        address = f"{path}/{item['id']}"
        public = (await client.get(address)).json()
        assert public == {name: value for name, value in item.items() if name not in extra}
        assert (await client.get(address, headers=(await sign_up()).headers)).json() == public
        for caller in (seller, moderator):
            own = await client.get(address, headers=caller.headers)
            assert own.json() == item
            assert own.headers["cache-control"] == "private, no-store"
        assert (await client.get(address)).json() == public
        for listed in (await client.get(f"{path}?owner_id={seller.id}", headers=seller.headers)).json()[
            "items"
        ]:
            assert extra.keys().isdisjoint(listed)


async def test_fields_that_are_the_owners_are_shown_to_the_owner(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    book = await a_book(client, seller)
    path = f"{BOOKS}/{book['id']}?fields=title,is_active"
    assert (await client.get(path)).json() == {"id": book["id"], "title": "A book"}
    own = await client.get(path, headers=seller.headers)
    assert own.json() == {"id": book["id"], "title": "A book", "is_active": True}
    expanded = await client.get(f"{BOOKS}/{book['id']}?expand=work", headers=seller.headers)
    assert (expanded.json()["on_hand"], expanded.json()["work"]["id"]) == (0, book["work_id"])


async def test_putting_something_whole_puts_it_on_sale_unless_it_says_otherwise(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    item = await an_item(client, seller, is_active=False)
    path = f"{ITEMS}/{item['id']}"
    whole = {"title": "Pen", "price": 1}
    assert (await client.put(path, json={**whole, **OFF}, headers=seller.headers)).json()[
        "is_active"
    ] is False
    assert (await client.put(path, json=whole, headers=seller.headers)).json()["is_active"] is True
    for wrong in (None, 1, "false"):
        answer = await client.patch(path, json={"is_active": wrong}, headers=seller.headers)
        assert answer.status_code == 422, wrong


@pytest.mark.parametrize("price", [1_000_000.01, 1_000_001, 9_999_999_999])
async def test_a_price_is_a_million_at_most(client: httpx.AsyncClient, seller: Caller, price: float) -> None:
    item = await an_item(client, seller, price=1_000_000)
    assert item["price"] == 1_000_000
    path = f"{ITEMS}/{item['id']}"
    schedule = {"price": price, "starts_at": "2090-01-01T00:00:00Z"}
    answers = [
        await client.post(ITEMS, json={"title": "T", "price": price}, headers=seller.headers),
        await client.post(BOOKS, json={"title": "T", "price": price}, headers=seller.headers),
        await client.patch(path, json={"price": price}, headers=seller.headers),
        await client.post(f"{path}/price-schedules", json=schedule, headers=seller.headers),
    ]
    assert [answer.status_code for answer in answers] == [422] * 4
    assert answers[0].json()["errors"][0]["field"] == "price"


async def test_the_cache_keeps_nothing_of_the_owners_and_forgets_what_goes_off_sale(
    live_app: FastAPI, live_sign_up: SignUp
) -> None:
    seller, other = await live_sign_up(), await live_sign_up()
    moderator = await live_sign_up(Role.MODERATOR)
    async with client_of(live_app) as client:
        book = await a_book(client, seller, quantity=2)
        paths = [f"{ITEMS}/{book['id']}", f"{BOOKS}/{book['id']}", f"{BOOKS}?owner_id={seller.id}"]
        for path in paths:
            # The owner first and last, so that what they got would be kept if anything of theirs were.
            for caller in (seller, None, other, moderator, seller, None, other):
                answer = await client.get(path, headers=caller.headers if caller else {})
                is_own = caller in (seller, moderator) and path in paths[:2]
                assert ("on_hand" in answer.json()) is is_own, (path, caller)
                cached = "public, no-cache" if caller is None else "private, no-store"
                assert answer.headers["cache-control"] == cached
        hits = live_app.state.cache.counters.local
        await client.get(paths[1], headers=other.headers)
        assert live_app.state.cache.counters.local > hits, "whoever sees no more gets the kept answer"
        await take_off(client, seller, book, BOOKS)
        assert [await statuses(client, path, None, other, seller) for path in paths[:2]] == [
            [404, 404, 200]
        ] * 2
        assert (await client.get(paths[2])).json()["items"] == []
        await client.patch(paths[1], json={"is_active": True}, headers=seller.headers)
        assert [await statuses(client, path, None, other, seller) for path in paths[:2]] == [
            [200, 200, 200]
        ] * 2


async def test_bad_credentials_get_what_everybody_gets(live_app: FastAPI, live_sign_up: SignUp) -> None:
    seller = await live_sign_up()
    async with client_of(live_app) as client:
        item = await an_item(client, seller)
        path = f"{ITEMS}/{item['id']}"
        public = (await client.get(path)).json()
        for headers in (
            {"Authorization": "Bearer nonsense"},
            {"Authorization": seller.headers["Authorization"][:-2]},
            {"X-API-Key": "nonsense"},
            {"Cookie": "access_token=nonsense"},
            {"Cookie": "access_token=a; access_token=b"},
            {"Authorization": "Basic YTpi"},
        ):
            answer = await client.get(path, headers=headers)
            assert (answer.status_code, answer.json()) == (200, public), headers


async def test_a_name_that_changes_while_a_book_comes_back_is_in_its_document(
    live_app: FastAPI, live_sign_up: SignUp
) -> None:
    seller, moderator = await live_sign_up(), await live_sign_up(Role.MODERATOR)
    async with client_of(live_app) as client:
        book = await a_book(client, seller, author="Old Name")
        author = f"/api/v1/authors/{book['contributors'][0]['author_id']}"
        for turn in range(5):
            await client.patch(f"{BOOKS}/{book['id']}", json=OFF, headers=seller.headers)
            name = f"Zanzibar{turn}"
            answers = await asyncio.gather(
                client.patch(f"{BOOKS}/{book['id']}", json={"is_active": True}, headers=seller.headers),
                client.patch(author, json={"name": name}, headers=moderator.headers),
            )
            assert [answer.status_code for answer in answers] == [200, 200]
            found = (await client.get(f"/api/v1/search?q={name}")).json()["items"]
            assert [one["id"] for one in found] == [book["id"]], turn
