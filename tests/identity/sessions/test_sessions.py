"""Logging out, changing the password, one's sessions: access ends with them, at once and everywhere."""

import asyncio
import uuid

import httpx
import pytest
from dirty_equals import IsStr
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from devstack import Servers
from tests.conftest import (
    PASSWORD,
    Caller,
    SignUp,
    account_of,
    client_of,
    events_of,
    make_account,
    running_app,
    settings_for,
)
from tests.identity.sessions.calls import (
    AUTH,
    ME,
    bearer,
    log_in,
    refresh,
    run,
    status_of_me,
    tokens_of,
)

NEW = "Another-horse-2?"


async def change_password(client: httpx.AsyncClient, token: str, **changes: str) -> httpx.Response:
    body = {"current_password": PASSWORD, "new_password": NEW, **changes}
    return await client.post(f"{AUTH}/change-password", json=body, headers=bearer(token))


async def test_logout_ends_this_session_and_no_other(client: httpx.AsyncClient, seller: Caller) -> None:
    here, there = [await tokens_of(client, seller.username) for _ in range(2)]
    assert await status_of_me(client, here["access_token"]) == 200
    answer = await client.post(f"{AUTH}/logout", headers=bearer(here["access_token"]))
    assert (answer.status_code, answer.content) == (204, b"")
    assert await status_of_me(client, here["access_token"]) == 401
    assert (await refresh(client, here["refresh_token"])).json()["code"] == "invalid-refresh-token"
    assert await status_of_me(client, there["access_token"]) == 200
    assert (await client.post(f"{AUTH}/logout", headers=bearer(here["access_token"]))).status_code == 401


async def test_logout_all_ends_every_session(client: httpx.AsyncClient, seller: Caller) -> None:
    sessions = [await tokens_of(client, seller.username) for _ in range(2)]
    assert (await client.post(f"{AUTH}/logout-all", headers=seller.headers)).status_code == 204
    for tokens in sessions:
        assert await status_of_me(client, tokens["access_token"]) == 401
        assert (await refresh(client, tokens["refresh_token"])).status_code == 401
    assert (await client.get(ME, headers=seller.headers)).status_code == 401


async def test_a_new_password_keeps_this_session_and_ends_the_others(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    here, there = [await tokens_of(client, seller.username) for _ in range(2)]
    before = (await account_of(session, seller.id)).password_changed_at
    answer = await change_password(client, here["access_token"], confirm_password=NEW)
    assert (answer.status_code, answer.content) == (204, b"")
    assert await status_of_me(client, here["access_token"]) == 200
    assert (await refresh(client, here["refresh_token"])).status_code == 200
    assert await status_of_me(client, there["access_token"]) == 401
    assert (await log_in(client, seller.username)).status_code == 401
    assert (await log_in(client, seller.username, NEW)).status_code == 200
    assert (await account_of(session, seller.id)).password_changed_at > before
    assert await events_of(session, "user.password_changed") == [{"user_id": seller.id}]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"current_password": "Wrong-horse-1!"}, 403, "wrong-password"),
        ({"new_password": "short"}, 422, "new-password-refused"),
        ({"new_password": PASSWORD}, 422, "new-password-refused"),
        ({"confirm_password": "Different-horse-1!"}, 422, "validation"),
        ({"role": "admin"}, 422, "validation"),
        ({"new_password": "x" * 129}, 422, "validation"),
    ],
)
async def test_a_password_change_that_breaks_a_rule_changes_nothing(
    client: httpx.AsyncClient, seller: Caller, changes: dict[str, str], status: int, code: str
) -> None:
    token = (await tokens_of(client, seller.username))["access_token"]
    answer = await change_password(client, token, **changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await client.get(ME, headers=seller.headers)).status_code == 200
    assert (await log_in(client, seller.username)).status_code == 200


