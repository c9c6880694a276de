"""Labels that scanners read, and pick lists of what has not left."""

from io import BytesIO
from typing import Any

import httpx
import pytest
from pypdf import PdfReader
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.sales.models import Order, OrderLine, OrderPart
from app.sales.scanning.codes import in_store_code
from app.sales.warehouse.ean13 import bars, modules
from tests.conftest import Caller
from tests.factories import a_book, an_item
from tests.sales.invoices.conftest import Sold, an_order

LABELS = "/api/v1/inventory/labels.pdf"


def read(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    return [page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages]


def pick_list(order: Order) -> str:
    return f"/api/v1/orders/{order.number}/pick-list.pdf"


async def parts_of(session: AsyncSession, order: Order, *parts: tuple[int, int, int]) -> None:
    """`(item, quantity, shipped)` of the first line."""
    first = await session.scalar(select(func.min(OrderLine.id)).where(OrderLine.order_id == order.id))
    for item_id, quantity, shipped in parts:
        session.add(
            OrderPart(line_id=first, order_id=order.id, item_id=item_id, quantity=quantity, shipped=shipped)
        )
    await session.flush()


def test_the_bars_are_those_that_scanners_read() -> None:
    # 4 006381 333931, worked out by hand from the tables of GS1.
    left = ("0001101", "0100111", "0101111", "0111101", "0001001", "0110011")
    right = ("1000010", "1000010", "1000010", "1110100", "1000010", "1100110")
    assert modules("4006381333931") == "".join(("101", *left, "01010", *right, "101"))
    drawn = bars("9780306406157")
    assert len(drawn) == 30
    assert sum(bar.is_guard for bar in drawn) == 6
    assert (drawn[0].start, drawn[-1].start + drawn[-1].width) == (0, 95)


async def test_labels_have_title_price_and_number_as_often_as_asked(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    book = await a_book(client, seller, "吾輩は猫である", isbn="978-0-306-40615-7", price=12.5)
    pen = await an_item(client, seller, "Füller", sku="PEN-0001")
    asked = {"item_id": [book["id"], pen["id"], pen["id"]]}
    [page] = read(await client.get(LABELS, params=asked, headers=moderator.headers))
    assert page.count("吾輩は猫である") == 1
    assert page.count("Füller") == 2
    assert "12.50 EUR" in page
    assert "PEN-0001" in page
    bare = "".join(page.split())
    assert "9780306406157" in bare
    assert bare.count(in_store_code(pen["id"])) == 2


async def test_many_labels_fill_pages_and_long_titles_stay_within_theirs(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    pen = await an_item(client, seller, "x" * 300)
    asked = {"item_id": [pen["id"]] * 240}
    assert len(read(await client.get(LABELS, params=asked, headers=moderator.headers))) == 10


@pytest.mark.parametrize(
    ("query", "status"), [("", 422), ("?item_id=0", 422), ("?item_id=x", 422), ("?item_id=99999999", 404)]
)
async def test_labels_of_nothing_are_refused(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, query: str, status: int
) -> None:
    assert (await client.get(LABELS + query, headers=moderator.headers)).status_code == status
    assert (await client.get(LABELS + query, headers=seller.headers)).status_code == 403


async def test_a_pick_list_has_what_has_not_left_and_where_it_goes(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, session: AsyncSession
) -> None:
    option: dict[str, Any] = {"code": "standard", "name": "Standard parcel", "price": 4.9}
    order = await an_order(
        session, seller.id, [Sold("Bundle: Война и мир", 2)], shipping_option=option, notes="Bitte klingeln"
    )
    ink = await an_item(client, seller, "Ink", sku="INK-0009")
    await parts_of(session, order, (1, 2, 0), (ink["id"], 3, 1), (999, 5, 5))
    [page] = read(await client.get(pick_list(order), headers=moderator.headers))
    for word in (
        f"Pick list {order.number}",
        "Ada Lovelace",
        "Standard parcel",
        "Bitte klingeln",
        "INK-0009",
    ):
        assert word in page
    assert "2 Bundle: Война и мир 9780261102217" in page
    assert "2 Ink" in page
    assert "Pieces 4" in page
    assert (await client.get(pick_list(order), headers=seller.headers)).status_code == 403
    unknown = await client.get("/api/v1/orders/ORD-99999999/pick-list.pdf", headers=moderator.headers)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "order-not-found")


async def test_a_pick_list_of_what_left_altogether_says_so(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, session: AsyncSession
) -> None:
    order = await an_order(session, seller.id, address=None)
    await parts_of(session, order, (1, 2, 2))
    [page] = read(await client.get(pick_list(order), headers=moderator.headers))
    assert "Nothing is left to pack." in page
    assert "Counter sale" in page
