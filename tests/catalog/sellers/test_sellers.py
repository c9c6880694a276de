"""Who sells, as everybody sees it, and what they sell."""

from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.permissions import Role
from tests.conftest import Caller, SignUp, change_account, client_of
from tests.factories import a_book, an_item

USERS = "/api/v1/users"
OWN = f"{USERS}/me/items"
ITEMS = "/api/v1/items"
BOOKS = "/api/v1/books"


async def ids(client: httpx.AsyncClient, path: str, caller: Caller | None = None, **query: Any) -> list[int]:
    answer = await client.get(path, params=query, headers=caller.headers if caller else {})
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_a_profile_shows_name_beginning_and_offers_and_nothing_else(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await a_book(client, seller)
    await an_item(client, seller)
    answer = await client.get(f"{USERS}/{seller.id}")
    assert answer.status_code == 200
    me = (await client.get(f"{USERS}/me", headers=seller.headers)).json()
    assert answer.json() == {
        "id": seller.id,
        "username": seller.username,
        "member_since": me["created_at"],
        "offers": 2,
    }
    assert answer.headers["cache-control"].startswith("public")
    again = await client.get(f"{USERS}/{seller.id}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_nobody_has_a_profile_without_an_open_account(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    await change_account(session, seller.id, is_active=False)
    for number in (seller.id, 2**62):
        missing = await client.get(f"{USERS}/{number}")
        assert (missing.status_code, missing.json()["code"]) == (404, "user-not-found")
    assert (await client.get(f"{USERS}/0")).status_code == 422
    assert (await client.get(f"{USERS}/me")).status_code == 401


async def test_a_kept_profile_changes_with_what_is_sold_and_goes_with_the_account(
    live_app: FastAPI, live_sign_up: SignUp
) -> None:
    caller, admin = await live_sign_up(), await live_sign_up(Role.ADMIN)
    path = f"{USERS}/{caller.id}"
    async with client_of(live_app) as client:
        assert (await client.get(path)).json()["offers"] == 0
        book = await a_book(client, caller)
        assert (await client.get(path)).json()["offers"] == 1
        await client.delete(f"{BOOKS}/{book['id']}", headers=admin.headers)
        assert (await client.get(path)).json()["offers"] == 0
        closed = await client.delete(f"{USERS}/me", headers=caller.headers)
        assert closed.status_code == 204
        assert (await client.get(path)).status_code == 404
        opened = await client.post(f"/api/v1/admin/users/{caller.id}/activate", headers=admin.headers)
        assert opened.is_success, opened.text
        assert (await client.get(path)).json()["username"] == caller.username


async def test_own_items_are_those_of_the_caller_with_filters_and_cursor(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    other = await sign_up()
    pen = await an_item(client, seller, "Pen")
    book = await a_book(client, seller, "Atlas")
    foreign = await an_item(client, other, "Brush")
    assert await ids(client, OWN, seller) == [book["id"], pen["id"]]
    assert await ids(client, OWN, seller, kind="book") == [book["id"]]
    assert await ids(client, OWN, seller, search="pen") == [pen["id"]]
    assert await ids(client, OWN, other) == [foreign["id"]]
    first = await client.get(OWN, params={"limit": 1}, headers=seller.headers)
    assert first.headers["cache-control"] == "private, no-store"
    cursor = first.json()["next_cursor"]
    assert await ids(client, OWN, seller, limit=1, cursor=cursor) == [pen["id"]]
    stolen = await client.get(OWN, params={"cursor": cursor}, headers=other.headers)
    assert (stolen.status_code, stolen.json()["code"]) == (422, "invalid-cursor")
    assert (await client.get(OWN)).status_code == 401
    named = await client.get(OWN, params={"owner_id": other.id}, headers=seller.headers)
    assert named.status_code == 422


async def test_lists_and_facets_are_cut_to_an_owner(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    other = await sign_up()
    pen = await an_item(client, seller, "Pen")
    mine, second = await a_book(client, seller, "Atlas", language="de"), await a_book(client, seller, "Zoo")
    await a_book(client, other, "Bestiary")
    assert await ids(client, ITEMS, owner_id=seller.id) == [mine["id"], pen["id"], second["id"]]
    assert await ids(client, BOOKS, owner_id=seller.id) == [mine["id"], second["id"]]
    assert await ids(client, BOOKS, owner_id=seller.id, language="de") == [mine["id"]]
    facets = (await client.get(f"{BOOKS}/facets", params={"owner_id": seller.id})).json()
    assert facets["total"] == 2
    assert await ids(client, BOOKS, owner_id=2**62) == []
    for path in (ITEMS, BOOKS):
        page = await client.get(path, params={"owner_id": seller.id, "limit": 1})
        cursor = page.json()["next_cursor"]
        assert (await client.get(path, params={"owner_id": seller.id, "cursor": cursor})).status_code == 200
        moved = await client.get(path, params={"owner_id": other.id, "cursor": cursor})
        assert (moved.status_code, moved.json()["code"]) == (422, "invalid-cursor")
        for wrong in ("0", "x", str(2**63)):
            assert (await client.get(path, params={"owner_id": wrong})).status_code == 422
