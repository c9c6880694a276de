"""Making, listing, rotating and revoking API keys over HTTP."""

import asyncio
import hashlib
from datetime import UTC
from typing import Any

import httpx
import pytest
from dirty_equals import IsInt, IsNow, IsStr
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.api_keys.service import MOST_KEYS
from app.identity.permissions import Role
from tests.conftest import Audit, Caller, SignUp

from .conftest import BOOK, BOOKS, KEYS, ME, MakeKey, with_key

KEY = r"bk_[0-9A-Za-z]+_[0-9A-Za-z]{49}"


async def test_a_new_key_is_shown_once_and_kept_as_a_hash(
    client: httpx.AsyncClient, session: AsyncSession, seller: Caller
) -> None:
    body = {
        "name": " Warehouse import ",
        "scopes": ["items:write", "items:write"],
        "expires_at": "2099-12-31T00:00:00+02:00",
        "allowed_ips": ["127.0.0.1", "2001:DB8::/32", "127.0.0.1/32"],
    }
    answer = await client.post(KEYS, json=body, headers=seller.headers)
    made = answer.json()
    shown = {
        "id": IsInt(gt=0),
        "name": "Warehouse import",
        "hint": f"{made['api_key'][:-45]}…",
        "scopes": ["items:write"],
        "allowed_ips": ["127.0.0.1", "2001:db8::/32"],
        "created_at": IsNow(iso_string=True, tz=UTC, delta=60),
        "expires_at": "2099-12-30T22:00:00Z",
        "last_used_at": None,
        "replaced_by_id": None,
    }
    assert answer.status_code == 201
    assert made == {**shown, "api_key": IsStr(regex=KEY)}
    assert answer.headers["location"] == f"{KEYS}/{made['id']}"
    assert answer.headers["cache-control"] == "no-store"
    one = await client.get(f"{KEYS}/{made['id']}", headers=seller.headers)
    assert one.json() == shown
    assert one.headers["cache-control"] == "private, no-store"
    row = (await session.execute(text("SELECT * FROM api_keys"))).one()
    assert row.key_hash == hashlib.sha256(made["api_key"].encode()).digest()
    assert made["api_key"] not in str(row)


async def test_keys_are_listed_newest_first_in_pages(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, make_key: MakeKey
) -> None:
    for name in ("b", "a", "c"):
        await make_key(seller, name=name)
    await make_key(moderator, name="not the seller's")
    answer = await client.get(KEYS, params={"limit": 2, "sort": "name"}, headers=seller.headers)
    assert [key["name"] for key in answer.json()["items"]] == ["a", "b"]
    assert (answer.json()["total"], answer.json()["has_next"]) == (3, True)
    assert "api_key" not in answer.json()["items"][0]
    assert answer.headers["cache-control"] == "private, no-store"
    assert 'rel="next"' in answer.headers["link"]
    cursor = answer.json()["next_cursor"]
    rest = await client.get(
        KEYS, params={"limit": 2, "sort": "name", "cursor": cursor}, headers=seller.headers
    )
    assert [key["name"] for key in rest.json()["items"]] == ["c"]
    assert (await client.get(KEYS, params={"owner": 1}, headers=seller.headers)).status_code == 422


async def test_scopes_beyond_ones_own_are_refused_naming_them(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    scopes = ["items:write", "items:moderate", "catalog:manage"]
    answer = await client.post(KEYS, json={"name": "x", "scopes": scopes}, headers=seller.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")
    assert "catalog:manage, items:moderate" in answer.json()["detail"]
    assert "items:write" not in answer.json()["detail"]
    assert len(answer.json()["errors"]) == 2
    assert 'scope="catalog:manage items:moderate"' in answer.headers["www-authenticate"]


async def test_a_token_of_few_scopes_makes_no_key_of_more(
    client: httpx.AsyncClient, seller: Caller, make_key: MakeKey
) -> None:
    made = await make_key(seller)
    answer = await client.post(
        "/api/v1/auth/token",
        data={"username": seller.username, "password": "Correct-horse-1!", "scope": "nothing:at-all"},
    )
    narrow = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    generated = await client.post(f"{KEYS}/generate", headers=narrow)
    assert generated.json()["scopes"] == []
    refused = [
        await client.post(KEYS, json={"name": "x", "scopes": ["items:write"]}, headers=narrow),
        await client.post(f"{KEYS}/{made['id']}/rotate", headers=narrow),
    ]
    assert [answer.status_code for answer in refused] == [403, 403]


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "Default"}, "name"),
        ({"scopes": None}, "scopes"),
        ({"scopes": ["books:burn"]}, "scopes.0"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2099-01-01T00:00:00"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at"),
        ({"allowed_ips": ["localhost"]}, "allowed_ips.0"),
        ({"allowed_ips": ["10.0.0.300"]}, "allowed_ips.0"),
        ({"allowed_ips": ["10.0.0.5/8"]}, "allowed_ips.0"),
        ({"allowed_ips": ["fe80::1%eth0"]}, "allowed_ips.0"),
        ({"allowed_ips": ["10.0.0.1"] * 51}, "allowed_ips"),
        ({"user_id": 1}, "user_id"),
        ({"id": 1}, "id"),
        ({"api_key": "bk_mine"}, "api_key"),
    ],
)
async def test_a_malformed_key_is_refused_naming_the_field(
    client: httpx.AsyncClient, seller: Caller, bad: dict[str, Any], field: str
) -> None:
    body = {"name": "Import", "scopes": []} | bad
    answer = await client.post(KEYS, json=body, headers=seller.headers)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_revoked_key_is_gone_at_once(
    client: httpx.AsyncClient, seller: Caller, make_key: MakeKey
) -> None:
    made = await make_key(seller)
    assert (await client.get(ME, headers=with_key(made))).status_code == 200
    assert (await client.delete(f"{KEYS}/{made['id']}", headers=seller.headers)).status_code == 204
    refused = await client.get(ME, headers=with_key(made))
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid-api-key")
    assert (await client.get(KEYS, headers=seller.headers)).json()["total"] == 0
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate")):
        again = await client.request(method, f"{KEYS}/{made['id']}{path}", headers=seller.headers)
        assert (again.status_code, again.json()["code"]) == (404, "api-key-not-found")


