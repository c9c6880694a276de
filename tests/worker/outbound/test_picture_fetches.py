"""Covers by address: fetched by the worker, treated as an upload, refused with a reason, never put over newer ones."""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from aiohttp import web
from fastapi import FastAPI

from app.catalog.pictures import handlers
from app.identity.permissions import Role
from tests.catalog.pictures.pictures import (
    animation,
    make_book,
    opened,
    path_of,
    picture,
    png_of,
    put_cover,
    read_cover,
)
from tests.conftest import Caller, SignUp, client_of
from tests.receiver import Receiver, serve
from tests.worker.conftest import Ask, Change, RunningWorker, StartWorker, all_done, until

HTML = b"<html>no picture</html>"


@dataclass
class Gallery(Receiver):
    """Serves pictures by path, under whatever type."""

    pictures: dict[str, bytes] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    """What is answered first."""
    gate: asyncio.Event | None = None

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append((request, b""))
        if self.gate is not None:
            await self.gate.wait()
        if self.statuses:
            return web.Response(status=self.statuses.pop(0), headers={"Location": "http://127.0.0.1:1/"})
        if request.path not in self.pictures:
            return web.Response(status=404)
        return web.Response(body=self.pictures[request.path], content_type="text/html")


@dataclass(frozen=True, slots=True)
class Shelf:
    client: httpx.AsyncClient
    seller: Caller
    gallery: Gallery

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.gallery.port}{path}"

    async def want(self, book_id: int, path: str = "/a.jpg", **headers: str) -> str:
        """Ask for the cover to be fetched; where to look how it stands."""
        answer = await self.client.put(
            path_of(book_id), json={"url": self.url(path)}, headers={**self.seller.headers, **headers}
        )
        assert (answer.status_code, answer.json()["state"]) == (202, "pending"), answer.text
        return answer.headers["location"]

    async def fetch(self, location: str) -> dict[str, Any]:
        answer = await self.client.get(location, headers=self.seller.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
async def gallery() -> AsyncIterator[Gallery]:
    served = Gallery(pictures={"/a.jpg": picture(), "/b.png": picture("PNG", (300, 450))})
    async for _ in serve(served, None):
        yield served


@pytest.fixture
async def shelf(live_app: FastAPI, live_sign_up: SignUp, gallery: Gallery) -> AsyncIterator[Shelf]:
    async with client_of(live_app) as client:
        yield Shelf(client, await live_sign_up(), gallery)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "PAUSES", (0.01,) * 3)


async def test_a_picture_is_fetched_and_becomes_the_cover_as_an_upload_would(
    shelf: Shelf, ask: Ask, running_worker: RunningWorker
) -> None:
    book_id = await make_book(shelf.client, shelf.seller)
    location = await shelf.want(book_id)
    assert await read_cover(shelf.client, book_id) is None
    async with running_worker():
        await all_done(ask)
    fetch = await shelf.fetch(location)
    assert (fetch["state"], fetch["tries"], fetch["problem"]) == ("done", 1, None)
    cover = await read_cover(shelf.client, book_id)
    assert cover is not None
    assert (cover["width"], cover["height"]) == (1000, 1500)
    assert fetch["picture"] in cover["urls"]["l"]
    served = await shelf.client.get(cover["urls"]["m"])
    # What its server called text is a picture by its content.
    assert opened(served.content).format == "WEBP"


