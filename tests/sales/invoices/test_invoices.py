"""Invoices and credit notes: what they say, who sees them, that none is made twice, changed or left out."""

import asyncio
import hashlib
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import httpx
import pytest
import time_machine
from fastapi import FastAPI
from pypdf import PdfReader
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import shop_today, utc_now
from app.core.db.transaction import transaction
from app.core.events.events import HandlerContext
from app.core.settings.groups import ShopSettings
from app.sales.invoices.printing import print_invoice
from app.sales.invoices.service import InvoiceService
from app.sales.models import Invoice, InvoiceCounter, Order, OrderLine, Refund
from app.sales.pricing import TaxClass
from tests.conftest import Caller, SignUp

from .conftest import Sold, an_order

SHOP = ShopSettings(
    name="Zur Büchereule",
    address="Hauptstraße 1; 10115 Berlin; Germany",
    vat_id="DE123456789",
    footer="Managing director: Ö. Äß; Registered in Berlin",
)
MIXED = (
    Sold("The Hobbit", 2, "12.50"),
    Sold("A pen", 3, "1.99", "0.19", TaxClass.GOODS),
)


def path(order: Order, rest: str = "invoice") -> str:
    return f"/api/v1/orders/{order.number}/{rest}"


def read(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)


async def issue(session: AsyncSession, context: HandlerContext, order: Order) -> int:
    invoice_id = await InvoiceService.build(session, SHOP).issue_invoice(order.id)
    await print_invoice(context, invoice_id)
    return invoice_id


async def credit(session: AsyncSession, order: Order, refund_id: int, amount: str) -> int | None:
    return await InvoiceService.build(session, SHOP).issue_credit_note(order.id, refund_id, Decimal(amount))


async def notes_of(client: httpx.AsyncClient, buyer: Caller, order: Order) -> list[dict[str, Any]]:
    answer = await client.get(path(order, "credit-notes"), headers=buyer.headers)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_an_invoice_says_what_the_order_cost_and_its_taxes_by_rate(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, context: HandlerContext
) -> None:
    order = await an_order(session, seller.id, MIXED, shipping="4.90")
    await issue(session, context, order)
    answer = await client.get(path(order), headers=seller.headers)
    assert answer.status_code == 200, answer.text
    invoice = answer.json()
    today = shop_today()
    assert invoice["number"] == f"INV-{today.year}-000001"
    assert invoice["order_number"] == order.number
    assert (invoice["issue_date"], invoice["due_date"]) == (today.isoformat(), today.isoformat())
    assert invoice["customer"]["name"] == "Ada Lovelace"
    assert invoice["seller"]["vat_id"] == "DE123456789"
    assert [
        (one["title"], one["quantity"], one["unit_price"], one["line_total"]) for one in invoice["items"]
    ] == [
        ("The Hobbit", 2, 12.5, 25.0),
        ("A pen", 3, 1.99, 5.97),
    ]
    assert invoice["taxes"] == [
        {"rate": 0.19, "net": 5.97, "tax": 1.13, "gross": 7.1},
        {"rate": 0.07, "net": 25.0, "tax": 1.75, "gross": 26.75},
        {"rate": 0.0, "net": 4.9, "tax": 0.0, "gross": 4.9},
    ]
    assert (invoice["amount"], invoice["tax"], invoice["total"]) == (35.87, 2.88, 38.75)
    assert Decimal(str(invoice["total"])) == order.total


async def test_prices_with_tax_give_the_same_total_and_the_tax_in_them(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, context: HandlerContext
) -> None:
    order = await an_order(session, seller.id, MIXED, is_gross=True)
    await issue(session, context, order)
    invoice = (await client.get(path(order), headers=seller.headers)).json()
    assert (invoice["amount"], invoice["tax"], invoice["total"]) == (28.38, 2.59, 30.97)
    assert Decimal(str(invoice["total"])) == order.total