async def test_anothers_key_is_not_found(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp, make_key: MakeKey
) -> None:
    made = await make_key(seller)
    stranger = await sign_up(Role.SUPER_ADMIN)
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate")):
        answer = await client.request(method, f"{KEYS}/{made['id']}{path}", headers=stranger.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "api-key-not-found")
    assert (await client.get(ME, headers=with_key(made))).status_code == 200


async def test_a_key_neither_makes_nor_manages_keys(
    client: httpx.AsyncClient, seller: Caller, make_key: MakeKey
) -> None:
    made = await make_key(seller)
    calls = [
        ("GET", KEYS),
        ("POST", KEYS),
        ("POST", f"{KEYS}/generate"),
        ("DELETE", f"{KEYS}/revoke"),
        ("GET", f"{KEYS}/{made['id']}"),
        ("DELETE", f"{KEYS}/{made['id']}"),
        ("POST", f"{KEYS}/{made['id']}/rotate"),
    ]
    for method, path in calls:
        answer = await client.request(method, path, headers=with_key(made))
        assert (answer.status_code, answer.json()["code"]) == (403, "session-required"), (method, path)
        assert (await client.request(method, path)).status_code == 401


async def test_making_rotating_and_revoking_are_audited_without_the_key(
    client: httpx.AsyncClient, audit: Audit, seller: Caller, make_key: MakeKey
) -> None:
    made = await make_key(seller)
    new = (await client.post(f"{KEYS}/{made['id']}/rotate", headers=seller.headers)).json()
    await client.delete(f"{KEYS}/{new['id']}", headers=seller.headers)
    rows = await audit()
    assert [(row["action"], row["target"], row["target_id"], row["actor_id"]) for row in rows] == [
        ("api_key.created", "api_key", str(made["id"]), seller.id),
        ("api_key.created", "api_key", str(new["id"]), seller.id),
        ("api_key.rotated", "api_key", str(made["id"]), seller.id),
        ("api_key.revoked", "api_key", str(new["id"]), seller.id),
    ]
    assert rows[0]["changes"]["scopes"] == [None, "items:write"]
    assert made["api_key"][-49:] not in str(rows)


async def test_what_a_key_writes_is_audited_with_the_key(
    client: httpx.AsyncClient, audit: Audit, moderator: Caller, make_key: MakeKey
) -> None:
    made = await make_key(moderator)
    answer = await client.post(BOOKS, json=BOOK, headers=with_key(made))
    assert answer.status_code == 201
    assert answer.json()["owner_id"] == moderator.id
    entries = [entry for entry in await audit() if entry["action"] != "api_key.created"]
    assert {entry["api_key_id"] for entry in entries} <= {made["id"]}


async def test_an_account_has_a_limited_number_of_keys_however_many_ask_at_once(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    owner = await live_sign_up()
    async with live_app.state.database.sessions.begin() as arranging:
        await arranging.execute(
            text(
                "INSERT INTO api_keys (user_id, name, hint, key_hash, scopes)"
                " SELECT :owner, 'x', 'x', decode(lpad(n::text, 4, '0'), 'hex'), '{}'"
                " FROM generate_series(1, :there) AS n"
            ),
            {"owner": owner.id, "there": MOST_KEYS - 1},
        )
    body = {"name": "x", "scopes": []}
    answers = await asyncio.gather(
        *(live_client.post(KEYS, json=body, headers=owner.headers) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    full = await live_client.post(f"{KEYS}/generate", headers=owner.headers)
    assert (full.status_code, full.json()["code"]) == (409, "too-many-api-keys")


async def test_closing_an_account_ends_its_keys_for_good(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp, make_key: MakeKey
) -> None:
    made = await make_key(seller)
    admin = await sign_up(Role.ADMIN)
    account = f"/api/v1/admin/users/{seller.id}"
    assert (await client.post(f"{account}/deactivate", headers=admin.headers)).status_code == 200
    assert (await client.get("/api/v1/users/me", headers=with_key(made))).status_code == 401
    assert (await client.post(f"{account}/activate", headers=admin.headers)).status_code == 200
    refused = await client.get("/api/v1/users/me", headers=with_key(made))
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid-api-key")
