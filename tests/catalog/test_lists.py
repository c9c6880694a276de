"""What every list promises: windows, cursors, Link, unknown parameters, bounds."""

import httpx
import pytest

from devstack import Servers
from tests.conftest import (
    PUBLIC_URL,
    Caller,
    DatabaseMaker,
    client_of,
    make_account,
    running_app,
    settings_for,
)

ITEMS = "/api/v1/items"
LINKED = f"{PUBLIC_URL}{ITEMS}"


async def fill(client: httpx.AsyncClient, seller: Caller, count: int = 7) -> list[int]:
    ids = []
    for number in range(count):
        body = {"title": f"Item {number:02}", "price": 1 + number // 3}
        ids.append((await client.post(ITEMS, json=body, headers=seller.headers)).json()["id"])
    return ids


async def test_a_page_says_where_it_stands(client: httpx.AsyncClient, seller: Caller) -> None:
    ids = await fill(client, seller)
    answer = await client.get(f"{ITEMS}?skip=2&limit=2")
    page = answer.json()
    assert [item["id"] for item in page.pop("items")] == ids[2:4]
    assert page.pop("next_cursor")
    assert page == {
        "total": 7,
        "total_is_estimate": False,
        "skip": 2,
        "limit": 2,
        "page": 2,
        "total_pages": 4,
        "has_next": True,
        "has_previous": True,
    }
    assert answer.headers["link"] == (
        f'<{LINKED}?skip=0&limit=2>; rel="first", <{LINKED}?skip=0&limit=2>; rel="prev", '
        f'<{LINKED}?skip=4&limit=2>; rel="next", <{LINKED}?skip=6&limit=2>; rel="last"'
    )


async def test_an_empty_list_and_a_page_beyond_the_end_are_empty_pages(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    empty = (await client.get(ITEMS)).json()
    assert (empty["items"], empty["total"], empty["total_pages"], empty["has_next"]) == ([], 0, 0, False)
    await fill(client, seller, 3)
    beyond = (await client.get(f"{ITEMS}?skip=100")).json()
    assert (beyond["items"], beyond["total"], beyond["has_next"], beyond["has_previous"]) == (
        [],
        3,
        False,
        True,
    )


@pytest.mark.parametrize("sort", ["title", "-title", "price,-title", "-price", "created_at", "-created_at"])
async def test_cursors_walk_every_row_once_in_the_order_of_the_list(
    client: httpx.AsyncClient, seller: Caller, sort: str
) -> None:
    await fill(client, seller)
    whole = [item["id"] for item in (await client.get(f"{ITEMS}?sort={sort}")).json()["items"]]
    walked: list[int] = []
    cursor = None
    while True:
        parameters = {"sort": sort, "limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await client.get(ITEMS, params=parameters)).json()
        assert page["skip"] == len(walked)
        walked += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert walked == whole
    assert len(walked) == 7


@pytest.mark.parametrize("path", [ITEMS, "/api/v1/books"])
@pytest.mark.parametrize("sort", ["price", "-price", "price,-title", "-price,title"])
async def test_what_has_no_price_comes_last_whichever_way_prices_are_sorted(
    client: httpx.AsyncClient, seller: Caller, path: str, sort: str
) -> None:
    prices = (None, 3, None, 1_000_000, 0.01, None)
    for number, price in enumerate(prices):
        body = {"title": f"Book {number}", "author": "Ann", "price": price or 1}
        made = await client.post(path, json=body, headers=seller.headers)
        answer = await client.patch(
            f"{path}/{made.json()['id']}", json={"price": price}, headers=seller.headers
        )
        assert answer.status_code == 200, answer.text
    walked: list[float | None] = []
    query = f"sort={sort}&limit=2"
    while True:
        page = (await client.get(f"{path}?{query}")).json()
        walked += [item["price"] for item in page["items"]]
        if not page["has_next"]:
            break
        query = f"sort={sort}&limit=2&cursor={page['next_cursor']}"
    priced = sorted((price for price in prices if price), reverse=sort.startswith("-"))
    assert walked == [*priced, None, None, None]


async def test_a_cursor_stays_steady_while_rows_come_and_go(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    ids = await fill(client, seller)
    first = (await client.get(f"{ITEMS}?limit=3")).json()
    await client.delete(f"{ITEMS}/{ids[0]}", headers=seller.headers)
    await client.post(ITEMS, json={"title": "Item 00 again", "price": 1}, headers=seller.headers)
    second = (await client.get(f"{ITEMS}?limit=3&cursor={first['next_cursor']}")).json()
    assert [item["id"] for item in second["items"]] == ids[3:6]


async def test_a_cursor_of_other_filters_or_of_nobody_is_refused(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await fill(client, seller)
    cursor = (await client.get(f"{ITEMS}?limit=2&sort=price")).json()["next_cursor"]
    for query in (
        f"limit=2&cursor={cursor}",
        f"limit=2&sort=price&max_price=9&cursor={cursor}",
        f"limit=2&sort=price&cursor={cursor[:-2]}AA",
        "cursor=x",
        "cursor=%F0%9F%92%A9",
        "cursor=",
    ):
        answer = await client.get(f"{ITEMS}?{query}")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-cursor"), query
        assert answer.json()["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("skip=-1", "skip"),
        ("skip=10001", "skip"),
        ("unknown=1", "unknown"),
        ("sort=colour", "sort.0"),
        ("sort=title,-title", "sort"),
        ("min_price=-1", "min_price"),
        ("min_price=NaN", "min_price"),
        ("in_stock=perhaps", "in_stock"),
        ("kind=car", "kind"),
        ("search=", "search"),
        ("search=%00", "search"),
        (f"search={'x' * 201}", "search"),
        ("min_price=3&max_price=2", "query"),
        ("skip=1&cursor=x", "query"),
    ],
)
async def test_bad_parameters_are_refused_by_name(client: httpx.AsyncClient, query: str, field: str) -> None:
    answer = await client.get(f"{ITEMS}?{query}")
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_the_furthest_window_is_allowed(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{ITEMS}?skip=10000&limit=100")).status_code == 200


async def test_link_leads_on_by_cursor_whoever_came_by_cursor(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    ids = await fill(client, seller)
    address = f"{ITEMS}?sort=title&limit=3"
    cursor = (await client.get(address)).json()["next_cursor"]
    walked = ids[:3]
    second = await client.get(f"{address}&cursor={cursor}")
    assert set(second.links) == {"first", "next"}
    assert second.links["first"]["url"] == f"{LINKED}?sort=title&limit=3&skip=0"
    # What goes meanwhile moves nothing.
    await client.delete(f"{ITEMS}/{ids[0]}", headers=seller.headers)
    walked += [item["id"] for item in second.json()["items"]]
    url = second.links["next"]["url"]
    assert url.startswith(f"{LINKED}?sort=title&limit=3&cursor=")
    third = await client.get(url.removeprefix(PUBLIC_URL))
    assert walked + [item["id"] for item in third.json()["items"]] == ids
    assert set(third.links) == {"first"}


async def test_link_is_of_the_public_address_and_never_of_the_host_that_was_asked(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await fill(client, seller, 3)
    for _ in range(2):
        answer = await client.get(f"{ITEMS}?limit=2", headers={"X-Forwarded-Host": "evil.example.com"})
        assert {link["url"].partition("?")[0] for link in answer.links.values()} == {LINKED}


async def test_link_keeps_the_filters(client: httpx.AsyncClient, seller: Caller) -> None:
    await fill(client, seller)
    answer = await client.get(f"{ITEMS}?search=Item 0&limit=2")
    assert f'<{LINKED}?search=Item+0&limit=2&skip=2>; rel="next"' in answer.headers["link"]


async def test_searches_of_strangers_are_limited_and_those_of_users_are_not(
    servers: Servers, make_database: DatabaseMaker
) -> None:
    with make_database() as url:
        settings = settings_for(servers, url, rate_limit={"factor": 1, "search": "2/minute"})
        async with running_app(settings) as app, client_of(app, "192.0.2.50") as client:
            async with app.state.database.sessions.begin() as arranging:
                caller = await make_account(app, arranging)
            path = "/api/v1/books?search=tolkien"
            strangers = [{}, {"Authorization": "Bearer forged"}, {"X-API-Key": "forged"}]
            answers = [await client.get(path, headers=headers) for headers in strangers]
            assert [answer.status_code for answer in answers] == [200, 200, 429]
            assert answers[0].headers["ratelimit-policy"] == '"search";q=2;w=60'
            for _ in range(3):
                assert (await client.get(path, headers=caller.headers)).status_code == 200
            assert (await client.get("/api/v1/books")).status_code == 200
            for refused in ("authors", "authors/1/books", "categories/x/books", "works", "series", "items"):
                answer = await client.get(f"/api/v1/{refused}?search=tolkien")
                assert (refused, answer.status_code) == (refused, 429)


async def test_searches_of_a_browser_that_is_logged_in_are_not_those_of_a_stranger(
    servers: Servers, make_database: DatabaseMaker
) -> None:
    with make_database() as url:
        settings = settings_for(servers, url, rate_limit={"factor": 1, "search": "2/minute"})
        async with running_app(settings) as app, client_of(app, "192.0.2.51") as client:
            async with app.state.database.sessions.begin() as arranging:
                caller = await make_account(app, arranging)
            token = caller.headers["Authorization"].removeprefix("Bearer ")
            path = "/api/v1/books?search=tolkien"
            for _ in range(4):
                answer = await client.get(path, headers={"Cookie": f"__Host-access_token={token}"})
                assert answer.status_code == 200
                assert answer.headers["ratelimit-policy"] == '"read";q=300;w=60'
            forged = [
                await client.get(path, headers={"Cookie": "__Host-access_token=forged"}) for _ in range(3)
            ]
            assert [answer.status_code for answer in forged] == [200, 200, 429]
            # A token that is worth nothing is not made good by the cookie beside it.
            both = {"Cookie": f"__Host-access_token={token}", "Authorization": "Bearer forged"}
            assert (await client.get(path, headers=both)).status_code == 429


async def test_link_keeps_every_value_of_a_repeated_filter(client: httpx.AsyncClient, seller: Caller) -> None:
    for tags in (["pen", "blue"], ["pen", "blue"], ["blue"]):
        body = {"title": "Ink", "price": 1, "kind": "stationery", "tags": tags}
        await client.post(ITEMS, json=body, headers=seller.headers)
    first = await client.get(f"{ITEMS}?tags=pen&tags=blue&limit=1")
    assert f'<{LINKED}?tags=pen&tags=blue&limit=1&skip=1>; rel="next"' in first.headers["link"]
    second = await client.get(f"{ITEMS}?tags=blue&tags=pen&limit=1&skip=1")
    following = await client.get(first.links["next"]["url"].removeprefix(PUBLIC_URL))
    assert following.json()["total"] == second.json()["total"] == 2
