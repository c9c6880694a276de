"""Rotating API keys, and the default key, over HTTP."""

import asyncio
from datetime import datetime, timedelta

import httpx
import time_machine
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from tests.conftest import Caller, SignUp, change_account

from .conftest import KEYS, ME, MakeKey, make_key, with_key


async def test_after_a_rotation_the_old_key_works_until_the_overlap_ends(
    client: httpx.AsyncClient, seller: Caller, make_key: MakeKey
) -> None:
    old = await make_key(seller, allowed_ips=["127.0.0.1"])
    rotated = await client.post(
        f"{KEYS}/{old['id']}/rotate", json={"overlap_seconds": 600}, headers=seller.headers
    )
    new = rotated.json()
    assert rotated.status_code == 201
    assert rotated.headers["location"] == f"{KEYS}/{new['id']}"
    kept = ("name", "scopes", "allowed_ips", "expires_at")
    assert {name: new[name] for name in kept} == {name: old[name] for name in kept}
    assert new["api_key"] != old["api_key"]
    shown = (await client.get(f"{KEYS}/{old['id']}", headers=seller.headers)).json()
    assert shown["replaced_by_id"] == new["id"]
    assert shown["expires_at"] is not None
    for key in (old, new):
        assert (await client.get(ME, headers=with_key(key))).status_code == 200
    with time_machine.travel(utc_now() + timedelta(seconds=601), tick=True):
        refused = await client.get(ME, headers=with_key(old))
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid-api-key")
        assert "expired" in refused.json()["detail"]
        assert (await client.get(ME, headers=with_key(new))).status_code == 200


async def test_a_key_is_replaced_once_and_without_overlap_at_once(
    client: httpx.AsyncClient, seller: Caller, make_key: MakeKey
) -> None:
    old = await make_key(seller)
    path = f"{KEYS}/{old['id']}/rotate"
    assert (await client.get(ME, headers=with_key(old))).status_code == 200
    assert (await client.post(path, json={"overlap_seconds": 0}, headers=seller.headers)).status_code == 201
    assert (await client.get(ME, headers=with_key(old))).status_code == 401
    again = await client.post(path, headers=seller.headers)
    assert (again.status_code, again.json()["code"]) == (409, "api-key-replaced")
    for seconds in (-1, 7 * 86_400 + 1, None, "soon"):
        bad = await client.post(path, json={"overlap_seconds": seconds}, headers=seller.headers)
        assert bad.status_code == 422


async def test_a_rotated_key_lives_as_long_as_the_old_one_did_and_loses_what_the_role_lost(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, moderator: Caller, make_key: MakeKey
) -> None:
    expires_at = (utc_now() + timedelta(days=30)).isoformat()
    old = await make_key(moderator, scopes=["catalog:manage", "items:write"], expires_at=expires_at)
    await change_account(session, moderator.id, role="user")
    await session.execute(text("UPDATE api_keys SET created_at = created_at - interval '10 days'"))
    app.state.cache.connection_changed()
    await app.state.redis.flushdb()
    new = (await client.post(f"{KEYS}/{old['id']}/rotate", headers=moderator.headers)).json()
    assert new["scopes"] == ["items:write"]
    lifetime = datetime.fromisoformat(new["expires_at"]) - datetime.fromisoformat(new["created_at"])
    assert timedelta(days=39, hours=23) < lifetime < timedelta(days=40, hours=1)


async def test_generate_makes_the_one_default_key_and_revoke_ends_it(
    client: httpx.AsyncClient, moderator: Caller, make_key: MakeKey
) -> None:
    other = await make_key(moderator)
    nothing = await client.delete(f"{KEYS}/revoke", headers=moderator.headers)
    assert (nothing.status_code, nothing.json()["code"]) == (404, "api-key-not-found")
    first = (await client.post(f"{KEYS}/generate", headers=moderator.headers)).json()
    answer = await client.post(f"{KEYS}/generate", headers=moderator.headers)
    second = answer.json()
    assert answer.status_code == 201
    assert second["name"] == "default"
    assert second["scopes"] == [
        "catalog:manage",
        "catalog:transfer",
        "inventory:count",
        "inventory:manage",
        "inventory:read",
        "items:moderate",
        "items:write",
        "orders:manage",
        "orders:read",
        "orders:write",
        "profile:read",
        "profile:write",
        "till:sell",
    ]
    assert (await client.get(ME, headers=with_key(first))).status_code == 401
    assert (await client.get(ME, headers=with_key(second))).status_code == 200
    rotated = await client.post(f"{KEYS}/{second['id']}/rotate", headers=moderator.headers)
    assert (await client.delete(f"{KEYS}/revoke", headers=moderator.headers)).status_code == 204
    assert (await client.get(ME, headers=with_key(second))).status_code == 401
    assert (await client.get(ME, headers=with_key(rotated.json()))).status_code == 401
    assert (await client.get(ME, headers=with_key(other))).status_code == 200


async def test_of_many_generated_at_once_one_works(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    owner = await live_sign_up()
    answers = await asyncio.gather(
        *(live_client.post(f"{KEYS}/generate", headers=owner.headers) for _ in range(5))
    )
    assert [answer.status_code for answer in answers] == [201] * 5
    tried = [await live_client.get(ME, headers=with_key(answer.json())) for answer in answers]
    assert sorted(answer.status_code for answer in tried) == [200, 401, 401, 401, 401]


async def test_of_many_rotations_at_once_one_wins(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    owner = await live_sign_up()
    made = await make_key(live_client, owner)
    path = f"{KEYS}/{made['id']}/rotate"
    answers = await asyncio.gather(*(live_client.post(path, headers=owner.headers) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
