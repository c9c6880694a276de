"""Logging in with a password."""

import httpx
from dirty_equals import IsStr
from sqlalchemy.ext.asyncio import AsyncSession

from tests.conftest import PASSWORD, Caller, SignUp, change_account
from tests.identity.sessions.calls import AUTH, ME, log_in

TOKEN = f"{AUTH}/token"


async def test_a_login_by_name_or_address_gives_a_token_that_works(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    for login in (seller.username, seller.username.upper(), f"{seller.username}@Example.com"):
        answer = await log_in(client, login)
        assert answer.status_code == 200
        assert answer.json() == {
            "access_token": IsStr(min_length=50),
            "refresh_token": IsStr(regex=r"rt_[\w-]{43}"),
            "token_type": "bearer",
            "expires_in": 900,
            "scope": "items:write orders:read orders:write profile:read profile:write",
        }
        assert answer.headers["cache-control"] == "no-store"
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        assert (await client.get(ME, headers=headers)).json()["username"] == seller.username


async def test_whatever_is_wrong_the_refusal_is_the_same(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, sign_up: SignUp
) -> None:
    closed = await sign_up()
    await change_account(session, closed.id, is_active=False)
    answers = [
        await log_in(client, seller.username, "Wrong-horse-1!"),
        await log_in(client, "nobody"),
        await log_in(client, closed.username),
        await log_in(client, "no\0body"),
        await log_in(client, seller.username, "x" * 5000),
    ]
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert {answer.status_code for answer in answers} == {401}
    assert all(body == bodies[0] for body in bodies)
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}


async def test_a_token_asked_for_fewer_scopes_may_do_less(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    answer = await client.post(
        TOKEN,
        data={"username": moderator.username, "password": PASSWORD, "scope": "items:write users:destroy"},
    )
    assert answer.json()["scope"] == "items:write"
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    refused = await client.post("/api/v1/authors", json={"name": "Ada"}, headers=headers)
    assert refused.status_code == 403
    assert refused.json()["code"] == "insufficient-scope"
    assert 'scope="catalog:manage"' in refused.headers["www-authenticate"]


async def test_logins_are_limited_per_client(client: httpx.AsyncClient, seller: Caller) -> None:
    answer = await log_in(client, seller.username)
    assert answer.headers["ratelimit-policy"] == '"login";q=500;w=60'
    assert answer.headers["ratelimit"].startswith('"login";r=499;t=')
    assert answer.headers["x-ratelimit-limit"] == "500"
    assert answer.headers["x-ratelimit-remaining"] == "499"
