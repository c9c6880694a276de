"""What was exported is imported again by a real worker, and nothing changes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app.core.settings.settings import Settings
from app.identity.permissions import Role
from app.worker import Worker
from tests.catalog.exports.odd_books import BARE, NAMELESS, ODD, add_books
from tests.conftest import ROOT, Caller, SignUp

EXPORTS = "/api/v1/admin/exports"
IMPORTS = "/api/v1/admin/imports"
OVER = {"completed", "failed", "cancelled"}
SAMPLE = 200
Import = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def staff(live_sign_up: SignUp) -> Caller:
    return await live_sign_up(Role.MODERATOR)


@pytest.fixture
async def import_file(
    live_app: FastAPI, live_client: httpx.AsyncClient, staff: Caller
) -> AsyncIterator[Import]:
    """Uploads a file and waits until the worker is done with it."""
    settings: Settings = live_app.state.settings
    mail = settings.mail.model_copy(update={"url": SecretStr("smtp://127.0.0.1:1")})
    worker = Worker(settings.model_copy(update={"mail": mail}))
    task = asyncio.create_task(worker.run(is_scheduling=False))

    async def run(content: bytes, **form: str) -> dict[str, Any]:
        files = {"file": ("books", content)}
        answer = await live_client.post(IMPORTS, files=files, data=form, headers=staff.headers)
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        while job["state"] not in OVER:
            await asyncio.sleep(0.02)
            job = (await live_client.get(answer.headers["location"], headers=staff.headers)).json()
        assert job["state"] == "completed", job
        return job

    yield run
    worker.stop()
    await task


@pytest.fixture
async def exported(live_client: httpx.AsyncClient, staff: Caller, import_file: Import) -> Callable[..., Any]:
    """A shop with the beginning of the real catalogue and two awkward books; its exports."""
    await add_books(live_client, staff)
    lines = (ROOT / "app/demo/data/books.csv").read_bytes().splitlines(keepends=True)
    # The Hunger Games is the bare one.
    content = b"".join([lines[0], *lines[2 : SAMPLE + 2]])
    counts = (await import_file(content))["counts"]
    assert (counts["created"], counts["failed"]) == (SAMPLE, 0)

    async def export(**parameters: str) -> bytes:
        answer = await live_client.get(EXPORTS, params=parameters, headers=staff.headers)
        assert answer.status_code == 200, answer.text
        return answer.content

    return export


@pytest.mark.parametrize("form", ["csv", "ndjson", "onix"])
async def test_an_import_of_an_export_changes_nothing(
    exported: Callable[..., Awaitable[bytes]],
    import_file: Import,
    live_client: httpx.AsyncClient,
    staff: Caller,
    form: str,
) -> None:
    for book in (NAMELESS, NAMELESS | {"price": 4}):
        answer = await live_client.post("/api/v1/books", json=book, headers=staff.headers)
        assert answer.status_code == 201, answer.text
    before = await exported(format="ndjson")
    for dry_run in ("true", "false"):
        job = await import_file(await exported(format=form), mode="upsert", dry_run=dry_run)
        counts = {name: count for name, count in job["counts"].items() if count}
        assert counts == {"unchanged": SAMPLE + 4}
    assert await exported(format="ndjson") == before


async def test_an_export_brings_deleted_books_back_as_they_were(
    exported: Callable[..., Awaitable[bytes]],
    import_file: Import,
    live_client: httpx.AsyncClient,
    staff: Caller,
) -> None:
    before, content = await exported(format="ndjson"), await exported(format="csv")
    for isbn in (ODD["isbn"], BARE["isbn"]):
        book = (await live_client.get(f"/api/v1/books/isbn/{isbn}")).json()
        answer = await live_client.delete(f"/api/v1/books/{book['id']}", headers=staff.headers)
        assert answer.status_code == 204
    counts = (await import_file(content, mode="upsert"))["counts"]
    assert (counts["created"], counts["unchanged"], counts["failed"]) == (2, SAMPLE, 0)
    after = await exported(format="ndjson")
    assert sorted(after.splitlines()) == sorted(before.splitlines())
