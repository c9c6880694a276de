"""The edition statement: sent, changed, shown, found and audited."""

import httpx
import pytest

from app.identity.permissions import Role
from tests.conftest import Caller, SignUp

BOOKS = "/api/v1/books"
STATEMENT = "Second edition, revised"


async def add(client: httpx.AsyncClient, seller: Caller, title: str, **fields: object) -> dict[str, object]:
    answer = await client.post(BOOKS, json={"title": title, "price": 9, **fields}, headers=seller.headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_statement_is_set_shown_and_emptied(client: httpx.AsyncClient, seller: Caller) -> None:
    book = await add(client, seller, "Opticks", edition_statement="  First edition ")
    path = f"{BOOKS}/{book['id']}"
    assert (await client.get(path)).json()["edition_statement"] == "First edition"
    for value in (STATEMENT, None):
        answer = await client.patch(path, json={"edition_statement": value}, headers=seller.headers)
        assert (answer.status_code, answer.json()["edition_statement"]) == (200, value)
        assert (await client.get(path)).json()["edition_statement"] == value
    shown = await client.get(path, params={"fields": "edition_statement"})
    assert shown.json() == {"id": book["id"], "edition_statement": None}


@pytest.mark.parametrize("value", ["x" * 201, "two\nlines", "bell\u0007", "nul\u0000", "", " ", 2])
async def test_a_statement_that_is_no_short_line_is_refused(
    client: httpx.AsyncClient, seller: Caller, value: object
) -> None:
    book = await add(client, seller, "Opticks", edition_statement=STATEMENT)
    path = f"{BOOKS}/{book['id']}"
    answer = await client.patch(path, json={"edition_statement": value}, headers=seller.headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "edition_statement")
    assert (await client.get(path)).json()["edition_statement"] == STATEMENT


async def test_json_ld_holds_the_statement(client: httpx.AsyncClient, seller: Caller) -> None:
    book = await add(client, seller, "Opticks", edition_statement=STATEMENT)
    answer = await client.get(f"{BOOKS}/{book['id']}", headers={"Accept": "application/ld+json"})
    assert answer.json()["bookEdition"] == STATEMENT


async def test_a_moderators_change_is_audited(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    book = await add(client, seller, "Opticks")
    change = {"edition_statement": STATEMENT}
    await client.patch(f"{BOOKS}/{book['id']}", json=change, headers=moderator.headers)
    admin = await sign_up(Role.ADMIN)
    answer = await client.get("/api/v1/admin/audit", params={"target": "item"}, headers=admin.headers)
    changes = {entry["action"]: entry["changes"] for entry in answer.json()["items"]}
    assert changes["item.book_changed"] == {"edition_statement": [None, STATEMENT]}


async def test_searches_find_the_statement_after_everything_else(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await add(client, seller, "A", edition_statement="Cobalt edition")
    await add(client, seller, "B", subtitle="Cobalt")
    await add(client, seller, "C", series="Cobalt")
    await add(client, seller, "D of cobalt")
    answer = await client.get("/api/v1/search", params={"q": "cobalt"})
    assert [one["title"] for one in answer.json()["items"]] == ["D of cobalt", "C", "B", "A"]
    assert answer.json()["items"][-1]["snippet"] == "<b>Cobalt</b> edition"
