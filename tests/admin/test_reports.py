"""Asking for reports: what is taken, whose it is, how long it is there."""

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from fastapi import FastAPI
from pypdf import PdfReader
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.reports import contents
from app.admin.reports.contents import Asked, make_table
from app.admin.reports.models import ReportStatus, ReportTask
from app.admin.reports.printing import print_report
from app.admin.reports.repository import ReportRepository
from app.admin.reports.schemas import ReportFormat, ReportType
from app.admin.reports.tables import Bar, Chart, Column, Kind, Table
from app.admin.reports.tasks import path_of
from app.admin.reports.writers import write_csv, write_json
from app.admin.stats.periods import Period, zone_of
from app.catalog.models import Item
from app.core.clock import utc_now
from app.identity.permissions import Role
from tests.conftest import Audit, Caller, SignUp, events_of
from tests.factories import a_book, once

from .books_of_account import a_sale

GENERATE = "/api/v1/reports/generate"
MARCH = {
    "report_type": "sales",
    "from": "2026-03-01",
    "to": "2026-04-01",
    "tz": "Europe/Berlin",
    "format": "csv",
}


@pytest.fixture
async def admin(sign_up: SignUp) -> Caller:
    return await sign_up(Role.ADMIN)


async def a_report(client: httpx.AsyncClient, caller: Caller, **fields: str) -> str:
    """A report that was asked for; where its task is."""
    answer = await client.post(GENERATE, json={**MARCH, **fields}, headers=once(caller))
    assert answer.status_code == 202, answer.text
    return str(answer.headers["location"])


async def made(app: FastAPI, session: AsyncSession, at: str, content: bytes = b"a,b\r\n") -> None:
    """Make the report as the worker does."""
    task_id = at.rpartition("/")[2]
    [task] = [one for one in await session.scalars(select(ReportTask)) if str(one.id) == task_id]
    await app.state.storage.opened.put(path_of(task.id, ReportFormat(task.format)), content)
    task.status, task.size = ReportStatus.DONE, len(content)
    task.percent = 100
    await session.commit()


async def test_a_report_is_taken_and_told_of(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller, audit: Audit
) -> None:
    answer = await client.post(GENERATE, json=MARCH, headers=once(admin))

    assert answer.status_code == 202
    started = answer.json()
    assert started.keys() == {"task_id", "status"}
    assert started["status"] == "processing"
    assert answer.headers["location"] == f"/api/v1/tasks/{started['task_id']}"
    task = await client.get(answer.headers["location"], headers=admin.headers)
    assert task.headers["cache-control"] == "private, no-store"
    told = task.json()
    assert told["task_id"] == started["task_id"]
    assert (told["status"], told["percent"], told["result"], told["error"]) == ("processing", 0, None, None)
    assert (told["starts_at"], told["ends_at"]) == ("2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z")
    assert (told["report_type"], told["format"], told["tz"]) == ("sales", "csv", "Europe/Berlin")
    kept = datetime.fromisoformat(told["expires_at"]) - datetime.fromisoformat(told["created_at"])
    assert timedelta(days=6, hours=23) < kept < timedelta(days=7, hours=1)
    assert await events_of(session, "report.requested") == [{"task_id": started["task_id"]}]
    [entry] = await audit(action="report.requested")
    assert (entry["target_id"], entry["actor_id"]) == (started["task_id"], admin.id)
    assert entry["changes"]["report_type"] == [None, "sales"]
    result = await client.get(f"{answer.headers['location']}/result", headers=admin.headers)
    assert (result.status_code, result.json()["code"]) == (409, "report-not-ready")


async def test_the_same_request_again_is_the_same_report(client: httpx.AsyncClient, admin: Caller) -> None:
    headers = once(admin)
    first = await client.post(GENERATE, json=MARCH, headers=headers)
    again = await client.post(GENERATE, json=MARCH, headers=headers)

    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]


async def test_a_report_that_is_done_is_downloaded_by_its_owner_alone(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, admin: Caller, sign_up: SignUp
) -> None:
    at = await a_report(client, admin)
    await made(app, session, at)

    result = (await client.get(at, headers=admin.headers)).json()["result"]
    assert result == {
        "url": f"https://localhost:8000{at}/result",
        "name": "sales-2026-03-01-2026-04-01.csv",
        "size": 5,
        "content_type": "text/csv; charset=utf-8",
    }
    file = await client.get(f"{at}/result", headers=admin.headers)
    assert (file.status_code, file.content) == (200, b"a,b\r\n")
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert file.headers["content-disposition"] == 'attachment; filename="sales-2026-03-01-2026-04-01.csv"'
    assert file.headers["cache-control"] == "private, no-store"
    other, moderator = await sign_up(Role.SUPER_ADMIN), await sign_up(Role.MODERATOR)
    for path in (at, f"{at}/result"):
        refused = await client.get(path, headers=other.headers)
        assert (refused.status_code, refused.json()["code"]) == (404, "task-not-found")
        assert (await client.get(path, headers=moderator.headers)).status_code == 403
        assert (await client.get(path)).status_code == 401


