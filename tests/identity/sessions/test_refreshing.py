"""Refresh tokens: rotation, siblings for those who come at once, and what a later reuse sets off."""

import asyncio
from datetime import timedelta

import httpx
import time_machine
from dirty_equals import IsStr
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.identity.models import RefreshToken
from app.identity.sessions.repository import MOST_SIBLINGS
from tests.conftest import Audit, Caller, SignUp, change_account, events_of
from tests.identity.sessions.calls import AUTH, refresh, status_of_me, tokens_of

AFTER_THE_GRACE = timedelta(seconds=11)


async def test_a_refresh_gives_a_new_pair_that_works(client: httpx.AsyncClient, seller: Caller) -> None:
    first = await tokens_of(client, seller.username)
    answer = await refresh(client, first["refresh_token"])
    assert answer.status_code == 200
    second = answer.json()
    assert second == {
        "access_token": IsStr(min_length=50),
        "refresh_token": IsStr(regex=r"rt_[\w-]{43}"),
        "token_type": "bearer",
        "expires_in": 900,
        "scope": "items:write orders:read orders:write profile:read profile:write",
    }
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["ratelimit-policy"] == '"refresh";q=1000;w=60'
    assert second["refresh_token"] != first["refresh_token"]
    assert await status_of_me(client, second["access_token"]) == 200
    assert (await refresh(client, second["refresh_token"])).status_code == 200


