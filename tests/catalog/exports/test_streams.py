"""Exports as streams: in batches, broken off visibly by a fault, ended with the client."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from starlette.requests import ClientDisconnect
from starlette.types import Message

from app.catalog.exports.service import stream_books
from app.catalog.exports.writers import NdjsonExport
from app.catalog.index.criteria import BookCriteria
from app.core.db.batches import STREAMED_AT_ONCE
from app.core.db.engine import Database
from app.core.http.responses import start_stream
from app.identity.permissions import Role
from tests.conftest import Caller, SignUp, audit_entries

PATH = "/api/v1/admin/exports"
MANY = STREAMED_AT_ONCE * 2 + 100
INSERT = text(
    "WITH w AS (INSERT INTO works (title) VALUES ('x') RETURNING id),"
    " i AS (INSERT INTO items (kind, title, price, currency, owner_id)"
    " SELECT 'book', 'Book ' || n, 1, 'EUR', :owner FROM generate_series(1, :many) n RETURNING id)"
    " INSERT INTO books (item_id, work_id) SELECT i.id, w.id FROM i, w"
)


class Listener:
    """The server's side of one call: keeps what is sent, and does something on the first piece of the body."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.has_request = True

    async def receive(self) -> Message:
        assert self.has_request, "nobody asks whether the client is still there"
        self.has_request = False
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        if message["type"] == "http.response.body":
            await self.on_body()

    async def on_body(self) -> None:
        """What happens when a piece arrives."""

    @property
    def pieces(self) -> list[bytes]:
        return [one["body"] for one in self.messages if one["type"] == "http.response.body"]

    @property
    def is_complete(self) -> bool:
        last = self.messages[-1]
        return last["type"] == "http.response.body" and not last.get("more_body", False)


def scope_of(caller: Caller) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "root_path": "",
        "query_string": b"format=ndjson",
        "headers": [(b"host", b"testserver"), (b"authorization", caller.headers["Authorization"].encode())],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        "state": {},
    }


@pytest.fixture
async def staff(live_app: FastAPI, live_sign_up: SignUp) -> Caller:
    """A moderator in a shop of more books than two batches hold."""
    caller = await live_sign_up(Role.MODERATOR)
    async with live_app.state.database.engine.begin() as arranging:
        await arranging.execute(INSERT, {"owner": caller.id, "many": MANY})
    return caller


async def test_every_book_comes_once_in_pieces_and_no_connection_is_held_between_them(
    live_app: FastAPI, staff: Caller
) -> None:
    database: Database = live_app.state.database
    pool = database.read_engine.pool
    pieces = []
    async for piece in stream_books(database, BookCriteria(), NdjsonExport()):
        assert pool.checkedout() == 0  # type: ignore[attr-defined]  # of the pool in use
        pieces.append(piece)
    assert [piece.count(b"\n") for piece in pieces] == [STREAMED_AT_ONCE, STREAMED_AT_ONCE, 100, 0]
    assert len(set(b"".join(pieces).splitlines())) == MANY
    del staff


async def test_a_full_last_batch_ends_the_file_too(live_app: FastAPI, staff: Caller) -> None:
    del staff
    stream = stream_books(live_app.state.database, BookCriteria(), NdjsonExport(), batch=MANY // 4)
    assert sum([piece.count(b"\n") async for piece in stream]) == MANY


async def test_a_stream_that_was_begun_lacks_nothing(live_app: FastAPI, staff: Caller) -> None:
    del staff
    stream = await start_stream(stream_books(live_app.state.database, BookCriteria(), NdjsonExport()))
    assert sum([piece.count(b"\n") async for piece in stream]) == MANY


async def test_a_fault_on_the_way_breaks_the_answer_off(live_app: FastAPI, staff: Caller) -> None:
    class Breaking(Listener):
        async def on_body(self) -> None:
            async with live_app.state.database.engine.begin() as connection:
                await connection.execute(text("ALTER TABLE IF EXISTS contributors RENAME TO lost"))

    listener = Breaking()
    with pytest.raises(Exception, match="contributors"):
        await live_app(scope_of(staff), listener.receive, listener.send)
    assert listener.messages[0]["status"] == 200
    assert len(listener.pieces) == 1
    assert not listener.is_complete


async def test_a_client_that_leaves_ends_the_export(live_app: FastAPI, staff: Caller) -> None:
    class Leaving(Listener):
        async def on_body(self) -> None:
            raise OSError

    listener = Leaving()
    with pytest.raises(ClientDisconnect):
        await live_app(scope_of(staff), listener.receive, listener.send)
    assert len(listener.pieces) == 1


async def test_an_export_that_nothing_disturbs_is_complete(live_app: FastAPI, staff: Caller) -> None:
    listener = Listener()
    await live_app(scope_of(staff), listener.receive, listener.send)
    assert listener.is_complete
    assert b"".join(listener.pieces).count(b"\n") == MANY


async def test_a_fault_before_the_first_book_is_a_problem_and_no_file(
    live_app: FastAPI, live_client: httpx.AsyncClient, staff: Caller, live_sign_up: SignUp
) -> None:
    async with live_app.state.database.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE contributors RENAME TO lost"))
    answer = await live_client.get(PATH, headers=staff.headers)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert await audit_entries(live_client, await live_sign_up(Role.ADMIN)) == []
