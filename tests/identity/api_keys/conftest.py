"""Making keys over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.conftest import Caller

KEYS = "/api/v1/api-keys"
ME = "/api/v1/users/me"
ITEMS = "/api/v1/items"
BOOKS = "/api/v1/books"
BOOK = {"title": "Lanark", "author": "Alasdair Gray", "price": 9.99}

MakeKey = Callable[..., Awaitable[dict[str, Any]]]


def with_key(made: dict[str, Any]) -> dict[str, str]:
    return {"X-API-Key": made["api_key"]}


async def make_key(client: httpx.AsyncClient, owner: Caller, **fields: object) -> dict[str, Any]:
    body = {"name": "Import", "scopes": ["items:write"]} | fields
    answer = await client.post(KEYS, json=body, headers=owner.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.fixture(name="make_key")
def make_key_fixture(client: httpx.AsyncClient) -> MakeKey:
    async def make(owner: Caller, **fields: object) -> dict[str, Any]:
        return await make_key(client, owner, **fields)

    return make
