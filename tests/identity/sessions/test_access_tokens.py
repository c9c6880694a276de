"""Access tokens: attacks on them, and that they end with their session."""

import uuid
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.identity.permissions import Role
from tests.conftest import JWT_SECRET, Caller, SignUp, change_account
from tests.identity.sessions.calls import ME, OWN_ORIGIN, bearer, forget, log_in, run, status_of_me, tokens_of


def token_of(caller: Caller) -> str:
    return caller.headers["Authorization"].removeprefix("Bearer ")


def claims(caller: Caller, **changes: object) -> dict[str, object]:
    now = utc_now()
    genuine = jwt.decode(token_of(caller), options={"verify_signature": False})
    return {
        "iss": OWN_ORIGIN,
        "aud": "bookstore-api",
        "sub": str(caller.id),
        "sid": genuine["sid"],
        "iat": now,
        "exp": now + timedelta(minutes=5),
        "jti": "1",
        "type": "access",
        "role": "user",
        "scopes": ["items:write", "orders:read", "orders:write", "profile:read", "profile:write"],
        **changes,
    }


def forged(caller: Caller, **changes: Any) -> str:
    secret, algorithm = changes.pop("secret", JWT_SECRET), changes.pop("algorithm", "HS256")
    header = {"typ": "at+jwt", **changes.pop("header", {})}
    kept = {name: value for name, value in claims(caller, **changes).items() if value is not None}
    return jwt.encode(kept, secret, algorithm, headers=header)


async def test_the_forgeries_differ_from_a_good_token_in_one_thing_each(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    headers = {"Authorization": f"Bearer {forged(seller)}"}
    assert (await client.get(ME, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "attack",
    [
        {"secret": "another-secret-of-at-least-32-bytes!"},
        {"algorithm": "HS384"},
        {"algorithm": "none", "secret": ""},
        {"exp": utc_now() - timedelta(minutes=1)},
        {"iat": utc_now() + timedelta(days=1)},
        {"iss": "somebody-else"},
        {"aud": "another-api"},
        {"type": "refresh"},
        {"sub": "not-a-number"},
        {"sub": "999999"},
        {"sub": str(2**70)},
        {"jti": None},
        {"exp": None},
        {"type": None},
        {"scopes": 5},
        {"sid": None},
        {"sid": "not-an-id"},
        {"sid": 5},
        {"sid": str(uuid.uuid4())},
        {"header": {"typ": "JWT"}},
        {"header": {"typ": "refresh+jwt"}},
        {"header": {"kid": "another"}},
        {"header": {"kid": "../../../dev/null"}, "secret": "\0" * 32},
        {"header": {"jku": "https://evil.example/keys", "kid": "evil"}, "secret": "e" * 32},
        {"header": {"crit": ["b64"], "b64": False}},
    ],
    ids="-".join,
)
async def test_forged_tokens_are_refused(
    client: httpx.AsyncClient, seller: Caller, attack: dict[str, Any]
) -> None:
    token = forged(seller, **attack)
    answer = await client.get(ME, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.json()["code"] == "invalid-token"
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "Bearer", "ey" * 4000])
async def test_what_is_no_token_is_refused(client: httpx.AsyncClient, token: str) -> None:
    headers = {b"authorization": f"Bearer {token}".encode()}
    assert (await client.get(ME, headers=headers)).status_code == 401


async def test_a_token_loses_what_its_owner_loses(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, sign_up: SignUp
) -> None:
    moderator = await sign_up(Role.MODERATOR)
    new_author = {"name": "Ursula K. Le Guin"}
    first = await client.post("/api/v1/authors", json=new_author, headers=moderator.headers)
    assert first.status_code == 201
    await change_account(session, moderator.id, role="user")
    await forget(app, moderator.id)
    second = await client.post("/api/v1/authors", json=new_author, headers=moderator.headers)
    assert second.status_code == 403
    await change_account(session, moderator.id, is_active=False)
    await forget(app, moderator.id)
    assert (await client.get(ME, headers=moderator.headers)).status_code == 401


async def test_a_refresh_token_is_no_access_token(client: httpx.AsyncClient, seller: Caller) -> None:
    tokens = await tokens_of(client, seller.username)
    assert await status_of_me(client, tokens["refresh_token"]) == 401


async def test_an_expired_or_ended_session_ends_its_access_tokens(
    app: FastAPI, client: httpx.AsyncClient, sign_up: SignUp, session: AsyncSession
) -> None:
    for change in ("expires_at = now() - interval '1 second'", "ended_at = now()"):
        caller = await sign_up()
        assert (await client.get(ME, headers=caller.headers)).status_code == 200
        await run(session, f"UPDATE auth_sessions SET {change} WHERE user_id = :id", id=caller.id)  # noqa: S608 - fixed text
        await forget(app, caller.id)
        answer = await client.get(ME, headers=caller.headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid-token")


async def test_no_access_token_outlives_its_session(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    tokens = (await log_in(client, seller.username)).json()
    soon = "UPDATE auth_sessions SET expires_at = now() + interval '60 seconds' WHERE user_id = :id"
    await run(session, soon, id=seller.id)
    answer = await client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    # Of the usual 900 seconds no more than the session has left, and some, or the token would be of no use.
    assert 1 <= answer.json()["expires_in"] <= 60


async def test_an_expired_token_is_refused_though_it_was_checked_before(
    client: httpx.AsyncClient, seller: Caller, time_machine: Any
) -> None:
    assert (await client.get(ME, headers=seller.headers)).status_code == 200
    time_machine.move_to(utc_now() + timedelta(minutes=16))
    answer = await client.get(ME, headers=seller.headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid-token")
    assert "expired" in answer.json()["detail"]


async def test_the_challenges_follow_rfc_6750(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    del moderator
    plain = await client.get(ME)
    assert (plain.status_code, plain.headers["www-authenticate"]) == (401, "Bearer")
    bad = await client.get(ME, headers=bearer("x"))
    assert bad.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    short = await client.post("/api/v1/authors", json={"name": "Ada"}, headers=seller.headers)
    assert (short.status_code, short.json()["code"]) == (403, "insufficient-scope")
    challenge = short.headers["www-authenticate"]
    assert challenge == 'Bearer error="insufficient_scope", scope="catalog:manage"'


async def test_the_session_must_be_the_subjects_whoevers_was_looked_up_before(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    owner, thief = await live_sign_up(), await live_sign_up()
    sid = claims(owner)["sid"]
    mixed = forged(thief, sid=sid)
    for warm in (False, True):
        if warm:
            assert await status_of_me(live_client, token_of(owner)) == 200
        # The owner's session is kept in this worker by now.
        for _ in range(2):
            refused = await live_client.get(ME, headers=bearer(mixed))
            assert (refused.status_code, refused.json()["code"]) == (401, "invalid-token")
    assert await status_of_me(live_client, token_of(owner)) == 200