async def test_whoever_comes_second_within_the_grace_gets_a_token_of_their_own(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    tokens = await tokens_of(client, seller.username)
    answers = [await refresh(client, tokens["refresh_token"]) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 6
    refresh_tokens = [answer.json()["refresh_token"] for answer in answers]
    assert len(set(refresh_tokens)) == 6
    for token in refresh_tokens:
        assert (await refresh(client, token)).status_code == 200


async def test_nobody_is_given_a_token_that_was_used_meanwhile(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    first = (await tokens_of(client, seller.username))["refresh_token"]
    used = set()
    for _ in range(8):
        successor = (await refresh(client, first)).json()["refresh_token"]
        assert successor not in used
        assert (await refresh(client, successor)).status_code == 200
        used.add(successor)
    latest = (await refresh(client, first)).json()
    # After the grace too: a token that two had been given would end the session here.
    with time_machine.travel(utc_now() + AFTER_THE_GRACE, tick=True):
        assert (await refresh(client, latest["refresh_token"])).status_code == 200
        assert await status_of_me(client, latest["access_token"]) == 200


async def test_beyond_its_siblings_a_token_gets_no_more_and_the_session_goes_on(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    first = (await tokens_of(client, seller.username))["refresh_token"]
    # The clock stands, so that a slow machine does not end the grace.
    with time_machine.travel(utc_now(), tick=False):
        successors = [await refresh(client, first) for _ in range(1 + MOST_SIBLINGS)]
        assert {answer.status_code for answer in successors} == {200}
        beyond = await refresh(client, first)
        assert (beyond.status_code, beyond.json()["code"]) == (401, "invalid-refresh-token")
        assert (await refresh(client, successors[-1].json()["refresh_token"])).status_code == 200


async def test_second_use_of_a_refresh_token_revokes_the_family(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    first = await tokens_of(client, seller.username)
    second = (await refresh(client, first["refresh_token"])).json()
    with time_machine.travel(utc_now() + AFTER_THE_GRACE, tick=True):
        answer = await refresh(client, first["refresh_token"])
    assert (answer.status_code, answer.json()["code"]) == (401, "token-reuse")
    # The revocation outlived the refusal: neither the thief's nor the owner's tokens work any more.
    assert (await refresh(client, second["refresh_token"])).json()["code"] == "invalid-refresh-token"
    for tokens in (first, second):
        assert await status_of_me(client, tokens["access_token"]) == 401
    again = await refresh(client, first["refresh_token"])
    assert (again.status_code, again.json()["code"]) == (401, "invalid-refresh-token")
    assert await status_of_me(client, seller.headers["Authorization"].removeprefix("Bearer ")) == 200


async def test_a_reuse_is_audited_and_told_once(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, audit: Audit
) -> None:
    tokens = await tokens_of(client, seller.username)
    await refresh(client, tokens["refresh_token"])
    with time_machine.travel(utc_now() + AFTER_THE_GRACE, tick=True):
        for _ in range(2):
            assert (await refresh(client, tokens["refresh_token"])).status_code == 401
    assert await events_of(session, "user.token_reused") == [
        {"user_id": seller.id, "device": IsStr(), "ip": "127.0.0.1"}
    ]
    assert [entry["action"] for entry in await audit(actor_id=seller.id)] == [
        "session.opened",
        "session.refreshed",
        "session.ended",
        "session.token_reused",
    ]


async def test_a_session_keeps_its_end_over_rotations(client: httpx.AsyncClient, seller: Caller) -> None:
    opened_at = utc_now()
    tokens = await tokens_of(client, seller.username)
    end = timedelta(days=30)
    for age in (timedelta(days=13), timedelta(days=26), end - timedelta(minutes=1)):
        with time_machine.travel(opened_at + age, tick=True):
            answer = await refresh(client, tokens["refresh_token"])
            assert answer.status_code == 200
            tokens = answer.json()
    with time_machine.travel(opened_at + end + timedelta(minutes=1), tick=True):
        answer = await refresh(client, tokens["refresh_token"])
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid-refresh-token")


async def test_a_session_that_rested_too_long_is_over(client: httpx.AsyncClient, seller: Caller) -> None:
    in_time, too_late = [await tokens_of(client, seller.username) for _ in range(2)]
    rested = utc_now() + timedelta(days=14)
    with time_machine.travel(rested - timedelta(minutes=1), tick=True):
        assert (await refresh(client, in_time["refresh_token"])).status_code == 200
    with time_machine.travel(rested + timedelta(minutes=1), tick=True):
        answer = await refresh(client, too_late["refresh_token"])
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid-refresh-token")


async def test_what_is_no_refresh_token_is_refused(client: httpx.AsyncClient, seller: Caller) -> None:
    access_token = (await tokens_of(client, seller.username))["access_token"]
    for token in ("x", "rt_", "rt_" + "a" * 43, access_token[:500], "\0", "é"):
        answer = await refresh(client, token)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid-refresh-token")
    assert (await client.post(f"{AUTH}/refresh")).json()["code"] == "not-authenticated"
    for body in (
        {},
        {"refresh_token": ""},
        {"refresh_token": "x" * 600},
        {"refresh_token": "x", "role": "admin"},
    ):
        assert (await client.post(f"{AUTH}/refresh", json=body)).status_code == 422


async def test_a_closed_account_gets_no_new_tokens(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    tokens = await tokens_of(client, seller.username)
    await change_account(session, seller.id, is_active=False)
    assert (await refresh(client, tokens["refresh_token"])).status_code == 401


async def test_a_lower_role_shows_in_the_next_tokens(
    client: httpx.AsyncClient, moderator: Caller, session: AsyncSession
) -> None:
    tokens = await tokens_of(client, moderator.username)
    assert "catalog:manage" in tokens["scope"]
    await change_account(session, moderator.id, role="user")
    assert (await refresh(client, tokens["refresh_token"])).json()[
        "scope"
    ] == "items:write orders:read orders:write profile:read profile:write"


async def test_only_hashes_of_refresh_tokens_are_kept(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    token = (await tokens_of(client, seller.username))["refresh_token"]
    kept = (await session.scalars(select(RefreshToken))).one()
    assert token not in str(vars(kept))
    assert len(kept.token_hash) == 32


async def test_twenty_clients_that_refresh_at_once_all_go_on(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    caller = await live_sign_up()
    tokens = await tokens_of(live_client, caller.username)
    answers = await asyncio.gather(*(refresh(live_client, tokens["refresh_token"]) for _ in range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    successors = {answer.json()["refresh_token"] for answer in answers}
    assert len(successors) == 20
    for answer in answers:
        assert await status_of_me(live_client, answer.json()["access_token"]) == 200
    listed = await live_client.get(f"{AUTH}/sessions", headers=caller.headers)
    assert len(listed.json()) == 2
    async with live_app.state.database.sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM refresh_tokens")) == 21


async def test_twenty_clients_that_reuse_at_once_end_one_session_with_one_alarm(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    caller = await live_sign_up()
    tokens = await tokens_of(live_client, caller.username)
    await refresh(live_client, tokens["refresh_token"])
    with time_machine.travel(utc_now() + AFTER_THE_GRACE, tick=True):
        answers = await asyncio.gather(*(refresh(live_client, tokens["refresh_token"]) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {401}
    assert "token-reuse" in {answer.json()["code"] for answer in answers}
    async with live_app.state.database.sessions() as session:
        assert len(await events_of(session, "user.token_reused")) == 1


async def test_a_logout_beats_a_refresh_under_way(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    caller = await live_sign_up()
    for _ in range(5):
        tokens = await tokens_of(live_client, caller.username)
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        refreshed, _ = await asyncio.gather(
            refresh(live_client, tokens["refresh_token"]),
            live_client.post(f"{AUTH}/logout", headers=headers),
        )
        if refreshed.status_code == 200:
            assert await status_of_me(live_client, refreshed.json()["access_token"]) == 401
            assert (await refresh(live_client, refreshed.json()["refresh_token"])).status_code == 401
