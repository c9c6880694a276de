"""What sells comes first, and what is bought together is related."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.views.jobs import rank_popularity
from app.core.clock import utc_now
from app.sales.bestsellers.jobs import count_sales, relate_bought_together
from app.sales.models import Order, OrderLine
from app.sales.order_states import FulfilmentStatus, OrderPaymentStatus, OrderStatus
from tests.conftest import Caller, SignUp, change_account
from tests.factories import a_book

BOOKS = "/api/v1/books"
Book = dict[str, Any]


async def sell(
    session: AsyncSession, buyer_id: int | None, *books: Book, quantity: int = 1, **columns: Any
) -> None:
    """An order that was paid a day ago."""
    paid = columns.get("created_at", utc_now() - timedelta(days=1))
    amounts = dict.fromkeys(("subtotal", "discount", "tax", "shipping", "total"), 0)
    values = {
        "user_id": buyer_id,
        "channel": "web",
        "status": OrderStatus.PROCESSING,
        "payment_status": OrderPaymentStatus.PAID,
        "fulfilment_status": FulfilmentStatus.UNFULFILLED,
        "currency": "EUR",
        "is_gross": False,
        "created_at": paid,
        "paid_at": paid,
        **amounts,
    }
    order = Order(**values | columns)
    session.add(order)
    await session.flush()
    for position, book in enumerate(books, 1):
        line = OrderLine(
            order_id=order.id,
            position=position,
            item_id=book["id"],
            kind="book",
            title=book["title"],
            quantity=quantity,
            unit_price=0,
            tax_class="print",
            tax_rate=0,
            tax=0,
            discount=0,
            line_total=0,
        )
        session.add(line)
    await session.flush()


async def popular(client: httpx.AsyncClient, session: AsyncSession) -> list[str]:
    await count_sales(session)
    await rank_popularity(session)
    await session.commit()
    answer = await client.get(BOOKS, params={"sort": "popularity"})
    return [one["title"] for one in answer.json()["items"]]


async def related(client: httpx.AsyncClient, session: AsyncSession, book: Book) -> list[tuple[str, str]]:
    await relate_bought_together(session)
    await session.commit()
    answer = await client.get(f"{BOOKS}/{book['id']}/related")
    assert answer.status_code == 200, answer.text
    return [(one["title"], one["reason"]) for one in answer.json()["items"]]


async def three(client: httpx.AsyncClient, seller: Caller) -> tuple[Book, Book, Book]:
    return (
        await a_book(client, seller, "Ars Amatoria", author="Ovid"),
        await a_book(client, seller, "Beowulf", author="Anonymous"),
        await a_book(client, seller, "Candide", author="Voltaire"),
    )


async def test_what_sold_most_pieces_is_most_popular_and_views_decide_the_rest(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    ars, beowulf, candide = await three(client, seller)
    await session.execute(
        text("INSERT INTO item_views (item_id, views, score) VALUES (:seen, 9, 1030), (:often, 99, 1040)"),
        {"seen": ars["id"], "often": beowulf["id"]},
    )
    assert await popular(client, session) == ["Beowulf", "Ars Amatoria", "Candide"]
    await sell(session, seller.id, candide)
    assert await popular(client, session) == ["Candide", "Beowulf", "Ars Amatoria"]
    await sell(session, seller.id, ars, quantity=2)
    assert await popular(client, session) == ["Ars Amatoria", "Candide", "Beowulf"]
    await sell(session, None, candide, channel="till")
    assert await popular(client, session) == ["Ars Amatoria", "Candide", "Beowulf"]
    assert await count_sales(session) == 0


@pytest.mark.parametrize(
    "columns",
    [
        {"paid_at": None, "status": OrderStatus.PENDING, "payment_status": OrderPaymentStatus.UNPAID},
        {"status": OrderStatus.CANCELLED, "payment_status": OrderPaymentStatus.REFUNDED},
        {"created_at": utc_now() - timedelta(days=91)},
    ],
)
async def test_what_was_not_paid_was_cancelled_or_is_long_ago_counts_for_nothing(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, columns: dict[str, Any]
) -> None:
    ars, beowulf, _ = await three(client, seller)
    await sell(session, seller.id, ars, quantity=9, **columns)
    await sell(session, seller.id, beowulf)
    assert (await popular(client, session))[0] == "Beowulf"


async def test_what_sold_once_falls_back_when_its_time_is_over(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    ars, beowulf, _ = await three(client, seller)
    await sell(session, seller.id, ars, quantity=5)
    await sell(session, seller.id, beowulf)
    assert (await popular(client, session))[0] == "Ars Amatoria"
    await session.execute(
        text(
            "UPDATE orders SET created_at = created_at - interval '90 days' WHERE id = (SELECT min(id) FROM orders)"
        )
    )
    assert (await popular(client, session))[0] == "Beowulf"


async def test_three_orders_with_both_relate_two_books_and_cancelled_ones_take_it_back(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    ars, beowulf, candide = await three(client, seller)
    buyer = await sign_up()
    await sell(session, buyer.id, ars, beowulf, quantity=7)
    await sell(session, None, ars, beowulf, channel="till")
    for _ in range(4):
        await sell(session, buyer.id, ars, candide, created_at=utc_now() - timedelta(days=300))
    assert await related(client, session, ars) == [("Candide", "bought_together")]
    await sell(session, seller.id, ars, beowulf)
    both = [("Candide", "bought_together"), ("Beowulf", "bought_together")]
    assert await related(client, session, ars) == both
    assert await related(client, session, beowulf) == [("Ars Amatoria", "bought_together")]
    assert await relate_bought_together(session) == 0
    await session.execute(text("UPDATE orders SET status = 'cancelled' WHERE channel = 'till'"))
    assert await related(client, session, ars) == [("Candide", "bought_together")]
    assert await related(client, session, beowulf) == []


async def test_orders_of_erased_customers_are_left_out(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    ars, beowulf, _ = await three(client, seller)
    gone, stays = await sign_up(), await sign_up()
    for buyer_id in (gone.id, gone.id, stays.id):
        await sell(session, buyer_id, ars, beowulf)
    assert await related(client, session, ars) == [("Beowulf", "bought_together")]
    await change_account(session, gone.id, is_active=False)
    assert await related(client, session, ars) == []
    await change_account(session, gone.id, is_active=True)
    await session.execute(text("UPDATE orders SET user_id = NULL WHERE user_id = :gone"), {"gone": gone.id})
    assert await related(client, session, ars) == []


async def test_what_is_gone_or_off_sale_is_not_shown_and_other_editions_are_not_related(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    ars, beowulf, candide = await three(client, seller)
    paperback = await a_book(client, seller, "Ars Amatoria", author="Ovid", format="paperback")
    for _ in range(3):
        await sell(session, seller.id, ars, beowulf, candide, paperback)
    assert len(await related(client, session, ars)) == 2
    await client.delete(f"{BOOKS}/{beowulf['id']}", headers=seller.headers)
    await client.patch(f"{BOOKS}/{candide['id']}", json={"is_active": False}, headers=seller.headers)
    assert await related(client, session, ars) == []