async def test_after_a_week_there_is_neither_task_nor_file(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    at = await a_report(client, admin)
    await made(app, session, at)
    await session.execute(update(ReportTask).values(expires_at=utc_now()))
    await session.commit()

    for path in (at, f"{at}/result"):
        assert (await client.get(path, headers=admin.headers)).status_code == 404


async def test_a_file_that_the_store_has_lost_is_gone(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    at = await a_report(client, admin)
    await made(app, session, at)
    task_id = at.rpartition("/")[2]
    await app.state.storage.opened.delete([f"reports/{task_id}.csv"])

    answer = await client.get(f"{at}/result", headers=admin.headers)

    assert (answer.status_code, answer.json()["code"]) == (410, "report-lost")


async def test_a_report_that_failed_says_why(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    at = await a_report(client, admin)
    await session.execute(update(ReportTask).values(status=ReportStatus.FAILED, error="The moon."))
    await session.commit()

    told = (await client.get(at, headers=admin.headers)).json()
    assert (told["status"], told["error"], told["result"]) == ("failed", "The moon.", None)
    answer = await client.get(f"{at}/result", headers=admin.headers)
    assert answer.status_code == 409
    assert "The moon." in answer.json()["detail"]


async def test_three_reports_of_an_account_are_made_at_once(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, admin: Caller, sign_up: SignUp
) -> None:
    first = await a_report(client, admin)
    for _ in range(2):
        await a_report(client, admin)

    refused = await client.post(GENERATE, json=MARCH, headers=once(admin))

    assert (refused.status_code, refused.json()["code"]) == (409, "too-many-reports")
    await a_report(client, await sign_up(Role.ADMIN))
    await made(app, session, first)
    await a_report(client, admin)


async def test_another_attempt_takes_no_percent_back(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    at = await a_report(client, admin)
    reports, task_id = ReportRepository(session), UUID(at.rpartition("/")[2])
    for percent in (50, 5):
        await reports.note_progress(task_id, percent)
        await session.commit()
        assert (await client.get(at, headers=admin.headers)).json()["percent"] == 50


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"report_type": "gossip"}, "report_type"),
        ({"format": "xlsx"}, "format"),
        ({"tz": "Mars/Olympus"}, "Mars/Olympus"),
        ({"from": "2026-04-01"}, "`from` must be before `to`"),
        ({"from": "2026-03-01T00:00:00"}, "from"),
        ({"from": 1767225600}, "from"),
        ({"from": "1767225600"}, "from"),
        ({"from": True}, "from"),
        ({"from": "0001-01-01"}, "1970"),
        ({"to": "9999-12-31"}, "2199"),
        # No page and no chart has so many months.
        ({"from": "1970-01-01", "to": "2199-12-31"}, "1100 months"),
        ({"since": "2026-03-01"}, "since"),
    ],
)
async def test_what_is_no_report_is_refused(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller, fields: dict[str, Any], told: str
) -> None:
    answer = await client.post(GENERATE, json={**MARCH, **fields}, headers=once(admin))

    assert answer.status_code == 422
    assert told in answer.text
    assert await events_of(session, "report.requested") == []


async def test_a_report_may_be_of_moments_and_needs_no_more_than_a_type(
    client: httpx.AsyncClient, admin: Caller
) -> None:
    midnight = {**MARCH, "from": "2026-03-01T00:00:00Z", "to": "2026-03-02T12:30:00+05:45"}
    at = (await client.post(GENERATE, json=midnight, headers=once(admin))).headers["location"]
    told = (await client.get(at, headers=admin.headers)).json()
    assert (told["starts_at"], told["ends_at"]) == ("2026-03-01T00:00:00Z", "2026-03-02T06:45:00Z")
    answer = await client.post(GENERATE, json={"report_type": "tax"}, headers=once(admin))
    told = (await client.get(answer.headers["location"], headers=admin.headers)).json()
    assert (told["format"], told["tz"]) == ("csv", "UTC")
    assert datetime.fromisoformat(told["ends_at"]) > utc_now()


async def test_only_administrators_ask_for_reports(client: httpx.AsyncClient, sign_up: SignUp) -> None:
    moderator = await sign_up(Role.MODERATOR)
    assert (await client.post(GENERATE, json=MARCH)).status_code == 401
    assert (await client.post(GENERATE, json=MARCH, headers=once(moderator))).status_code == 403


async def test_ids_are_unknown_or_no_ids(client: httpx.AsyncClient, admin: Caller) -> None:
    assert (await client.get(f"/api/v1/tasks/{uuid4()}", headers=admin.headers)).status_code == 404
    for nonsense in ("1", "0", "%00", "a" * 200):
        assert (await client.get(f"/api/v1/tasks/{nonsense}", headers=admin.headers)).status_code in {
            404,
            422,
        }


