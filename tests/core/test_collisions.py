"""Two transactions that wait for each other, with real commits."""

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from app.identity.permissions import Role
from tests.catalog.waiting import hold, until_somebody_waits
from tests.conftest import Caller, SignUp

BOOKS = "/api/v1/books"
# Whoever waits first looks for the circle first, and is the one that gives way.
NEVER_FIRST = text("SET LOCAL deadlock_timeout = '1h'")


async def test_a_deadlock_is_answered_as_two_changes_that_met_and_the_request_may_be_sent_again(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    staff: Caller = await live_sign_up(Role.MODERATOR)
    answer = await live_client.post(
        BOOKS, json={"title": "T", "author": "A", "price": 5}, headers=staff.headers
    )
    book: dict[str, Any] = answer.json()
    path, author_id = f"{BOOKS}/{book['id']}", book["contributors"][0]["author_id"]
    change = {"title": "New", "contributors": [{"author_id": author_id, "role": "editor"}]}
    async with live_app.state.database.sessions.begin() as other:
        await other.execute(NEVER_FIRST)
        await hold(other, "authors", author_id)
        edit = asyncio.ensure_future(live_client.patch(path, json=change, headers=staff.headers))
        await until_somebody_waits(live_app)
        await hold(other, "items", book["id"], "UPDATE")
        refused = await edit
    assert (refused.status_code, refused.json()["code"]) == (503, "write-collision")
    assert refused.json()["title"] == "Two changes met; send the request again"
    assert refused.headers["retry-after"] == "1"
    assert (await live_client.get(path, headers=staff.headers)).json() == book
    again = await live_client.patch(path, json=change, headers=staff.headers)
    assert (again.json()["title"], again.json()["version"]) == ("New", book["version"] + 1)


async def test_operations_that_write_say_that_two_changes_may_meet(app: FastAPI) -> None:
    document = app.openapi()
    path = document["paths"]["/api/v1/books/{book_id}"]
    examples = {
        method: operation["responses"]["503"]["content"]["application/problem+json"]["examples"]
        for method, operation in path.items()
    }
    assert "write-collision" in examples["patch"]
    assert document["components"]["examples"]["write-collision"]["value"]["status"] == 503
    assert "write-collision" not in examples["get"]
