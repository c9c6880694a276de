"""Logging in, and attacks on access tokens."""

from datetime import timedelta

import httpx
import jwt
import pytest
from dirty_equals import IsStr
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.identity.permissions import Role
from tests.conftest import JWT_SECRET, PASSWORD, Caller, SignUp

TOKEN = "/api/v1/auth/token"
ME = "/api/v1/users/me"


async def log_in(client: httpx.AsyncClient, username: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post(TOKEN, data={"username": username, "password": password})


async def test_a_login_by_name_or_address_gives_a_token_that_works(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    for login in (seller.username, seller.username.upper(), f"{seller.username}@Example.com"):
        answer = await log_in(client, login)
        assert answer.status_code == 200
        assert answer.json() == {
            "access_token": IsStr(min_length=50),
            "token_type": "bearer",
            "expires_in": 900,
            "scope": "items:write",
        }
        assert answer.headers["cache-control"] == "no-store"
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        assert (await client.get(ME, headers=headers)).json()["username"] == seller.username


async def test_whatever_is_wrong_the_refusal_is_the_same(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, sign_up: SignUp
) -> None:
    closed = await sign_up()
    await session.execute(text("UPDATE users SET is_active = false WHERE id = :id"), {"id": closed.id})
    await session.commit()
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


async def test_old_bcrypt_hashes_are_verified_and_replaced(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    bcrypt_hash = "$2b$04$9ZNyohTJ7qYx1FXtuVJVDuoFqKeRe6cVuhk2S0OiYaXzs2J4A1mH6"
    await session.execute(
        text("UPDATE users SET password_hash = :hash WHERE id = :id"), {"hash": bcrypt_hash, "id": seller.id}
    )
    await session.commit()
    assert (await log_in(client, seller.username)).status_code == 200
    stored = await session.scalar(text("SELECT password_hash FROM users WHERE id = :id"), {"id": seller.id})
    assert str(stored).startswith("$argon2id$")
    assert (await log_in(client, seller.username)).status_code == 200


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


def claims(user_id: int, **changes: object) -> dict[str, object]:
    now = utc_now()
    return {
        "iss": "bookstore",
        "aud": "bookstore-api",
        "sub": str(user_id),
        "iat": now,
        "exp": now + timedelta(minutes=5),
        "jti": "1",
        "type": "access",
        "role": "user",
        "scopes": ["items:write"],
        **changes,
    }


def forged(user_id: int, secret: str = JWT_SECRET, algorithm: str = "HS256", **changes: object) -> str:
    kept = {name: value for name, value in claims(user_id, **changes).items() if value is not None}
    return jwt.encode(kept, secret, algorithm, headers={"typ": "at+jwt"})


async def test_the_forgeries_differ_from_a_good_token_in_one_thing_each(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    headers = {"Authorization": f"Bearer {forged(seller.id)}"}
    assert (await client.get(ME, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "attack",
    [
        {"secret": "another-secret-of-at-least-32-bytes!"},
        {"algorithm": "HS384"},
        {"algorithm": "none", "secret": ""},
        {"exp": utc_now() - timedelta(minutes=1)},
        {"iat": utc_now() + timedelta(minutes=5)},
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
    ],
    ids="-".join,
)
async def test_forged_tokens_are_refused(
    client: httpx.AsyncClient, seller: Caller, attack: dict[str, object]
) -> None:
    token = forged(seller.id, **attack)  # type: ignore[arg-type]  # each attack names its own parameters
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
    await session.execute(text("UPDATE users SET role = 'user' WHERE id = :id"), {"id": moderator.id})
    await session.commit()
    await app.state.cache.announce({f"user:{moderator.id}"}, 1)
    second = await client.post("/api/v1/authors", json=new_author, headers=moderator.headers)
    assert second.status_code == 403
    await session.execute(text("UPDATE users SET is_active = false WHERE id = :id"), {"id": moderator.id})
    await session.commit()
    await app.state.cache.announce({f"user:{moderator.id}"}, 1)
    assert (await client.get(ME, headers=moderator.headers)).status_code == 401


async def test_logins_are_limited_per_client(client: httpx.AsyncClient, seller: Caller) -> None:
    answer = await log_in(client, seller.username)
    assert answer.headers["ratelimit-policy"] == '"login";q=500;w=60'
    assert answer.headers["ratelimit"].startswith('"login";r=499;t=')
    assert answer.headers["x-ratelimit-limit"] == "500"
    assert answer.headers["x-ratelimit-remaining"] == "499"
