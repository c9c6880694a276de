"""Books, authors and merges by HTTP."""

import asyncio
from typing import Any

import httpx

from tests.conftest import Caller

BOOKS = "/api/v1/books"
AUTHORS = "/api/v1/authors"
WORKS = "/api/v1/works"
ADMIN = "/api/v1/admin"


async def read(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def read_book(client: httpx.AsyncClient, book: dict[str, Any]) -> dict[str, Any]:
    return await read(client, f"{BOOKS}/{book['id']}")


def author_of(book: dict[str, Any]) -> int:
    """The id of the first contributor."""
    return int(book["contributors"][0]["author_id"])


def credits_of(book: dict[str, Any]) -> list[tuple[int, str, int]]:
    return [(one["author_id"], one["role"], one["position"]) for one in book["contributors"]]


async def merge(
    client: httpx.AsyncClient, caller: Caller, kind: str, source: int, into: int
) -> dict[str, Any]:
    answer = await client.post(f"{ADMIN}/{kind}s/{source}/merge", json={"into": into}, headers=caller.headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def undo(client: httpx.AsyncClient, caller: Caller, merge_id: int) -> httpx.Response:
    return await client.post(f"{ADMIN}/merges/{merge_id}/undo", headers=caller.headers)


async def audited(client: httpx.AsyncClient, admin: Caller, action: str) -> dict[str, Any]:
    """The newest entry of the action."""
    answer = await client.get(f"{ADMIN}/audit", params={"action": action}, headers=admin.headers)
    entry: dict[str, Any] = answer.json()["items"][0]
    return entry


def merging(
    client: httpx.AsyncClient, staff: Caller, kind: str, source: int, into: int
) -> asyncio.Future[httpx.Response]:
    """A merge that is under way."""
    path = f"{ADMIN}/{kind}s/{source}/merge"
    return asyncio.ensure_future(client.post(path, json={"into": into}, headers=staff.headers))