async def test_other_pictures_of_an_item_come_by_address_too(
    shelf: Shelf, ask: Ask, running_worker: RunningWorker
) -> None:
    book_id = await make_book(shelf.client, shelf.seller)
    place = f"/api/v1/items/{book_id}/pictures"
    gap = await shelf.client.put(
        f"{place}/2", json={"url": shelf.url("/a.jpg")}, headers=shelf.seller.headers
    )
    assert gap.json()["code"] == "picture-gap"
    await shelf.want(book_id)
    async with running_worker():
        await all_done(ask)
        second = await shelf.client.put(
            f"{place}/2", json={"url": shelf.url("/b.png")}, headers=shelf.seller.headers
        )
        assert (second.status_code, second.json()["number"]) == (202, 2)
        await all_done(ask)
    item = (await shelf.client.get(f"/api/v1/items/{book_id}")).json()
    assert [one["width"] for one in item["pictures"]] == [1000, 300]


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (HTML, "unsupported-picture"),
        (b"", "unsupported-picture"),
        (picture()[:2000], "broken-picture"),
        (animation("GIF"), "unsupported-picture"),
        (animation("WEBP"), "animated-picture"),
        (png_of(60_000, 60_000, b"0" * 100), "picture-too-detailed"),
        (b"\xff\xd8" + b"x" * (10 * 1024 * 1024), "upload-too-large"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported-picture"),
    ],
    ids=["html", "nothing", "broken", "gif", "animated", "bomb", "large", "svg"],
)
async def test_what_an_upload_may_not_be_is_refused_with_the_same_reason(
    shelf: Shelf, ask: Ask, running_worker: RunningWorker, content: bytes, code: str
) -> None:
    shelf.gallery.pictures["/x"] = content
    book_id = await make_book(shelf.client, shelf.seller)
    location = await shelf.want(book_id, "/x")
    async with running_worker():
        await all_done(ask)
    fetch = await shelf.fetch(location)
    assert (fetch["state"], fetch["problem"]["code"], fetch["tries"]) == ("failed", code, 1)
    assert await read_cover(shelf.client, book_id) is None
    assert not await ask("SELECT count(*) FROM dead_letters")


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    ("statuses", "tries", "state"),
    [
        ([302], 1, "failed"),
        ([307], 1, "failed"),
        ([404], 1, "failed"),
        ([206], 1, "failed"),
        ([503, 429], 3, "done"),
        ([500, 500, 500, 500], 4, "failed"),
    ],
)
async def test_redirects_and_refusals_end_it_and_faults_are_tried_again(
    shelf: Shelf, ask: Ask, running_worker: RunningWorker, statuses: list[int], tries: int, state: str
) -> None:
    shelf.gallery.statuses = list(statuses)
    book_id = await make_book(shelf.client, shelf.seller)
    location = await shelf.want(book_id)
    async with running_worker():
        await all_done(ask)
    fetch = await shelf.fetch(location)
    assert fetch["state"] == state
    # On a busy machine a try may end unanswered besides.
    assert fetch["tries"] >= tries
    assert len(shelf.gallery.requests) >= tries
    if state == "failed":
        assert fetch["problem"]["code"] == "picture-not-served"
        assert str(statuses[-1]) in fetch["problem"]["detail"]


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    ("url", "code"),
    [("http://10.0.0.1/a.jpg", "picture-url-refused"), ("http://127.0.0.1:1/a.jpg", "picture-not-served")],
)
async def test_an_address_that_means_another_host_by_then_is_not_called(
    shelf: Shelf, ask: Ask, change: Change, running_worker: RunningWorker, url: str, code: str
) -> None:
    book_id = await make_book(shelf.client, shelf.seller)
    location = await shelf.want(book_id)
    # Colons begin parameters.
    await change("UPDATE picture_fetches SET url = '{}'".format(url.replace(":", "\\:")))  # noqa: S608 (of this test)
    async with running_worker():
        await all_done(ask)
    assert (await shelf.fetch(location))["problem"]["code"] == code
    assert not shelf.gallery.requests


async def test_what_was_put_there_meanwhile_stays(
    shelf: Shelf, ask: Ask, running_worker: RunningWorker
) -> None:
    book_id = await make_book(shelf.client, shelf.seller)
    first, second = await shelf.want(book_id), await shelf.want(book_id, "/b.png")
    own = (await put_cover(shelf.client, shelf.seller, book_id, picture(size=(200, 300)))).json()["cover"]
    async with running_worker():
        await all_done(ask)
    for location in (first, second):
        assert (await shelf.fetch(location))["problem"]["code"] == "picture-replaced"
    assert await read_cover(shelf.client, book_id) == own


async def test_who_may_no_longer_edit_the_book_changes_nothing(
    shelf: Shelf, live_sign_up: SignUp, ask: Ask, change: Change, running_worker: RunningWorker
) -> None:
    moderator = await live_sign_up(Role.MODERATOR)
    book_id = await make_book(shelf.client, shelf.seller)
    by_staff = await shelf.client.put(
        path_of(book_id), json={"url": shelf.url("/a.jpg")}, headers=moderator.headers
    )
    await change(f"UPDATE users SET role = 'user' WHERE id = {moderator.id}")  # noqa: S608 (of this test)
    async with running_worker():
        await all_done(ask)
        assert (await shelf.fetch(by_staff.headers["location"]))["problem"]["code"] == "not-your-item"
        location = await shelf.want(book_id)
        await change("UPDATE users SET is_active = false")
        await all_done(ask)
    assert await ask("SELECT code FROM picture_fetches ORDER BY id DESC LIMIT 1") == "not-your-item"
    assert await read_cover(shelf.client, book_id) is None
    assert location.endswith("/2")


async def test_a_book_deleted_meanwhile_and_its_fetch_are_gone(
    shelf: Shelf, ask: Ask, running_worker: RunningWorker
) -> None:
    book_id = await make_book(shelf.client, shelf.seller)
    location = await shelf.want(book_id)
    deleted = await shelf.client.delete(f"/api/v1/books/{book_id}", headers=shelf.seller.headers)
    assert deleted.status_code == 204
    async with running_worker():
        await all_done(ask)
    assert not await ask("SELECT count(*) FROM dead_letters")
    assert not await ask("SELECT count(*) FROM picture_fetches WHERE state = 'done'")
    del location


async def test_a_killed_worker_s_fetch_is_made_again_and_put_once(
    shelf: Shelf, ask: Ask, start_worker: StartWorker, running_worker: RunningWorker
) -> None:
    book_id = await make_book(shelf.client, shelf.seller)
    shelf.gallery.gate = asyncio.Event()
    location = await shelf.want(book_id)
    killed = start_worker("worker", ENVIRONMENT="testing", OUTBOUND_NETWORKS="127.0.0.0/8")

    async def is_asked() -> object:
        return shelf.gallery.requests

    await until(is_asked)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    shelf.gallery.gate.set()
    async with running_worker():
        await all_done(ask)
    fetch = await shelf.fetch(location)
    assert (fetch["state"], fetch["tries"]) == ("done", 2)
    book = (await shelf.client.get(f"/api/v1/books/{book_id}")).json()
    assert book["version"] == 2
