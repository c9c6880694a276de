"""Imports name covers by address: the worker fetches them afterwards, and no row fails by one."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.catalog.pictures import handlers
from app.identity.permissions import Role
from tests.catalog.imports.conftest import IMPORTS, csv_of, isbn_of
from tests.catalog.pictures.pictures import picture, read_cover
from tests.conftest import Caller, SignUp, client_of
from tests.receiver import serve
from tests.worker.conftest import Ask, RunningWorker, StartWorker, all_done, until

from .test_picture_fetches import HTML, Gallery

Row = dict[str, object]


@pytest.fixture
async def gallery() -> AsyncIterator[Gallery]:
    served = Gallery(pictures={"/a.jpg": picture(), "/b.png": picture("PNG", (300, 450)), "/page": HTML})
    async for _ in serve(served, None):
        yield served


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "PAUSES", (0.01,) * 3)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a moderator imports, beside a gallery."""

    client: httpx.AsyncClient
    caller: Caller
    gallery: Gallery
    running_worker: RunningWorker
    ask: Ask

    def row(self, number: int, cover: str, **fields: object) -> Row:
        """A row whose cover is there in the gallery, or at that very address."""
        address = f"http://127.0.0.1:{self.gallery.port}{cover}" if cover.startswith("/") else cover
        return {"isbn": isbn_of(number), "title": f"Book {number}", "cover_url": address, **fields}

    async def send(self, content: bytes, filename: str = "books.csv", **fields: str) -> int:
        files = {"file": (filename, content)}
        answer = await self.client.post(IMPORTS, files=files, data=fields, headers=self.caller.headers)
        assert answer.status_code == 202, answer.text
        return int(answer.json()["id"])

    async def work(self) -> None:
        async with self.running_worker():
            await all_done(self.ask)

    async def bring(self, *rows: Row, **fields: str) -> int:
        """Import them, and fetch what they name."""
        job = await self.send(csv_of(rows), **fields)
        await self.work()
        return job

    async def read(self, path: str, **query: str) -> Any:
        answer = await self.client.get(f"{IMPORTS}/{path}", params=query, headers=self.caller.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def rows(self, job: int, **query: str) -> list[dict[str, Any]]:
        return list((await self.read(f"{job}/rows", **query))["items"])

    async def cover(self, number: int) -> Any:
        book = (await self.client.get(f"/api/v1/books/isbn/{isbn_of(number)}")).json()
        return await read_cover(self.client, book["id"])


@pytest.fixture
async def desk(
    live_app: FastAPI, live_sign_up: SignUp, gallery: Gallery, running_worker: RunningWorker, ask: Ask
) -> AsyncIterator[Desk]:
    async with client_of(live_app) as client:
        yield Desk(client, await live_sign_up(Role.MODERATOR), gallery, running_worker, ask)


async def test_covers_of_new_changed_and_unchanged_books_are_fetched_once(desk: Desk) -> None:
    without = [
        {name: value for name, value in desk.row(n, "/a.jpg").items() if name != "cover_url"} for n in (2, 3)
    ]
    await desk.bring(*without)
    job = await desk.bring(
        desk.row(1, "/a.jpg"), desk.row(2, "/b.png", title="Another"), desk.row(3, "/a.jpg"), desk.row(4, "")
    )
    assert [(await desk.cover(n))["width"] for n in (1, 2, 3)] == [1000, 300, 1000]
    assert await desk.cover(4) is None
    rows = await desk.rows(job)
    assert [row["status"] for row in rows] == ["created", "updated", "unchanged", "created"]
    assert [[note["type"] for note in row["notes"]] for row in rows] == [["cover-wanted"]] * 3 + [[]]
    assert (await desk.read(str(job)))["ignored_columns"] == []
    assert len(desk.gallery.requests) == 3
    again = await desk.bring(desk.row(1, "/a.jpg"), desk.row(2, "/a.jpg", title="Another"), desk.row(3, ""))
    # The same picture from the same place stands there; another one comes, and an empty cell says nothing.
    assert len(desk.gallery.requests) == 4
    assert [(await desk.cover(n))["width"] for n in (1, 2, 3)] == [1000, 1000, 1000]
    assert [len(row["notes"]) for row in await desk.rows(again)] == [0, 1, 0]


@pytest.mark.usefixtures("soon")
async def test_what_cannot_be_fetched_is_a_warning_of_the_row(desk: Desk) -> None:
    job = await desk.bring(
        desk.row(1, "/gone.jpg", price=3),
        desk.row(2, "/page", price="abc"),
        desk.row(3, "http://10.0.0.1/a.jpg"),
        desk.row(4, "file:///etc/passwd"),
        desk.row(5, "no address"),
        desk.row(6, "/" + "a" * 3000),
        desk.row(7, "/a.jpg"),
        desk.row(8, "https://ünïcode.invalid/ä.jpg"),
    )
    rows = await desk.rows(job)
    assert {row["status"] for row in rows} == {"created"}
    warned = [[(one["field"], one["type"]) for one in row["warnings"]] for row in rows]
    assert warned == [
        [("cover_url", "picture-not-served")],
        [("price", warned[1][0][1]), ("cover_url", "unsupported-picture")],
        [("cover_url", "picture-url-refused")],
        [("cover_url", "picture-url-refused")],
        [("cover_url", "url_parsing")],
        [("cover_url", "string_too_long")],
        [],
        [("cover_url", warned[7][0][1])],
    ]
    assert all(one["message"] for row in rows for one in row["warnings"])
    found = await desk.read(str(job))
    assert (found["state"], found["warned"], found["counts"]["failed"]) == ("completed", 7, 0)
    assert [row["number"] for row in await desk.rows(job, has_warnings="false")] == [7]
    assert await desk.ask("SELECT count(*) FROM dead_letters") == 0


@pytest.mark.parametrize("fields", [{"dry_run": "true"}, {"on_error": "abort"}], ids=str)
async def test_what_is_not_written_is_not_fetched(desk: Desk, fields: dict[str, str]) -> None:
    bad = {**desk.row(2, "/a.jpg"), "isbn": "123"}
    job = await desk.bring(desk.row(1, "/a.jpg"), bad, **fields)
    assert desk.gallery.requests == []
    assert await desk.ask("SELECT count(*) FROM picture_fetches") == 0
    assert (await desk.read(str(job)))["counts"]["failed"] == 1


async def test_a_file_of_objects_and_a_mapping_name_covers_too(desk: Desk) -> None:
    row = desk.row(1, "/a.jpg?width=1&copy=2&amp;lang=de")
    desk.gallery.pictures["/a.jpg"] = picture()
    await desk.send(json.dumps(row).encode(), "books.ndjson")
    await desk.work()
    assert desk.gallery.requests[0][0].path_qs == "/a.jpg?width=1&copy=2&amp;lang=de"
    other = desk.row(2, "/b.png")
    other["Bild"] = other.pop("cover_url")
    await desk.bring(other, mapping='{"Bild": "cover_url"}')
    assert [(await desk.cover(n))["width"] for n in (1, 2)] == [1000, 300]


async def test_a_revert_takes_covers_for_the_imports_own(desk: Desk) -> None:
    await desk.bring({"isbn": isbn_of(1), "title": "Before"})
    job = await desk.bring(desk.row(1, "/a.jpg"), desk.row(2, "/a.jpg"))
    assert (await desk.cover(1))["width"] == 1000
    answer = await desk.client.post(f"{IMPORTS}/{job}/revert", headers=desk.caller.headers)
    assert answer.status_code == 202, answer.text
    await desk.work()
    revert = (await desk.read(str(job)))["revert"]
    assert (revert["reverted"], revert["left"]) == (2, 0)
    book = (await desk.client.get(f"/api/v1/books/isbn/{isbn_of(1)}")).json()
    assert book["title"] == "Before"
    assert (await desk.client.get(f"/api/v1/books/isbn/{isbn_of(2)}")).status_code == 404


async def test_a_newer_cover_of_somebody_stays(desk: Desk) -> None:
    desk.gallery.gate = asyncio.Event()
    job = await desk.send(csv_of([desk.row(1, "/a.jpg")]))
    async with desk.running_worker():

        async def is_fetching() -> object:
            return desk.gallery.requests

        await until(is_fetching)
        book = (await desk.client.get(f"/api/v1/books/isbn/{isbn_of(1)}")).json()
        put = await desk.client.put(
            f"/api/v1/books/{book['id']}/cover",
            files={"file": ("c.png", picture("PNG", (300, 450)))},
            headers=desk.caller.headers,
        )
        assert put.status_code in {200, 201}, put.text
        desk.gallery.gate.set()
        await all_done(desk.ask)
    assert (await desk.cover(1))["width"] == 300
    [row] = await desk.rows(job)
    assert [one["type"] for one in row["warnings"]] == ["picture-replaced"]


async def test_a_worker_that_is_killed_while_it_fetches_is_followed_by_one_that_does(
    desk: Desk, start_worker: StartWorker
) -> None:
    desk.gallery.gate = asyncio.Event()
    job = await desk.send(csv_of([desk.row(1, "/a.jpg"), desk.row(2, "/gone.jpg")]))
    worker = start_worker(ENVIRONMENT="testing", OUTBOUND_NETWORKS="127.0.0.0/8")

    async def are_fetching() -> object:
        return len(desk.gallery.requests) >= 2

    await until(are_fetching)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    desk.gallery.gate.set()
    await desk.work()
    assert (await desk.cover(1))["width"] == 1000
    rows = await desk.rows(job)
    assert [[one["type"] for one in row["warnings"]] for row in rows] == [[], ["picture-not-served"]]
    assert (await desk.read(str(job)))["warned"] == 1
