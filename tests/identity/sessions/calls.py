"""The calls that the tests of logging in share."""

import httpx
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.conftest import PASSWORD

AUTH = "/api/v1/auth"
ME = "/api/v1/users/me"
OWN_ORIGIN = "https://localhost:8000"


async def log_in(client: httpx.AsyncClient, username: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post(f"{AUTH}/token", data={"username": username, "password": password})


async def tokens_of(client: httpx.AsyncClient, username: str) -> dict[str, str]:
    answer = await log_in(client, username)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, str] = answer.json()
    return tokens


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post(f"{AUTH}/refresh", json={"refresh_token": token})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def status_of_me(client: httpx.AsyncClient, access_token: str) -> int:
    return (await client.get(ME, headers=bearer(access_token))).status_code


async def run(session: AsyncSession, statement: str, **values: object) -> None:
    await session.execute(text(statement), values)
    await session.commit()


async def forget(app: FastAPI, user_id: int) -> None:
    """What a commit elsewhere would announce."""
    await app.state.cache.announce({f"user:{user_id}"}, 1)