async def test_the_pdf_has_the_words_and_the_tax_table(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, context: HandlerContext
) -> None:
    order = await an_order(session, seller.id, MIXED, shipping="1234.50")
    await issue(session, context, order)
    answer = await client.get(path(order, "invoice.pdf"), headers=seller.headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "private, no-store"
    words = read(answer.content)
    for word in (
        f"Invoice INV-{shop_today().year}-000001",
        order.number,
        "Zur Büchereule",
        "Hauptstraße 1",
        "DE123456789",
        "Registered in Berlin",
        "Ada Lovelace",
        "San Francisco CA 94105",
        "The Hobbit",
        "ISBN 9780261102217",
        "19 % 5.97 1.13 7.10",
        "7 % 25.00 1.75 26.75",
        "1,234.50",
        "Total EUR 1,268.35",
    ):
        assert word in words


async def test_the_pdf_is_made_once_and_its_bytes_stay(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, context: HandlerContext
) -> None:
    order = await an_order(session, seller.id)
    invoice_id = await issue(session, context, order)
    first = await client.get(path(order, "invoice.pdf"), headers=seller.headers)
    with time_machine.travel(utc_now() + timedelta(days=400)):
        assert await issue(session, context, order) == invoice_id
    again = await client.get(path(order, "invoice.pdf"), headers=seller.headers)
    assert again.content == first.content
    assert first.headers["etag"] == f'"{hashlib.sha256(first.content).hexdigest()}"'
    known = {**seller.headers, "If-None-Match": first.headers["etag"]}
    assert (await client.get(path(order, "invoice.pdf"), headers=known)).status_code == 304
    row = (await session.execute(text("SELECT sha256, size FROM invoice_files"))).one()
    assert tuple(row) == (hashlib.sha256(first.content).hexdigest(), len(first.content))


@pytest.mark.parametrize(
    "title",
    [
        "Ελληνική μυθολογία",
        "Война и мир",
        "吾輩は猫である",
        "紅樓夢",
        "한국어 책",
        "ภาษาไทย",
        "ספר בעברית",
        "#set page(width: 1pt) $x$ *bold* _it_ @ref `raw` \\ <label> // no comment /* none */",
        "📚 🇩🇪 👩‍👩‍👧",
        "x" * 500,
    ],
)
async def test_titles_of_any_script_stand_in_the_pdf(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, context: HandlerContext, title: str
) -> None:
    order = await an_order(session, seller.id, [Sold(title)])
    await issue(session, context, order)
    answer = await client.get(path(order, "invoice.pdf"), headers=seller.headers)
    words = read(answer.content).replace("\u200b", "")
    bare = "".join(words.split())
    # Readers of PDFs turn round what is written from right to left, word by word.
    wanted = title.split() if "ספר" in title else ["".join(title.split())]
    assert all(one in bare for one in wanted)


@pytest.mark.parametrize(
    "title",
    [
        "\ue000\U000f0000\uffff\U0010fffd",
        "e" + "\u0301" * 300,
        "\u202e\u2066\u200f\u200d\ufeff",
        "हिन्दी क्षत्रिय قال ﷽ 1\u0660",
    ],
)
async def test_what_no_font_has_is_drawn_all_the_same(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, context: HandlerContext, title: str
) -> None:
    order = await an_order(session, seller.id, [Sold(title), Sold("The Hobbit")])
    await issue(session, context, order)
    answer = await client.get(path(order, "invoice.pdf"), headers=seller.headers)
    assert "The Hobbit" in read(answer.content)


async def test_a_hundred_lines_run_over_several_pages(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, context: HandlerContext
) -> None:
    order = await an_order(session, seller.id, [Sold(f"Volume {number}") for number in range(1, 101)])
    await issue(session, context, order)
    pdf = (await client.get(path(order, "invoice.pdf"), headers=seller.headers)).content
    pages = [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]
    assert len(pages) > 2
    assert all("Tax rate" in page and f"/ {len(pages)}" in page for page in pages)
    assert "Volume 100" in "".join(pages)


async def test_before_payment_there_is_no_invoice(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    order = await an_order(session, seller.id, paid_at=None, payment_status="unpaid", status="pending")
    for rest in ("invoice", "invoice.pdf"):
        answer = await client.get(path(order, rest), headers=seller.headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "not-invoiced")
    assert await notes_of(client, seller, order) == []
    assert await credit(session, order, 1, "1.00") is None


async def test_strangers_see_nothing_and_staff_see_all(
    client: httpx.AsyncClient,
    seller: Caller,
    moderator: Caller,
    sign_up: SignUp,
    session: AsyncSession,
    context: HandlerContext,
) -> None:
    order = await an_order(session, seller.id)
    await issue(session, context, order)
    note_id = await credit(session, order, 1, "1.00")
    assert note_id is not None
    await print_invoice(context, note_id)
    stranger = await sign_up()
    [note] = await notes_of(client, seller, order)
    rests = ("invoice", "invoice.pdf", "credit-notes", f"credit-notes/{note['number']}.pdf")
    for rest in rests:
        answer = await client.get(path(order, rest), headers=stranger.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "order-not-found")
        assert (await client.get(path(order, rest), headers=moderator.headers)).status_code == 200
        assert (await client.get(path(order, rest))).status_code == 401
    for number, rest in (
        ("ORD-99999999", "invoice"),
        ("7", "invoice"),
        (order.number, "credit-notes/CN-1-1.pdf"),
    ):
        answer = await client.get(f"/api/v1/orders/{number}/{rest}", headers=seller.headers)
        assert answer.status_code in {404, 422}
    other = f"credit-notes/CN-{shop_today().year}-999999.pdf"
    answer = await client.get(path(order, other), headers=seller.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "credit-note-not-found")


async def test_credit_notes_together_credit_the_invoice_to_the_cent_and_no_more(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, context: HandlerContext
) -> None:
    order = await an_order(session, seller.id, MIXED, shipping="4.90")
    await issue(session, context, order)
    invoice = (await client.get(path(order), headers=seller.headers)).json()
    for refund_id, amount in enumerate(("0.01", "13.37", "10.00", "100.00"), 1):
        assert await credit(session, order, refund_id, amount) is not None
    assert await credit(session, order, 5, "0.01") is None
    assert await credit(session, order, 2, "13.37") is not None, "the same refund finds its note"
    notes = await notes_of(client, seller, order)
    assert [note["number"] for note in notes] == [f"CN-{shop_today().year}-{n:06d}" for n in range(1, 5)]
    assert [note["total"] for note in notes] == [0.01, 13.37, 10.0, 15.37]
    assert all(note["credited_invoice"] == invoice["number"] for note in notes)
    for name in ("amount", "tax", "total"):
        assert sum(Decimal(str(note[name])) for note in notes) == Decimal(str(invoice[name]))
    for row in invoice["taxes"]:
        credited = [one for note in notes for one in note["taxes"] if one["rate"] == row["rate"]]
        assert all(min(one["net"], one["tax"]) >= 0 for one in credited)
        for name in ("net", "tax", "gross"):
            assert sum(Decimal(str(one[name])) for one in credited) == Decimal(str(row[name]))


async def test_a_credit_note_has_a_pdf_and_a_refund_heard_of_first_has_the_invoice_issued(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, context: HandlerContext
) -> None:
    order = await an_order(session, seller.id)
    note_id = await credit(session, order, 1, "5.00")
    assert note_id is not None
    await print_invoice(context, note_id)
    [note] = await notes_of(client, seller, order)
    answer = await client.get(path(order, f"credit-notes/{note['number']}.pdf"), headers=seller.headers)
    words = read(answer.content)
    assert f"Credit note {note['number']}" in words
    assert f"For invoice INV-{shop_today().year}-000001" in words
    assert (await client.get(path(order), headers=seller.headers)).status_code == 200


async def test_each_year_has_its_series_by_the_shops_day(session: AsyncSession, seller: Caller) -> None:
    numbers = []
    for day in (date(2029, 12, 31), date(2030, 1, 1), date(2030, 6, 1)):
        with time_machine.travel(day):
            order = await an_order(session, seller.id)
            invoice_id = await InvoiceService.build(session, SHOP).issue_invoice(order.id)
            numbers.append((await session.get_one(Invoice, invoice_id)).number)
    assert numbers == ["INV-2029-000001", "INV-2030-000001", "INV-2030-000002"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invoices SET total = 1",
        "DELETE FROM invoices",
        "UPDATE invoice_files SET sha256 = ''",
        "DELETE FROM invoice_files",
    ],
)
async def test_the_database_refuses_to_change_what_was_issued(
    session: AsyncSession, seller: Caller, context: HandlerContext, statement: str
) -> None:
    await issue(session, context, await an_order(session, seller.id))
    with pytest.raises(DBAPIError, match="append-only"):
        async with session.begin_nested():
            await session.execute(text(statement))


async def test_numbers_have_no_gap_and_no_double_whoever_issues_at_once_or_fails(
    live_app: FastAPI, live_sign_up: SignUp
) -> None:
    buyer = await live_sign_up()
    state = live_app.state
    async with transaction(state.database, state.cache) as session:
        orders = [(await an_order(session, buyer.id)).id for _ in range(30)]

    async def issue_one(index: int, order_id: int) -> None:
        async with transaction(state.database, state.cache) as session:
            await InvoiceService.build(session, SHOP).issue_invoice(order_id)
            if index % 3 == 2:
                raise RuntimeError("rolled back")

    twice = [*enumerate(orders), *((0, order_id) for order_id in orders[::3])]
    outcomes = await asyncio.gather(*(issue_one(*each) for each in twice), return_exceptions=True)
    failed = [outcome for outcome in outcomes if outcome is not None]
    assert [str(fault) for fault in failed] == ["rolled back"] * 10
    async with transaction(state.database, state.cache) as session:
        numbers = sorted(await session.scalars(select(Invoice.number)))
        last = await session.scalar(select(InvoiceCounter.last))
        assert await session.scalar(select(func.count(func.distinct(Invoice.order_id)))) == 20
    assert numbers == [f"INV-{shop_today().year}-{number:06d}" for number in range(1, 21)]
    assert last == 20


async def test_pieces_that_came_back_are_credited_at_their_own_rate(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, context: HandlerContext
) -> None:
    order = await an_order(session, seller.id, MIXED)
    await issue(session, context, order)
    pen = (
        await session.scalars(
            select(OrderLine).where(OrderLine.order_id == order.id, OrderLine.position == 2)
        )
    ).one()
    refund = Refund(
        order_id=order.id,
        amount=Decimal("2.37"),
        currency="EUR",
        reason="Leaks",
        lines=[{"line_id": pen.id, "quantity": 1}],
    )
    session.add(refund)
    await session.flush()
    assert await credit(session, order, refund.id, "2.37") is not None
    [note] = await notes_of(client, seller, order)
    assert note["taxes"] == [{"rate": 0.19, "net": 1.99, "tax": 0.38, "gross": 2.37}]
    assert [item["title"] for item in note["items"]] == ["1 x A pen"]


async def test_a_file_that_the_store_lost_is_made_again_as_it_was_or_the_loss_is_told(
    client: httpx.AsyncClient,
    seller: Caller,
    session: AsyncSession,
    context: HandlerContext,
) -> None:
    order = await an_order(session, seller.id, MIXED)
    invoice_id = await issue(session, context, order)
    first = await client.get(path(order, "invoice.pdf"), headers=seller.headers)
    store, file = context.storage.opened, f"invoices/{hashlib.sha256(first.content).hexdigest()}.pdf"
    await store.delete([file])
    again = await client.get(path(order, "invoice.pdf"), headers=seller.headers)
    assert (again.status_code, again.content, again.headers["etag"]) == (
        200,
        first.content,
        first.headers["etag"],
    )
    assert await store.read(file) == first.content
    # Another release may set the same words differently: that would be another document under the same number.
    await session.execute(text("ALTER TABLE invoice_files DISABLE TRIGGER USER"))
    await session.execute(
        text("UPDATE invoice_files SET sha256 = :other WHERE invoice_id = :id"),
        {"other": "0" * 64, "id": invoice_id},
    )
    lost = await client.get(path(order, "invoice.pdf"), headers=seller.headers)
    assert (lost.status_code, lost.json()["code"]) == (410, "printed-form-lost")
    assert (await client.get(path(order), headers=seller.headers)).status_code == 200