BERLIN = zone_of("Europe/Berlin")
PERIOD = Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC), BERLIN)
ODD = Table(
    columns=[Column("title", Kind.TEXT), Column("value", Kind.MONEY), Column("last_at", Kind.MOMENT)],
    rows=[
        ["=HYPERLINK(1)", Decimal("-1234.50"), datetime(2026, 3, 29, 12, tzinfo=UTC)],
        ["Ein “Buch”,\nzwei 本 كتاب", None, None],
        ['#import "x" $ * _ \\ @a <b>', Decimal(0), None],
    ],
    charts=[
        Chart("#nothing $", [Bar("", 0.0, "0"), Bar("=1", -5.0, "-5")]),
        Chart("Time", [Bar(str(n), float(n), str(n)) for n in range(400)], is_over_time=True),
        Chart("Empty", []),
    ],
)


def test_cells_that_a_spreadsheet_would_run_are_text() -> None:
    lines = write_csv(ODD, BERLIN).decode().split("\r\n")

    assert lines[0] == "title,value,last_at"
    assert lines[1] == "'=HYPERLINK(1),-1234.50,2026-03-29T14:00:00+02:00"
    assert lines[2].startswith('"Ein “Buch”,')


def test_json_has_numbers_and_names() -> None:
    told = orjson.loads(write_json(ODD, BERLIN, {"report_type": "sales"}))

    assert told["report_type"] == "sales"
    assert told["rows"][0] == {
        "title": "=HYPERLINK(1)",
        "value": -1234.5,
        "last_at": "2026-03-29T14:00:00+02:00",
    }


@pytest.mark.parametrize("rows", [0, 3, 700])
async def test_a_pdf_holds_whatever_there_is(rows: int) -> None:
    table = Table(ODD.columns, (list(ODD.rows) * 400)[:rows], ODD.charts, is_cut=rows > 500)
    pdf = await print_report("Sales", PERIOD, table, PERIOD.until)

    assert pdf.startswith(b"%PDF")
    assert pdf == await print_report("Sales", PERIOD, table, PERIOD.until)


async def test_a_chart_of_long_titles_stays_on_its_page() -> None:
    bars = [Bar("W" * 500, 1.0, f"the {number}th") for number in range(10)]
    pdf = await print_report("Stock", PERIOD, Table(ODD.columns, [], [Chart("Long", bars)]), PERIOD.until)

    heights: list[float] = []

    def note(said: str, page: list[float], line: list[float], *_font: object) -> None:
        if said.strip():
            heights.append(page[1] * line[4] + page[3] * line[5] + page[5])

    for page in PdfReader(io.BytesIO(pdf)).pages:
        page.extract_text(visitor_text=note)
    assert min(heights) > 0


async def test_more_than_a_report_may_have_is_told(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MOST_ROWS", 2)
    await a_sale(session, datetime(2026, 3, 2, tzinfo=UTC), (1, 1, 10), (2, 2, 10), (3, 3, 10))

    table = await make_table(await session.connection(), Asked(ReportType.BEST_SELLERS, PERIOD, "EUR"))

    assert ([row[3] for row in table.rows], table.is_cut) == (["Book 3", "Book 2"], True)


async def test_amounts_have_the_decimals_of_their_currency(session: AsyncSession) -> None:
    await a_sale(session, datetime(2026, 3, 2, tzinfo=UTC), (1, 1, 1500), currency="JPY")

    table = await make_table(await session.connection(), Asked(ReportType.SALES, PERIOD, "EUR"))

    assert {row[0]: str(row[9]) for row in table.rows if row[3] or row[0] == "EUR"} == {
        "EUR": "0.00",
        "JPY": "1500",
    }
    assert [chart.title for chart in table.charts] == [
        "Total by day, EUR: 0.00 in 0 orders",
        "Total by day, JPY: 1,500 in 1 orders",
    ]
    assert table.charts[1].bars[1].shown == "1,500"
    pdf = PdfReader(io.BytesIO(await print_report("Sales", PERIOD, table, PERIOD.until)))
    said = "".join(page.extract_text() for page in pdf.pages)
    assert "1,500.00" not in said


async def test_amounts_of_two_currencies_share_no_chart(
    client: httpx.AsyncClient, session: AsyncSession, seller: Caller
) -> None:
    for title, currency in (("Cheap", "EUR"), ("Dear", "JPY"), ("Cheaper", "EUR")):
        book = await a_book(client, seller, title, price=len(title) * 100, quantity=2)
        # The shop had another currency once.
        (await session.get_one(Item, book["id"])).currency = currency
    await session.flush()

    table = await make_table(await session.connection(), Asked(ReportType.STOCK_VALUE, PERIOD, "EUR"))

    assert [(chart.title, [bar.label for bar in chart.bars]) for chart in table.charts] == [
        ("Stock: 2,400.00 EUR", ["Cheaper", "Cheap"]),
        ("Stock: 800 JPY", ["Dear"]),
    ]
