"""ONIX files over HTTP, applied by a real worker: new, block update, delete; refusals; and the way back."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text

from app.core.settings.settings import Settings
from app.identity.permissions import Role
from app.worker import Worker
from tests.catalog.formats.onix.messages import (
    HOBBIT,
    collateral,
    message,
    price,
    product,
    shortened,
    supply,
)
from tests.conftest import Caller, SignUp

TOWERS = "9780261103573"
Import = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def manager(live_sign_up: SignUp) -> Caller:
    return await live_sign_up(Role.MODERATOR)


@pytest.fixture
async def worker(live_app: FastAPI) -> AsyncIterator[Worker]:
    settings: Settings = live_app.state.settings
    mail = settings.mail.model_copy(update={"url": SecretStr("smtp://127.0.0.1:1")})
    working = Worker(settings.model_copy(update={"mail": mail}))
    task = asyncio.create_task(working.run(is_scheduling=False))
    yield working
    working.stop()
    await task


@pytest.fixture
def import_file(live_client: httpx.AsyncClient, manager: Caller, worker: Worker) -> Import:
    """Uploads a message and waits until its job is over."""
    del worker

    async def run(content: str, **form: str) -> dict[str, Any]:
        files = {"file": ("feed.xml", content.encode(), "application/xml")}
        answer = await live_client.post(
            "/api/v1/admin/imports", files=files, data=form, headers=manager.headers
        )
        assert answer.status_code == 202, answer.text
        while True:
            job: dict[str, Any] = (
                await live_client.get(answer.headers["location"], headers=manager.headers)
            ).json()
            if job["state"] in {"completed", "failed", "cancelled"}:
                return job
            await asyncio.sleep(0.02)

    return run


async def _book(client: httpx.AsyncClient, isbn: str = "9780261102217") -> dict[str, Any] | None:
    answer = await client.get("/api/v1/books", params={"search": isbn})
    items = answer.json()["items"]
    return items[0] if items else None


async def _kept(app: FastAPI) -> list[tuple[str, dict[str, str]]]:
    async with app.state.database.sessions() as session:
        rows = await session.execute(
            text("SELECT record_reference, parts FROM onix_records ORDER BY book_id")
        )
        return [(row.record_reference, row.parts) for row in rows]


def _shown(job: dict[str, Any]) -> tuple[str, dict[str, int]]:
    return job["state"], {name: count for name, count in job["counts"].items() if count}


@pytest.mark.parametrize("is_short", [False, True], ids=["reference names", "short tags"])
async def test_a_feed_creates_updates_blocks_and_deletes(
    live_app: FastAPI, live_client: httpx.AsyncClient, import_file: Import, is_short: bool
) -> None:
    def feed(*products: str) -> str:
        whole = message(*products)
        return shortened(whole) if is_short else whole

    towers = HOBBIT.replace("9780261102217", TOWERS).replace("01734529", "02").replace("Hobbit", "Two Towers")
    towers = towers.replace("<OnHand>12<", "<OnHand>0<")
    job = await import_file(feed(HOBBIT, towers), stock="import")
    assert (_shown(job), job["stock"]) == (("completed", {"created": 2}), "import")
    book = await _book(live_client)
    assert book is not None
    assert (book["title"], book["author"], book["price"], book["quantity"]) == (
        "The Hobbit",
        "J. R. R. Tolkien",
        9.99,
        12,
    )
    assert [one["code"] for one in book["subjects"]] == ["FMB", "FIC009020", "1DDU"]
    kept = dict(await _kept(live_app))
    assert "Christopher Tolkien" in kept["com.globalbookinfo.onix.01734529"]["DescriptiveDetail"]

    assert _shown(await import_file(feed(HOBBIT))) == ("completed", {"unchanged": 1})
    update = product(
        collateral("A new &amp; better text.") + supply(price("12.50")),
        notification="04",
        reference="com.globalbookinfo.onix.01734529",
    )
    deletion = product("", isbn=TOWERS, notification="05")
    refused = product("", notification="05", reference="com.globalbookinfo.onix.01734529")
    unknown = product(collateral("x"), isbn="9780306406157", notification="04")
    assert _shown(await import_file(feed(refused))) == ("completed", {"failed": 1}), "12 of it are in stock"
    job = await import_file(feed(update, deletion, unknown))
    assert _shown(job) == ("completed", {"updated": 1, "deleted": 1, "failed": 1})

    changed = await _book(live_client)
    assert changed is not None
    assert (changed["description"], changed["price"]) == ("A new & better text.", 12.5)
    assert (changed["publisher"], changed["quantity"]) == ("HarperCollins", 12)
    assert await _book(live_client, TOWERS) is None
    ((_, parts),) = await _kept(live_app)
    assert "Christopher Tolkien" in parts["DescriptiveDetail"]
    assert parts["ProductSupply"] == ""


async def test_the_export_imports_as_unchanged(
    live_app: FastAPI, live_client: httpx.AsyncClient, manager: Caller, import_file: Import
) -> None:
    odd = {
        "title": "A < B & ]]> “C”",
        "isbn": "9780306406157",
        "price": 0.5,
        "quantity": 3,
        "author": "Ann O'Dea; Béla",
        "tags": ["kept"],
        "sku": "BK-123456",
        "description": "Use <b>bold</b> & &amp;\n\tindented",
        "first_published": -750,
        "published_on": "1998-05",
        "language": "de-AT",
    }
    created = await live_client.post("/api/v1/books", json=odd, headers=manager.headers)
    assert created.status_code == 201, created.text
    await import_file(message(HOBBIT))
    before = [await _book(live_client), await _book(live_client, "9780306406157"), await _kept(live_app)]

    exported = await live_client.get(
        "/api/v1/admin/exports", params={"format": "onix"}, headers=manager.headers
    )
    assert (exported.status_code, exported.headers["content-type"]) == (200, "application/xml")
    assert _shown(await import_file(exported.text)) == ("completed", {"unchanged": 2})
    after = [await _book(live_client), await _book(live_client, "9780306406157"), await _kept(live_app)]
    assert after == before


async def test_a_dry_run_says_what_would_change_and_keeps_nothing(
    live_app: FastAPI, live_client: httpx.AsyncClient, manager: Caller, import_file: Import
) -> None:
    await import_file(message(HOBBIT))
    kept = await _kept(live_app)
    changed = HOBBIT.replace("<ExtentValue>310", "<ExtentValue>320").replace("178", "180")
    job = await import_file(message(changed), dry_run="true")
    assert _shown(job) == ("completed", {"updated": 1})
    rows = await live_client.get(f"/api/v1/admin/imports/{job['id']}/rows", headers=manager.headers)
    assert rows.json()["items"][0]["changes"] == {"pages": {"old": 310, "new": 320}}
    assert await _kept(live_app) == kept


async def test_failed_products_can_be_downloaded(
    live_client: httpx.AsyncClient, manager: Caller, import_file: Import
) -> None:
    wrong = HOBBIT.replace("9780261102217", "9780261102218")
    job = await import_file(message(wrong, product("", isbn=TOWERS, notification="88")))
    assert _shown(job) == ("completed", {"failed": 2})
    errors = await live_client.get(f"/api/v1/admin/imports/{job['id']}/errors.csv", headers=manager.headers)
    lines = errors.text.lstrip("\ufeff").splitlines()
    assert lines[0] == "record_reference,isbn,title,error"
    assert re.match(r"com\.globalbookinfo\.onix\.01734529,9780261102218,The Hobbit,.*check digit", lines[1])
    assert "test" in lines[2]


BOMB = '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (message(HOBBIT, prolog=BOMB), "DTD"),
        (message(HOBBIT, prolog='<!DOCTYPE x SYSTEM "file:///etc/passwd">'), "DTD"),
        (message(HOBBIT).replace(' release="3.0"', "").replace("3.0/reference", "2.1/reference"), "ONIX 2.1"),
        ("<ONIXMessage><Product><RecordReference>1</RecordReference></Product></ONIXMessage>", "ONIX 2.1"),
        (message(HOBBIT)[:-400], "line"),
    ],
    ids=["entities", "external", "namespace of 2.1", "2.1", "truncated"],
)
async def test_a_file_that_is_not_read_fails_with_the_reason(
    live_client: httpx.AsyncClient, manager: Caller, import_file: Import, content: str, complaint: str
) -> None:
    job = await import_file(content)
    assert job["state"] == "failed"
    assert complaint in job["error"]
    shop = await live_client.get("/health/ready", headers=manager.headers)
    assert shop.status_code == 200


async def test_products_before_the_damage_are_written(
    live_client: httpx.AsyncClient, import_file: Import
) -> None:
    job = await import_file(message(HOBBIT, "<Product><RecordReference>cut"))
    assert job["state"] == "failed"
    assert job["counts"]["created"] == 1
    assert await _book(live_client) is not None
