"""What staff do in the catalogue stands in the audit log, with the fields' old and new values."""

from typing import Any

import httpx

from app.identity.permissions import Role
from tests.conftest import Caller, SignUp


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