async def test_the_current_password_cannot_be_guessed_without_end(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    token = (await tokens_of(client, seller.username))["access_token"]
    for _ in range(5):
        wrong = await change_password(client, token, current_password="Wrong-horse-1!")
        assert wrong.json()["code"] == "wrong-password"
    answer = await change_password(client, token)
    assert (answer.status_code, answer.json()["code"]) == (429, "account-locked")


async def test_the_list_shows_where_the_account_is_logged_in(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    agent = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    form = {"username": seller.username, "password": PASSWORD}
    tokens = (await client.post(f"{AUTH}/token", data=form, headers=agent)).json()
    answer = await client.get(f"{AUTH}/sessions", headers=bearer(tokens["access_token"]))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == [
        {
            "id": IsStr(regex=r"[0-9a-f-]{36}"),
            "device": "Firefox on Linux",
            "ip": "127.0.0.1",
            "created_at": IsStr(regex=".*Z"),
            "last_used_at": IsStr(regex=".*Z"),
            "current": True,
        },
        {**answer.json()[1], "device": "test", "current": False},
    ]


async def test_a_session_can_be_ended_from_another(client: httpx.AsyncClient, seller: Caller) -> None:
    tokens = await tokens_of(client, seller.username)
    listed = (await client.get(f"{AUTH}/sessions", headers=seller.headers)).json()
    other = next(entry["id"] for entry in listed if not entry["current"])
    assert (await client.delete(f"{AUTH}/sessions/{other}", headers=seller.headers)).status_code == 204
    assert await status_of_me(client, tokens["access_token"]) == 401
    again = await client.delete(f"{AUTH}/sessions/{other}", headers=seller.headers)
    assert (again.status_code, again.json()["code"]) == (404, "session-not-found")


async def test_somebody_elses_session_is_not_found_and_goes_on(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    theirs = (await client.get(f"{AUTH}/sessions", headers=seller.headers)).json()[0]["id"]
    for session_id in (theirs, str(uuid.uuid4())):
        answer = await client.delete(f"{AUTH}/sessions/{session_id}", headers=moderator.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "session-not-found")
    assert (await client.delete(f"{AUTH}/sessions/7", headers=moderator.headers)).status_code == 422
    assert (await client.get(ME, headers=seller.headers)).status_code == 200


async def test_a_login_from_a_new_device_is_told_but_not_the_first_ever(
    client: httpx.AsyncClient, sign_up: SignUp, session: AsyncSession
) -> None:
    caller = await sign_up()
    await run(session, "DELETE FROM auth_sessions WHERE user_id = :id", id=caller.id)
    form = {"username": caller.username, "password": PASSWORD}
    told = []
    for agent in ("one/1.0", "one/1.1", "two/1.0", "two/1.0"):
        await client.post(f"{AUTH}/token", data=form, headers={"User-Agent": agent})
        told.append(len(await events_of(session, "user.new_device")))
    assert told == [0, 0, 1, 1]


async def test_access_ends_in_every_worker(servers: Servers, empty_database_url: str) -> None:
    settings = settings_for(servers, empty_database_url)
    async with running_app(settings) as one, running_app(settings) as other:
        async with one.state.database.sessions.begin() as arranging:
            caller = await make_account(one, arranging)
        async with client_of(one) as here, client_of(other) as there:
            tokens = await tokens_of(here, caller.username)
            for _ in range(2):
                assert await status_of_me(there, tokens["access_token"]) == 200
            await here.post(f"{AUTH}/logout", headers=bearer(tokens["access_token"]))
            assert await status_of_me(here, tokens["access_token"]) == 401
            for _ in range(50):
                if await status_of_me(there, tokens["access_token"]) == 401:
                    break
                await asyncio.sleep(0.02)
            assert await status_of_me(there, tokens["access_token"]) == 401


async def test_a_warm_session_needs_neither_database_nor_redis(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    caller = await live_sign_up()
    assert (await live_client.get(ME, headers=caller.headers)).status_code == 200
    counters = live_app.state.cache.counters
    asked = (counters.shared, counters.database, counters.bypass)
    for _ in range(5):
        assert (await live_client.get(ME, headers=caller.headers)).status_code == 200
    assert (counters.shared, counters.database, counters.bypass) == asked


async def test_without_redis_postgresql_decides(
    servers: Servers, live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    caller = await live_sign_up()
    tokens = await tokens_of(live_client, caller.username)
    servers.redis.stop()
    try:
        while live_app.state.cache.is_connected:
            await asyncio.sleep(0.01)
        assert await status_of_me(live_client, tokens["access_token"]) == 200
        logout = await live_client.post(f"{AUTH}/logout", headers=bearer(tokens["access_token"]))
        assert logout.status_code == 204
        assert await status_of_me(live_client, tokens["access_token"]) == 401
        assert (await log_in(live_client, caller.username)).status_code == 200
    finally:
        servers.redis.start()
    async with asyncio.timeout(30):
        while not live_app.state.cache.is_connected:
            await asyncio.sleep(0.01)
