"""What staff do in the catalogue stands in the audit log, with the fields' old and new values."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from app.identity.permissions import Role
from tests.conftest import Caller, SignUp
from tests.factories import made


async def log_of(client: httpx.AsyncClient, admin: Caller, target: str) -> list[tuple[str, Any]]:
    answer = await client.get(f"/api/v1/admin/audit?target={target}", headers=admin.headers)
    entries = answer.raise_for_status().json()["items"]
    return [(entry["action"], entry["changes"]) for entry in reversed(entries)]


async def test_edits_of_other_peoples_goods_are_audited_and_own_ones_are_not(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    body = {"title": "T", "price": 1, "pages": 10}
    path = f"/api/v1/books/{(await client.post('/api/v1/books', json=body, headers=seller.headers)).json()['id']}"
    await client.patch(path, json={"price": 2}, headers=seller.headers)
    await client.patch(path, json={"price": 3, "pages": 11}, headers=moderator.headers)
    await client.delete(path, headers=moderator.headers)
    admin = await sign_up(Role.ADMIN)
    assert await log_of(client, admin, "item") == [
        ("item.changed", {"price": ["2.00", "3"]}),
        ("item.book_changed", {"pages": [10, 11]}),
        ("item.deleted", {"title": ["T", None]}),
    ]


async def test_edits_of_authors_and_categories_are_audited(
    client: httpx.AsyncClient, moderator: Caller, sign_up: SignUp
) -> None:
    headers, admin = moderator.headers, await sign_up(Role.ADMIN)
    for resource in ("authors", "categories"):
        made = await client.post(f"/api/v1/{resource}", json={"name": "Old"}, headers=headers)
        path = f"/api/v1/{resource}/{made.json()['id']}"
        assert (await client.patch(path, json={"name": "New"}, headers=headers)).status_code == 200
        assert (await client.delete(path, headers=headers)).status_code == 204
    assert await log_of(client, admin, "author") == [
        ("author.created", {"name": [None, "Old"]}),
        ("author.changed", {"name": ["Old", "New"], "sort_name": ["Old", "New"]}),
        ("author.deleted", {"name": ["New", None]}),
    ]
    assert await log_of(client, admin, "category") == [
        ("category.created", {"path": [None, "old"]}),
        ("category.changed", {"name": ["Old", "New"]}),
        ("category.deleted", {"path": ["old", None]}),
    ]


BOOK = {
    "title": "Emma",
    "description": None,
    "price": 8.5,
    "quantity": 2,
    "sku": "BK-0001",
    "tags": ["a", "b"],
    "isbn": "9780141439587",
    "pages": 10,
    "published_on": "1815-12",
    "series": "Novels",
    "series_position": "4",
    "subjects": [{"scheme": "thema", "code": "FBC"}],
    "contributors": [{"name": "Jane Austen", "role": "author"}, {"name": "Fiona Stafford", "role": "editor"}],
}
TERMS = {"terms": ["uk", "united kingdom"], "finds": ["britain"]}


async def test_edits_that_change_nothing_are_not_audited(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    headers, admin = moderator.headers, await sign_up(Role.ADMIN)
    shelf = await made(client, moderator, "/api/v1/categories", {"name": "Classics"})
    body = {**BOOK, "category_ids": [shelf["id"]]}
    book = await made(client, seller, "/api/v1/books", body)
    item, author_id = f"/api/v1/items/{book['id']}", book["contributors"][0]["author_id"]
    plan = {"price": 8, "starts_at": "2040-01-01T00:00:00Z", "ends_at": "2040-01-02T00:00:00Z"}
    planned = await made(client, seller, f"{item}/price-schedules", plan)
    synonym = await made(client, moderator, "/api/v1/admin/search/synonyms", TERMS)
    named = {"name": "Jane Austen", "sort_name": "Austen, Jane", "aliases": []}
    same: dict[str, Sequence[Mapping[str, object]]] = {
        f"/api/v1/books/{book['id']}": [body, *({name: value} for name, value in body.items())],
        item: [{"price": 8.5}, {"quantity": 2}, {"tags": ["a", "b"]}],
        f"{item}/price-schedules/{planned['id']}": [plan, {"price": 8}],
        f"/api/v1/admin/search/synonyms/{synonym['id']}": [TERMS, {"finds": TERMS["finds"]}],
        f"/api/v1/authors/{author_id}": [named, {"name": "Jane Austen"}],
        f"/api/v1/categories/{shelf['id']}": [{"name": "Classics"}, {"parent_id": None}],
        f"/api/v1/works/{book['work_id']}": [{"title": "Emma"}],
        f"/api/v1/series/{book['series_id']}": [{"name": "Novels"}],
    }
    before = await newest_entry(client, admin)
    for path, patches in same.items():
        for patch in patches:
            answer = await client.patch(path, json=patch, headers=headers)
            assert answer.status_code == 200, (path, patch, answer.text)
            assert await newest_entry(client, admin) == before, (path, patch)
    whole = await client.put(f"/api/v1/books/{book['id']}", json=body, headers=headers)
    assert whole.status_code == 200, whole.text
    assert await newest_entry(client, admin) == before


async def test_what_staff_change_of_a_book_stands_there_as_it_was_and_is_shown(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    book = await made(client, seller, "/api/v1/books", BOOK)
    path = f"/api/v1/books/{book['id']}"
    patch = {
        "quantity": 3,
        "author": "Jane Austen",
        "isbn": "9780141439600",
        "pages": 10,
        "published_on": "1815",
        "series": "Classics",
        "category_ids": [],
    }
    assert (await client.patch(path, json=patch, headers=moderator.headers)).status_code == 200
    jane, fiona = book["contributors"]
    assert await log_of(client, await sign_up(Role.ADMIN), "item") == [
        ("item.changed", {"quantity": [2, 3]}),
        (
            "item.book_changed",
            {
                "isbn": ["9780141439587", "9780141439600"],
                "contributors": [[jane, fiona], [jane]],
                "published_on": ["1815-12", "1815"],
                "series": ["Novels", "Classics"],
            },
        ),
    ]


async def newest_entry(client: httpx.AsyncClient, admin: Caller) -> dict[str, Any]:
    answer = await client.get("/api/v1/admin/audit?limit=1", headers=admin.headers)
    return dict(answer.raise_for_status().json()["items"][0])
