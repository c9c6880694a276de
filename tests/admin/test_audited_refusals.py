"""Failed logins, refreshes, refused access and exceeded limits stand in the audit log, and no secret does."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import time_machine
from fastapi import FastAPI

from app.core.clock import utc_now
from app.core.http.refusals import MOST_OF_ONE, MOST_OF_STRANGERS
from app.identity.permissions import Role
from devstack import Servers
from tests.conftest import (
    PASSWORD,
    Audit,
    Caller,
    SignUp,
    audit_entries,
    client_of,
    make_account,
    running_app,
    settings_for,
)

TOKEN = "/api/v1/auth/token"
TYPED = "Wrong-horse-1!"


async def log_in(client: httpx.AsyncClient, name: str, password: str) -> httpx.Response:
    return await client.post(TOKEN, data={"username": name, "password": password})


def reasons(entries: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(entry["target_id"], entry["changes"]["why"][1]) for entry in entries]


async def test_a_failed_login_names_the_account_and_nothing_that_was_typed(
    client: httpx.AsyncClient, seller: Caller, audit: Audit
) -> None:
    assert (await log_in(client, seller.username, TYPED)).status_code == 401
    assert (await log_in(client, "a-secret-in-the-wrong-field", TYPED)).status_code == 401
    known, unknown = await audit(action="login.failed")
    assert (known["target"], known["target_id"], known["actor_id"]) == ("user", str(seller.id), None)
    assert (unknown["target"], unknown["target_id"], unknown["actor_id"]) == ("user", "unknown", None)
    assert known["ip"] == "127.0.0.1"
    everything = str(await audit())
    assert TYPED not in everything
    assert "a-secret-in-the-wrong-field" not in everything


async def test_a_refresh_is_an_entry_of_its_session(
    client: httpx.AsyncClient, seller: Caller, audit: Audit
) -> None:
    tokens = (await log_in(client, seller.username, PASSWORD)).json()
    refreshed = await client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 200
    [opened], [entry] = await audit(action="session.opened"), await audit(action="session.refreshed")
    assert (entry["target"], entry["target_id"]) == ("session", opened["target_id"])
    assert entry["actor_id"] == seller.id
    assert refreshed.json()["refresh_token"] not in str(await audit())


async def test_what_a_known_caller_is_refused_stands_in_the_log(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp, audit: Audit
) -> None:
    other = await sign_up()
    made = await client.post(
        "/api/v1/api-keys", json={"name": "till", "scopes": ["profile:write"]}, headers=seller.headers
    )
    key = {"X-API-Key": made.json()["api_key"]}
    item = await client.post("/api/v1/items", json={"title": "Pen", "price": 1}, headers=other.headers)
    refused = [
        await client.get("/api/v1/admin/users", headers=seller.headers),
        await client.post("/api/v1/items", json={"title": "Pen", "price": 1}, headers=key),
        await client.patch("/api/v1/users/me", json={"first_name": "Eve"}, headers=key),
        await client.delete(f"/api/v1/items/{item.json()['id']}", headers=seller.headers),
    ]
    assert [answer.json()["code"] for answer in refused] == [
        "insufficient-scope",
        "insufficient-scope",
        "session-required",
        "not-your-item",
    ]
    entries = await audit(action="access.refused", actor_id=seller.id)
    assert reasons(entries) == [
        ("GET /api/v1/admin/users", "insufficient-scope"),
        ("POST /api/v1/items", "insufficient-scope"),
        ("PATCH /api/v1/users/me", "session-required"),
        ("DELETE /api/v1/items/{item_id}", "not-your-item"),
    ]
    assert [entry["api_key_id"] is None for entry in entries] == [True, False, False, True]
    assert all(entry["target"] == "operation" for entry in entries)
    assert made.json()["api_key"] not in str(await audit())


async def test_a_missing_fresh_proof_is_a_refusal_as_well(
    client: httpx.AsyncClient, seller: Caller, audit: Audit
) -> None:
    tokens = (await log_in(client, seller.username, PASSWORD)).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    with time_machine.travel(utc_now() + timedelta(minutes=6)):
        answer = await client.delete("/api/v1/users/me", headers=headers)
    assert answer.json()["code"] == "step-up-required"
    [entry] = await audit(action="access.refused", actor_id=seller.id)
    assert reasons([entry]) == [("DELETE /api/v1/users/me", "step-up-required")]


async def test_strangers_and_allowed_requests_leave_no_entry(
    client: httpx.AsyncClient, seller: Caller, audit: Audit
) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"X-API-Key": "nonsense"}):
        assert (await client.get("/api/v1/users/me", headers=headers)).status_code == 401
    assert (await client.get("/api/v1/users/me", headers=seller.headers)).status_code == 200
    assert await audit(action="access.refused") == []


async def test_one_refusal_is_kept_once_a_minute_and_few_of_one_account(
    app: FastAPI, client: httpx.AsyncClient, seller: Caller, audit: Audit
) -> None:
    async def ask(method: str = "GET", path: str = "/api/v1/admin/users") -> None:
        answer = await client.request(method, path, headers=seller.headers)
        assert answer.json()["code"] == "insufficient-scope", answer.text

    for _ in range(3):
        await ask()
    assert len(await audit(action="access.refused", actor_id=seller.id)) == 1
    with time_machine.travel(utc_now() + timedelta(seconds=61)):
        await ask()
    assert len(await audit(action="access.refused", actor_id=seller.id)) == 2
    with time_machine.travel(utc_now() + timedelta(seconds=130)):
        for number in range(MOST_OF_ONE + 5):
            async with client_of(app, f"198.51.100.{number}") as another:
                await another.get("/api/v1/admin/users", headers=seller.headers)
    assert len(await audit(action="access.refused", actor_id=seller.id)) == 2 + MOST_OF_ONE


async def test_an_exceeded_limit_is_kept_once_for_each_client_and_few_for_all_strangers(
    servers: Servers, empty_database_url: str
) -> None:
    settings = settings_for(servers, empty_database_url, rate_limit={"username_check": "1/minute"})
    path = "/api/v1/users/check-username/ada"
    async with running_app(settings) as app:
        async with app.state.database.sessions.begin() as arranging:
            admin = await make_account(app, arranging, Role.ADMIN)
        for number in range(MOST_OF_STRANGERS + 3):
            async with client_of(app, f"198.51.100.{number}") as client:
                answers = [await client.get(path) for _ in range(3)]
                assert [answer.status_code for answer in answers] == [200, 429, 429]
        async with client_of(app) as client:
            entries = await audit_entries(client, admin, action="limit.exceeded")
    assert len(entries) == MOST_OF_STRANGERS
    assert reasons(entries)[0] == ("GET /api/v1/users/check-username/{username}", "username_check")
    assert [entry["ip"] for entry in entries[:2]] == ["198.51.100.0", "198.51.100.1"]
    assert entries[0]["actor_id"] is None


async def test_a_database_that_is_away_does_not_change_the_refusal(
    servers: Servers, live_app: FastAPI, live_sign_up: SignUp
) -> None:
    caller = await live_sign_up()
    async with client_of(live_app) as client:
        await client.get("/api/v1/users/me", headers=caller.headers)
        servers.postgres.stop(immediate=True)
        try:
            answer = await client.get("/api/v1/admin/users", headers=caller.headers)
        finally:
            servers.postgres.start()
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")


async def test_refusals_at_the_same_time_are_kept_once(live_app: FastAPI, live_sign_up: SignUp) -> None:
    caller, admin = await live_sign_up(), await live_sign_up(Role.ADMIN)
    async with client_of(live_app) as client:
        await asyncio.gather(*(client.get("/api/v1/admin/users", headers=caller.headers) for _ in range(20)))
        assert len(await audit_entries(client, admin, action="access.refused", actor_id=caller.id)) == 1


async def test_keys_and_second_factors_leave_entries_without_their_secrets(
    client: httpx.AsyncClient, seller: Caller, audit: Audit
) -> None:
    keys = "/api/v1/api-keys"
    made = (
        await client.post(keys, json={"name": "till", "scopes": ["items:write"]}, headers=seller.headers)
    ).json()
    rotated = (await client.post(f"{keys}/{made['id']}/rotate", headers=seller.headers)).json()
    await client.delete(f"{keys}/{rotated['id']}", headers=seller.headers)
    begun = (await client.post("/api/v1/auth/mfa/totp", headers=seller.headers)).json()
    actions = {entry["action"] for entry in await audit(actor_id=seller.id)}
    assert {"api_key.created", "api_key.rotated", "api_key.revoked"} <= actions
    everything = str(await audit())
    for secret in (made["api_key"], rotated["api_key"], begun["secret"]):
        assert secret not in everything
