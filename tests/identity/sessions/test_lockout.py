"""Wrong passwords are counted per account and client, whether or not the account exists."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from devstack import Servers
from tests.conftest import Audit, Caller, SignUp, client_of, make_account, running_app, settings_for
from tests.identity.sessions.calls import log_in, run

WRONG = "Wrong-horse-1!"


async def fail(client: httpx.AsyncClient, username: str, times: int = 5) -> None:
    for _ in range(times):
        answer = await log_in(client, username, WRONG)
        assert (answer.status_code, answer.json()["code"]) == (401, "wrong-credentials")


async def test_five_failures_lock_the_account_for_this_client_and_no_other(
    app: FastAPI, client: httpx.AsyncClient, seller: Caller
) -> None:
    await fail(client, seller.username)
    answer = await log_in(client, seller.username)
    assert (answer.status_code, answer.json()["code"]) == (429, "account-locked")
    assert 1790 <= int(answer.headers["retry-after"]) <= 1800
    async with client_of(app, "192.0.2.9") as elsewhere:
        assert (await log_in(elsewhere, seller.username)).status_code == 200


async def test_the_name_and_the_address_are_one_account(client: httpx.AsyncClient, seller: Caller) -> None:
    await fail(client, seller.username, 3)
    await fail(client, f"{seller.username}@example.com", 2)
    assert (await log_in(client, seller.username)).status_code == 429


async def test_an_account_that_does_not_exist_locks_alike(client: httpx.AsyncClient) -> None:
    await fail(client, "nobody-at-all")
    answer = await log_in(client, "Nobody-At-All")
    assert (answer.status_code, answer.json()["code"]) == (429, "account-locked")


async def test_a_neighbour_in_the_same_ipv6_network_is_the_same_client(app: FastAPI, seller: Caller) -> None:
    async with client_of(app, "2001:db8::1") as one, client_of(app, "2001:db8::2") as two:
        await fail(one, seller.username)
        assert (await log_in(two, seller.username)).status_code == 429


async def test_a_right_password_forgets_the_failures(client: httpx.AsyncClient, seller: Caller) -> None:
    for _ in range(2):
        await fail(client, seller.username, 4)
        assert (await log_in(client, seller.username)).status_code == 200


async def test_a_lock_ends_after_half_an_hour_and_old_failures_fade(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    await fail(client, seller.username)
    assert (await log_in(client, seller.username)).status_code == 429
    await run(
        session,
        "UPDATE login_failures SET last_failed_at = last_failed_at - interval '31 minutes',"
        " locked_until = locked_until - interval '31 minutes'",
    )
    await fail(client, seller.username, 4)
    assert (await log_in(client, seller.username)).status_code == 200
    await fail(client, seller.username, 4)
    await run(session, "UPDATE login_failures SET last_failed_at = last_failed_at - interval '31 minutes'")
    await fail(client, seller.username, 4)
    assert (await log_in(client, seller.username)).status_code == 200


async def test_a_lock_is_audited(client: httpx.AsyncClient, seller: Caller, audit: Audit) -> None:
    await fail(client, seller.username)
    entry = (await audit())[-1]
    assert (entry["action"], entry["target_id"], entry["ip"]) == (
        "login.locked",
        str(seller.id),
        "127.0.0.1",
    )


async def test_guesses_at_the_same_time_are_all_counted(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    caller = await live_sign_up()
    answers = await asyncio.gather(*(log_in(live_client, caller.username, WRONG) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7
    assert (await log_in(live_client, caller.username)).status_code == 429
    async with live_app.state.database.sessions() as session:
        assert await session.scalar(text("SELECT failures FROM login_failures")) == 5


@pytest.mark.parametrize("zone", ["login_account", "login_pair"])
async def test_failures_are_limited_per_account_and_per_pair(
    servers: Servers, empty_database_url: str, zone: str
) -> None:
    limits = {"factor": 1, "login": "100/minute", zone: "2/hour"}
    async with running_app(settings_for(servers, empty_database_url, rate_limit=limits)) as app:
        async with app.state.database.sessions.begin() as arranging:
            caller = await make_account(app, arranging)
        async with client_of(app, "192.0.2.1") as client, client_of(app, "192.0.2.2") as other:
            await fail(client, caller.username, 2)
            refused = await log_in(client, caller.username)
            assert (refused.status_code, refused.json()["code"]) == (429, "rate-limited")
            status = (await log_in(other, caller.username)).status_code
            assert status == (429 if zone == "login_account" else 200)
        await app.state.redis.flushdb()


async def test_strangers_cannot_use_up_the_owners_quota(servers: Servers, empty_database_url: str) -> None:
    limits = {"factor": 1, "login": "100/minute", "login_account": "2/hour"}
    async with running_app(settings_for(servers, empty_database_url, rate_limit=limits)) as app:
        async with app.state.database.sessions.begin() as arranging:
            caller = await make_account(app, arranging)
        async with client_of(app, "192.0.2.1") as home, client_of(app, "192.0.2.66") as stranger:
            assert (await log_in(home, caller.username)).status_code == 200
            await fail(stranger, caller.username, 2)
            assert (await log_in(stranger, caller.username)).status_code == 429
            assert (await log_in(home, caller.username)).status_code == 200
        await app.state.redis.flushdb()


async def test_logins_are_limited_per_address(servers: Servers, empty_database_url: str) -> None:
    async with running_app(settings_for(servers, empty_database_url, rate_limit={"factor": 1})) as app:
        async with client_of(app) as client:
            answers = [await log_in(client, f"nobody-{number}") for number in range(6)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        assert int(answers[5].headers["retry-after"]) <= 60
        await app.state.redis.flushdb()
