"""Reports that the worker makes: every kind in every format, with the figures of the shop; killed, broken, over."""

import asyncio
import csv
import io
import os
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from pypdf import PdfReader
from sqlalchemy import text

from app.admin.reports.events import ReportsToPurge
from app.admin.reports.schemas import ReportFormat, ReportType
from app.catalog.models import Item, SearchMiss
from app.core.settings.settings import Settings
from app.identity.permissions import Role
from app.sales.invoices.service import InvoiceService
from app.sales.models import OrderLine, Return
from tests.admin.books_of_account import a_refund, a_sale
from tests.admin.test_statistics import in_berlin
from tests.conftest import Caller, SignUp
from tests.factories import ADDRESS, a_book, once

from .conftest import Ask, Change, Publish, RunningWorker, StartWorker, all_done, until

GENERATE = "/api/v1/reports/generate"
MARCH = {"from": "2026-03-01", "to": "2026-03-08", "tz": "Europe/Berlin"}


@pytest.fixture
async def shop(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp, worker_settings: Settings
) -> dict[str, Any]:
    """Two books, three orders, a refund, a return, invoices, and a search that found nothing; all in March."""
    seller = await live_sign_up()
    hobbit = await a_book(live_client, seller, "The Hobbit", price=10, quantity=6, isbn="9780261102217")
    dusty = await a_book(live_client, seller, "=Dusty", price=7, quantity=2)
    async with live_app.state.database.sessions.begin() as session:
        for book in (hobbit, dusty):
            (await session.get_one(Item, book["id"])).created_at = in_berlin(1, 0) - timedelta(days=1)
        german = {**ADDRESS, "country": "DE", "state": None, "street_line_2": None, "phone": None}
        priced: dict[str, Any] = {
            "subtotal": Decimal(30),
            "tax": Decimal("1.96"),
            "total": Decimal(30),
            "address": german,
        }
        order = await a_sale(session, in_berlin(2, 9), (hobbit["id"], 3, 10), **priced)
        await session.execute(text("UPDATE order_lines SET tax = 1.96"))
        await a_sale(session, in_berlin(5, 0), (hobbit["id"], 1, 10), currency="CHF")
        await a_sale(session, in_berlin(8, 0), (dusty["id"], 9, 7))
        refund = await a_refund(session, order, in_berlin(4, 9), 10)
        invoices = InvoiceService.build(session, worker_settings.shop)
        await invoices.issue_invoice(order.id)
        await invoices.issue_credit_note(order.id, refund.id, refund.amount)
        [line_id] = (
            await session.scalars(
                OrderLine.__table__.select()
                .with_only_columns(OrderLine.id)
                .where(OrderLine.order_id == order.id)
            )
        ).all()
        lines = [{"line_id": line_id, "quantity": 2, "received": 1, "damaged": 1}]
        back = Return(
            order_id=order.id, status="received", reason="Torn", lines=lines, created_at=in_berlin(3, 9)
        )
        session.add(back)
        session.add(SearchMiss(query="necronomicon", count=7, last_at=in_berlin(3, 9)))
        session.add(SearchMiss(query="too late", count=9, last_at=in_berlin(8, 0)))
    async with live_app.state.database.sessions.begin() as session:
        # Invoices are never changed: what a later day issued is read as of that day.
        await session.execute(text("ALTER TABLE invoices DISABLE TRIGGER USER"))
        await session.execute(text("UPDATE invoices SET created_at = '2026-03-02T09:00:00Z'"))
        await session.execute(text("ALTER TABLE invoices ENABLE TRIGGER USER"))
    return {"hobbit": hobbit["id"], "dusty": dusty["id"]}


async def ask_for(client: httpx.AsyncClient, caller: Caller, **fields: str) -> str:
    """A report that was asked for; where its task is."""
    answer = await client.post(GENERATE, json={**MARCH, **fields}, headers=once(caller))
    assert answer.status_code == 202, answer.text
    return str(answer.headers["location"])


async def fetch(client: httpx.AsyncClient, caller: Caller, at: str) -> httpx.Response:
    """The file, once it is there."""

    async def is_over() -> bool:
        return bool((await client.get(at, headers=caller.headers)).json()["status"] != "processing")

    await until(is_over)
    told = (await client.get(at, headers=caller.headers)).json()
    assert (told["status"], told["percent"]) == ("done", 100), told
    answer = await client.get(f"{at}/result", headers=caller.headers)
    assert answer.status_code == 200
    assert len(answer.content) == told["result"]["size"]
    return answer


