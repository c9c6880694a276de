"""A browser that logs in again has one session, and an account has so many sessions and no more."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from devstack import Servers
from tests.conftest import (
    JWT_SECRET,
    PASSWORD,
    Audit,
    Caller,
    SignUp,
    client_of,
    make_account,
    running_app,
    settings_for,
)
from tests.identity.mfa.conftest import MFA, PASSKEYS, ask_token, enrol, login_options, registered
from tests.identity.sessions.calls import AUTH, ME, bearer, log_in, refresh, status_of_me, tokens_of

ACCESS, REFRESH = "__Host-access_token", "__Host-refresh_token"


@pytest.fixture
async def browser(app: FastAPI, client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Keeps Secure cookies, so it speaks https."""
    del client
    async with client_of(app, base_url="https://testserver") as http:
        yield http


async def by_password(browser: httpx.AsyncClient, caller: Caller) -> httpx.Response:
    return await browser.post(f"{AUTH}/login", data={"username": caller.username, "password": PASSWORD})


async def test_logging_in_again_by_cookie_ends_the_session_that_the_browser_had(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, seller: Caller, audit: Audit
) -> None:
    elsewhere = await tokens_of(client, seller.username)
    assert (await by_password(browser, seller)).status_code == 200
    old = browser.cookies[ACCESS], browser.cookies[REFRESH]
    assert (await by_password(browser, seller)).status_code == 200
    assert await status_of_me(client, old[0]) == 401
    assert (await refresh(client, old[1])).json()["code"] == "invalid-refresh-token"
    assert (await browser.get(ME)).status_code == 200
    # Nobody else's login ends by it.
    assert await status_of_me(client, elsewhere["access_token"]) == 200
    (ended,) = await audit(action="session.ended")
    assert (ended["changes"]["reason"], ended["actor_id"]) == ([None, "logged_in_again"], seller.id)


@pytest.mark.parametrize("kept", [ACCESS, REFRESH])
async def test_either_cookie_proves_the_session_whoevers_it_was(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, seller: Caller, moderator: Caller, kept: str
) -> None:
    await by_password(browser, moderator)
    old = browser.cookies[ACCESS]
    browser.cookies = httpx.Cookies({kept: browser.cookies[kept]})
    assert (await by_password(browser, seller)).status_code == 200
    assert await status_of_me(client, old) == 401
    assert await status_of_me(client, moderator.headers["Authorization"].removeprefix("Bearer ")) == 200


async def test_a_login_that_fails_and_a_cookie_that_proves_nothing_end_nothing(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, seller: Caller
) -> None:
    await by_password(browser, seller)
    old = browser.cookies[ACCESS]
    wrong = await browser.post(f"{AUTH}/login", data={"username": seller.username, "password": "Wrong-1!"})
    assert wrong.status_code == 401
    assert await status_of_me(client, old) == 200
    browser.cookies = httpx.Cookies({ACCESS: "nonsense", REFRESH: "rt_nonsense"})
    assert (await by_password(browser, seller)).status_code == 200
    assert await status_of_me(client, old) == 200


async def test_the_second_step_by_cookie_ends_it_too_and_the_first_step_does_not(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, sign_up: SignUp
) -> None:
    enrolled = await enrol(client, await sign_up())
    other = await sign_up()
    await by_password(browser, other)
    old = browser.cookies[ACCESS]
    token = await ask_token(browser, enrolled.caller)
    assert await status_of_me(client, old) == 200
    body = {"mfa_token": token, "recovery_code": enrolled.recovery_codes[0]}
    assert (await browser.post(MFA, json=body)).status_code == 200
    assert await status_of_me(client, old) == 200, "that login was not by cookie"
    body = {
        "mfa_token": await ask_token(browser, enrolled.caller),
        "recovery_code": enrolled.recovery_codes[1],
    }
    assert (await browser.post(MFA, json={**body, "cookies": True})).status_code == 200
    assert await status_of_me(client, old) == 401


async def test_a_passkey_by_cookie_ends_it_too(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, seller: Caller
) -> None:
    device = await registered(client, seller)
    await by_password(browser, seller)
    old = browser.cookies[ACCESS]
    body = {"credential": device.get(await login_options(browser)), "cookies": True}
    assert (await browser.post(f"{PASSKEYS}/login/verify", json=body)).status_code == 200
    assert await status_of_me(client, old) == 401
    assert (await browser.get(ME)).json()["username"] == seller.username


@pytest.fixture
async def narrow_app(servers: Servers, empty_database_url: str) -> AsyncIterator[FastAPI]:
    """An application that really commits, in which an account has three sessions at most."""
    jwt = {"secret": JWT_SECRET, "max_sessions": 3}
    async with running_app(settings_for(servers, empty_database_url, jwt=jwt)) as application:
        yield application


async def make_caller(app: FastAPI) -> Caller:
    async with app.state.database.sessions.begin() as arranging:
        return await make_account(app, arranging)


async def test_beyond_the_setting_the_oldest_session_goes(narrow_app: FastAPI) -> None:
    caller, other = await make_caller(narrow_app), await make_caller(narrow_app)
    async with client_of(narrow_app) as client:
        opened = [(await tokens_of(client, caller.username))["access_token"] for _ in range(4)]
        # The one that `caller` came with was the oldest, then the first of these.
        assert [await status_of_me(client, token) for token in opened] == [401, 200, 200, 200]
        assert (await client.get(ME, headers=caller.headers)).status_code == 401
        assert (await client.get(ME, headers=other.headers)).status_code == 200
        listed = await client.get(f"{AUTH}/sessions", headers=bearer(opened[-1]))
        assert len(listed.json()) == 3


async def test_a_browser_that_logs_in_again_drives_no_other_session_out(narrow_app: FastAPI) -> None:
    caller = await make_caller(narrow_app)
    async with (
        client_of(narrow_app, base_url="https://testserver") as browser,
        client_of(narrow_app) as client,
    ):
        second = (await tokens_of(client, caller.username))["access_token"]
        for _ in range(3):
            assert (await by_password(browser, caller)).status_code == 200
        assert (await client.get(ME, headers=caller.headers)).status_code == 200
        assert await status_of_me(client, second) == 200


async def test_logins_at_once_leave_no_more_sessions_than_the_setting_says(narrow_app: FastAPI) -> None:
    caller = await make_caller(narrow_app)
    async with client_of(narrow_app) as client:
        answers = await asyncio.gather(*(log_in(client, caller.username) for _ in range(8)))
        assert [answer.status_code for answer in answers] == [200] * 8
        tokens = [answer.json()["access_token"] for answer in answers]
        alive = [token for token in tokens if await status_of_me(client, token) == 200]
        assert len(alive) == 3
        listed = await client.get(f"{AUTH}/sessions", headers=bearer(alive[0]))
        assert len(listed.json()) == 3


async def test_a_session_that_had_to_go_is_audited(
    client: httpx.AsyncClient, seller: Caller, audit: Audit
) -> None:
    for _ in range(20):
        await tokens_of(client, seller.username)
    (ended,) = await audit(action="session.ended")
    assert (ended["changes"]["reason"], ended["actor_id"]) == ([None, "too_many_sessions"], seller.id)
    assert (await client.get(ME, headers=seller.headers)).status_code == 401
