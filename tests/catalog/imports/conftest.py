"""An importer: sends files over HTTP and lets the worker's own handlers deal with what was asked."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select, text

from app import registry
from app.core.clock import utc_now
from app.core.db.transaction import transaction
from app.core.events.events import Delivery, HandlerContext, OutboxEvent, run_external
from app.core.mail import make_mailer
from app.core.settings.groups import MailSettings
from app.core.settings.settings import Settings
from app.identity.permissions import Role
from tests.conftest import Caller, SignUp

IMPORTS = "/api/v1/admin/imports"


def csv_of(rows: Iterable[Mapping[str, object]], delimiter: str = ",") -> bytes:
    """A CSV file of these rows; the first one names the columns."""
    listed = list(rows)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(listed[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(listed)
    return out.getvalue().encode()


def isbn_of(number: int) -> str:
    """A valid ISBN-13, another one for each number."""
    digits = f"978{number:09d}"
    total = sum(int(digit) * (1, 3)[index % 2] for index, digit in enumerate(digits))
    return digits + str((10 - total % 10) % 10)


def books_of(count: int, **fields: object) -> list[dict[str, object]]:
    """So many rows with ISBN and title."""
    return [{"isbn": isbn_of(n), "title": f"Book {n}", **fields} for n in range(1, count + 1)]


@dataclass
class Importer:
    """A moderator with files."""

    app: FastAPI
    http: httpx.AsyncClient
    caller: Caller
    outside: HandlerContext

    async def send(self, content: bytes, filename: str = "books.csv", **fields: str) -> dict[str, Any]:
        """Upload; the job as it was answered."""
        answer = await self.post(content, filename, **fields)
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        assert answer.headers["location"] == f"{IMPORTS}/{job['id']}"
        assert job["state"] == "pending"
        return job

    async def post(self, content: bytes, filename: str = "books.csv", **fields: str) -> httpx.Response:
        """Upload, whatever the answer."""
        return await self.http.post(
            IMPORTS, files={"file": (filename, content)}, data=fields, headers=self.caller.headers
        )

    async def run(self) -> None:
        """Deal with every import event that waits, as the worker does."""
        async with self.app.state.database.sessions.begin() as session:
            waiting = select(OutboxEvent).where(
                OutboxEvent.done_at.is_(None), OutboxEvent.type.like("import.%")
            )
            events = (await session.scalars(waiting.order_by(OutboxEvent.id))).all()
        for event in events:
            await run_external(
                self.outside, Delivery(event.id, 1, event.type, event.payload, "", event.created_at)
            )
            async with self.app.state.database.sessions.begin() as session:
                (await session.get_one(OutboxEvent, event.id)).done_at = utc_now()

    async def finish(self, content: bytes, filename: str = "books.csv", **fields: str) -> dict[str, Any]:
        """Upload and run; the job as it is then."""
        job = await self.send(content, filename, **fields)
        await self.run()
        return await self.job(job["id"])

    async def job(self, job_id: int) -> dict[str, Any]:
        """The job as it is now."""
        return dict((await self.get(f"/{job_id}")).json())

    async def rows(self, job_id: int, **query: str) -> list[dict[str, Any]]:
        """Its rows."""
        answer = await self.get(f"/{job_id}/rows", params=query)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """GET below the imports."""
        return await self.http.get(f"{IMPORTS}{path}", headers=self.caller.headers, **options)

    async def act(self, job_id: int, action: str) -> httpx.Response:
        """Cancel, retry or revert."""
        return await self.http.post(f"{IMPORTS}/{job_id}/{action}", headers=self.caller.headers)

    async def book(self, isbn: str) -> dict[str, Any]:
        """The book with this ISBN."""
        answer = await self.http.get(f"/api/v1/books/isbn/{isbn}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def total(self, kind: str) -> int:
        """How many books, authors, series or works the shop lists."""
        answer = await self.http.get(f"/api/v1/{kind}", params={"limit": 1})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["total"])

    async def books(self) -> list[dict[str, Any]]:
        """Every book that the shop lists."""
        found: list[dict[str, Any]] = []
        page: dict[str, Any] = {"next_cursor": None}
        while "items" not in page or page["has_next"]:
            position = {"cursor": page["next_cursor"]} if found else {}
            page = (await self.http.get("/api/v1/books", params={"limit": 100, **position})).json()
            found += page["items"]
        return found

    async def id_of(self, kind: str, name: str) -> int:
        """The id of the author or series of this name."""
        listed = (await self.http.get(f"/api/v1/{kind}", params={"search": name})).json()["items"]
        (found,) = [one["id"] for one in listed if one["name"] == name]
        return int(found)

    async def counted(self, item_id: int | None = None) -> int:
        """How many pieces the ledger of stock, which no address shows, counts of the item, or of all."""
        total = (
            "SELECT sum(delta) FROM stock_movements WHERE item_id = coalesce(CAST(:id AS bigint), item_id)"
        )
        return int(await self.ask(total, id=item_id))

    async def ask(self, statement: str, **values: object) -> Any:
        """One value that only the database can tell."""
        async with self.app.state.database.reading() as connection:
            return await connection.scalar(text(statement), values)

    async def census(self) -> dict[str, int]:
        """How many rows each table of the catalogue has."""
        tables = (
            "items",
            "books",
            "works",
            "authors",
            "series",
            "categories",
            "contributors",
            "book_categories",
            "stock_levels",
            "stock_movements",
            "price_changes",
            "book_documents",
        )
        return {table: await self.ask(f"SELECT count(*) FROM {table}") for table in tables}  # noqa: S608 (the names above)


@pytest.fixture
async def importer(live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp) -> Importer:
    return make_importer(live_app, live_client, await live_sign_up(Role.MODERATOR))


def make_importer(app: FastAPI, client: httpx.AsyncClient, caller: Caller) -> Importer:
    """An importer on an application that really commits."""
    registry.load_handlers()
    state = app.state
    mailer = make_mailer(settings_with_mail(state.settings))
    outside = HandlerContext(
        lambda: transaction(state.database, state.cache),
        mailer,
        state.settings,
        state.storage,
        state.redis,
        state.outbound,
    )
    return Importer(app, client, caller, outside)


def settings_with_mail(settings: Settings) -> Settings:
    """What the worker needs to start; no import mails anybody."""
    return settings.model_copy(update={"mail": MailSettings(url=SecretStr("smtp://127.0.0.1:1"))})