async def test_every_report_is_made_in_every_format(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, running_worker: RunningWorker, shop: dict[str, Any]
) -> None:
    found: dict[ReportType, dict[ReportFormat, httpx.Response]] = {}
    async with running_worker():
        for kind in ReportType:
            admin = await live_sign_up(Role.ADMIN)
            tasks = {
                form: await ask_for(live_client, admin, report_type=kind, format=form)
                for form in ReportFormat
            }
            found[kind] = {form: await fetch(live_client, admin, at) for form, at in tasks.items()}

    rows = {kind: orjson.loads(files[ReportFormat.JSON].content)["rows"] for kind, files in found.items()}
    expected = figures(shop)
    for kind, files in found.items():
        assert rows[kind], kind
        assert {name: rows[kind][0][name] for name in expected[kind]} == expected[kind], kind
        table = list(csv.DictReader(io.StringIO(files[ReportFormat.CSV].text)))
        assert len(table) == len(rows[kind]), kind
        assert list(table[0]) == list(rows[kind][0]), kind
        pages = [page.extract_text() for page in PdfReader(io.BytesIO(files[ReportFormat.PDF].content)).pages]
        said = "\n".join(pages)
        assert kind.replace("_", " ").capitalize() in said, kind
        assert "2026-03-01 00:00 to 2026-03-08 00:00 (Europe/Berlin)" in said, kind
    assert {kind: len(some) for kind, some in rows.items()} == {
        ReportType.SALES: 14,
        ReportType.BEST_SELLERS: 2,
        ReportType.STOCK_VALUE: 2,
        ReportType.DEAD_STOCK: 1,
        ReportType.RETURNS: 1,
        ReportType.TAX: 1,
        ReportType.SELL_THROUGH: 2,
        ReportType.SEARCH_WITHOUT_RESULT: 1,
    }
    dead = next(csv.DictReader(io.StringIO(found[ReportType.DEAD_STOCK][ReportFormat.CSV].text)))
    assert dead["title"] == "'=Dusty"
    second = rows[ReportType.SALES][1]
    assert (second["starts_at"], second["orders"], second["total"]) == ("2026-03-02T00:00:00+01:00", 1, 30)
    assert rows[ReportType.SALES][3]["refunded"] == 10


def figures(shop: dict[str, Any]) -> dict[ReportType, dict[str, Any]]:
    """Of the first row of each report."""
    hobbit = {"item_id": shop["hobbit"], "title": "The Hobbit", "isbn": "9780261102217"}
    return {
        ReportType.SALES: {
            "currency": "EUR",
            "starts_at": "2026-03-01T00:00:00+01:00",
            "orders": 0,
            "total": 0,
        },
        ReportType.BEST_SELLERS: {**hobbit, "currency": "CHF", "place": 1, "items": 1, "revenue": 10},
        ReportType.STOCK_VALUE: {**hobbit, "on_hand": 6, "price": 10, "value": 60},
        ReportType.DEAD_STOCK: {
            "item_id": shop["dusty"],
            "title": "=Dusty",
            "on_hand": 2,
            "value": 14,
            "last_sold_at": "2026-03-08T00:00:00+01:00",
        },
        ReportType.RETURNS: {
            "item_id": shop["hobbit"],
            "returns": 1,
            "pieces": 2,
            "received": 1,
            "damaged": 1,
            "sold": 4,
            "return_rate": 0.5,
        },
        ReportType.TAX: {
            "country": "DE",
            "rate": 0.07,
            "currency": "EUR",
            "invoices": 1,
            "credit_notes": 1,
            "net": 18.69,
            "tax": 1.31,
            "gross": 20,
        },
        ReportType.SELL_THROUGH: {**hobbit, "sold": 4, "on_hand": 6, "sell_through": 0.4},
        ReportType.SEARCH_WITHOUT_RESULT: {"query": "necronomicon", "searches": 7},
    }


async def test_after_a_kill_the_report_is_made_from_the_beginning(
    live_app: FastAPI,
    live_client: httpx.AsyncClient,
    live_sign_up: SignUp,
    start_worker: StartWorker,
    ask: Ask,
    shop: dict[str, Any],
) -> None:
    del shop
    admin = await live_sign_up(Role.ADMIN)
    async with live_app.state.database.sessions() as session:
        # Whoever reads the sales waits for this lock.
        await session.execute(text("LOCK TABLE sales_quarters IN ACCESS EXCLUSIVE MODE"))
        at = await ask_for(live_client, admin, report_type="sales", format="json")
        worker = start_worker()

        async def is_waiting() -> object:
            return await ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")

        await until(is_waiting)
        assert (await live_client.get(at, headers=admin.headers)).json()["percent"] == 5
        worker.kill()
        worker.wait()
    assert (await live_client.get(at, headers=admin.headers)).json()["status"] == "processing"

    start_worker()

    file = await fetch(live_client, admin, at)
    assert sum(row["orders"] for row in file.json()["rows"]) == 2


async def test_of_many_requests_at_one_moment_three_are_taken(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, ask: Ask
) -> None:
    admin = await live_sign_up(Role.ADMIN)
    wanted = {**MARCH, "report_type": "sales"}
    sent = [live_client.post(GENERATE, json=wanted, headers=once(admin)) for _ in range(8)]

    answers = await asyncio.gather(*sent)

    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [409] * 5
    assert await ask("SELECT count(*) FROM report_tasks") == 3
    assert await ask("SELECT count(*) FROM outbox_events WHERE type = 'report.requested'") == 3


async def test_a_report_that_cannot_be_made_has_failed_and_says_so(
    live_client: httpx.AsyncClient,
    live_sign_up: SignUp,
    running_worker: RunningWorker,
    change: Change,
    ask: Ask,
) -> None:
    admin = await live_sign_up(Role.ADMIN)
    await change("ALTER TABLE search_misses RENAME COLUMN query TO asked")
    async with running_worker():
        at = await ask_for(live_client, admin, report_type="search_without_result", format="csv")
        await all_done(ask)

    told = (await live_client.get(at, headers=admin.headers)).json()

    assert (told["status"], told["result"]) == ("failed", None)
    assert told["error"].startswith("A fault on our side: ")
    assert await ask("SELECT count(*) FROM dead_letters") == 0
    # Its slot is free again, and what is made is not made twice.
    for _ in range(3):
        await ask_for(live_client, admin, report_type="tax", format="csv")


async def test_a_report_that_takes_too_long_is_not_tried_for_ever(
    live_app: FastAPI,
    live_client: httpx.AsyncClient,
    live_sign_up: SignUp,
    running_worker: RunningWorker,
    ask: Ask,
) -> None:
    admin = await live_sign_up(Role.ADMIN)
    async with running_worker(), live_app.state.database.sessions() as session:
        # Whoever reads the sales waits for this lock, until it is cancelled, as by the statement's time-out.
        await session.execute(text("LOCK TABLE sales_quarters IN ACCESS EXCLUSIVE MODE"))
        at = await ask_for(live_client, admin, report_type="sales", format="json")
        waiting = (
            "SELECT max(pg_cancel_backend(pid)::int) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        )

        async def is_cancelled() -> object:
            return await ask(waiting)

        await until(is_cancelled)
        await all_done(ask)

    told = (await live_client.get(at, headers=admin.headers)).json()
    assert (told["status"], told["error"]) == (
        "failed",
        "It took longer than two minutes; ask for a shorter period.",
    )


async def test_what_was_kept_for_a_week_is_deleted_with_its_file(
    live_client: httpx.AsyncClient,
    live_sign_up: SignUp,
    running_worker: RunningWorker,
    change: Change,
    tell: Publish,
    worker_settings: Settings,
) -> None:
    admin = await live_sign_up(Role.ADMIN)
    async with running_worker():
        tasks = {
            form: await ask_for(live_client, admin, report_type="sales", format=form) for form in ReportFormat
        }
        for at in tasks.values():
            await fetch(live_client, admin, at)
        await change("UPDATE report_tasks SET expires_at = now() - interval '1 day' WHERE format = 'pdf'")
        await change(
            "UPDATE report_tasks SET status = 'processing', size = NULL, percent = 50,"
            " created_at = now() - interval '2 days' WHERE format = 'json'"
        )
        folder = worker_settings.storage.folder
        assert folder is not None
        over, kept, _ = (
            folder / "reports" / f"{at.rpartition('/')[2]}.{form}" for form, at in by_name(tasks)
        )
        for file in (over, kept):
            # Younger ones may be about to get their tasks.
            os.utime(file, (0, 0))
        await tell(ReportsToPurge())

        async def is_gone() -> bool:
            return not over.exists()

        await until(is_gone)

    assert kept.exists()
    told = (await live_client.get(tasks[ReportFormat.JSON], headers=admin.headers)).json()
    assert (told["status"], told["error"]) == ("failed", "It was not made within a day; ask again.")
    assert (await live_client.get(tasks[ReportFormat.PDF], headers=admin.headers)).status_code == 404
    result = await live_client.get(f"{tasks[ReportFormat.CSV]}/result", headers=admin.headers)
    assert result.status_code == 200


def by_name(tasks: dict[ReportFormat, str]) -> list[tuple[ReportFormat, str]]:
    """PDF, CSV, JSON."""
    return [(form, tasks[form]) for form in (ReportFormat.PDF, ReportFormat.CSV, ReportFormat.JSON)]
