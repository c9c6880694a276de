"""Every way in which a sale ends, and what becomes then of stock, discount, gift card, money and invoice."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.permissions import Role
from tests.conftest import Caller, SignUp
from tests.factories import an_item, an_order, made, once
from tests.sales.overdue import expire_overdue
from tests.sales.payments.conftest import work_off

ON_CARD = 15
GOODS, SHIPPING = Decimal(18), Decimal("5.40")
TOTAL = GOODS + SHIPPING
"""Two pens for 10.00 each, 10% off, and what it costs to send them."""


class Left(NamedTuple):
    """What there is in the end: pens on hand (of five) and set apart, what is on the gift card (of fifteen), whether
    the discount is used, what the shop kept of the money, and what is invoiced and credited.
    """

    status: str
    payment_status: str
    fulfilment_status: str
    on_hand: int
    reserved: int
    on_card: Decimal
    is_used: bool
    kept: Decimal
    invoiced: Decimal
    credited: Decimal


class Sale:
    """An order of two pens with a discount, by its buyer and by staff."""

    def __init__(
        self, client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, staff: Caller
    ) -> None:
        self._client = client
        self._session = session
        self._buyer = buyer
        self._staff = staff
        self.order: dict[str, Any] = {}
        self.code = ""

    async def begin(self, pen: dict[str, Any]) -> None:
        """Order them, and pay as much as there is on a gift card."""
        rule = {"discount_type": "percentage", "value": 10, "usage_limit": 1, "per_customer_limit": 1}
        await made(self._client, self._staff, "/api/v1/discounts", rule)
        card = await self._post(self._staff, "gift-cards", {"amount": ON_CARD})
        self.order = await an_order(self._client, self._buyer, (pen, 2))
        assert Decimal(str(self.order["total"])) == TOTAL
        await self.pay(provider="gift_card", code=card["code"])

    async def pay(self, **how: str) -> dict[str, Any]:
        """Pay what is due."""
        return await self.buyer_does("payments", {"provider": "fake", **how})

    async def buyer_does(self, action: str, body: Any = None) -> dict[str, Any]:
        """A request of the buyer's about the order."""
        return await self._post(self._buyer, f"orders/{self.order['number']}/{action}", body)

    async def staff_does(self, action: str, body: Any = None) -> dict[str, Any]:
        """A request of staff about the order."""
        return await self._post(self._staff, f"orders/{self.order['number']}/{action}", body)

    async def send_back(self, quantity: int) -> None:
        """Have pieces come back, and the money for them go."""
        lines = [{"line_id": self.order["lines"][0]["id"], "quantity": quantity}]
        wish = await self.buyer_does("returns", {"lines": lines, "reason": "They leak"})
        for action in ("approve", "receive", "refund"):
            await self._post(self._staff, f"returns/{wish['id']}/{action}", {})

    async def run_out_of_time(self) -> None:
        """Let the time to pay be over."""
        await self._session.execute(text("UPDATE orders SET expires_at = now() - interval '1 minute'"))
        self._session.expire_all()
        assert await expire_overdue(self._session) == 1

    async def left(self) -> Left:
        """What there is now."""
        row = (await self._session.execute(text(_LEFT), {"number": self.order["number"]})).one()
        return Left(*row)

    async def _post(self, caller: Caller, path: str, body: Any) -> dict[str, Any]:
        answer = await self._client.post(f"/api/v1/{path}", json=body, headers=once(caller))
        assert answer.is_success, answer.text
        return dict(answer.json())


_LEFT = """
    SELECT status, payment_status, fulfilment_status, on_hand, reserved, balance,
        (SELECT released_at IS NULL FROM discount_redemptions WHERE order_id = orders.id),
        (SELECT sum(amount - refunded) FROM payments WHERE order_id = orders.id AND status = 'succeeded'),
        (SELECT coalesce(sum(total), 0) FROM invoices WHERE order_id = orders.id AND kind = 'invoice'),
        (SELECT coalesce(sum(total), 0) FROM invoices WHERE order_id = orders.id AND kind = 'credit_note')
    FROM orders, stock_levels, gift_cards WHERE orders.number = :number
"""
NOTHING = Decimal(0)


async def is_cancelled(sale: Sale) -> None:
    await sale.buyer_does("cancel")


async def is_cancelled_with_the_bank(sale: Sale) -> None:
    assert (await sale.pay(card="3ds"))["status"] == "requires_action"
    await sale.buyer_does("cancel")


async def is_cancelled_before_late_money(sale: Sale) -> None:
    await sale.pay(card="late_webhook")
    await sale.buyer_does("cancel")


async def is_paid_and_cancelled(sale: Sale) -> None:
    await sale.pay(card="ok")
    await sale.buyer_does("cancel")


async def is_refunded_in_part_and_cancelled(sale: Sale) -> None:
    await sale.pay(card="ok")
    await sale.staff_does("refunds", {"amount": 9.5, "reason": "Late"})
    await sale.staff_does("cancel")


async def is_declined_and_runs_out(sale: Sale) -> None:
    assert (await sale.pay(card="declined"))["status"] == "failed"
    await sale.run_out_of_time()


async def runs_out_before_late_money(sale: Sale) -> None:
    await sale.pay(card="late_webhook")
    await sale.run_out_of_time()


async def is_refunded_before_it_is_sent(sale: Sale) -> None:
    await sale.pay(card="ok")
    lines = [{"line_id": sale.order["lines"][0]["id"], "quantity": 2}]
    await sale.staff_does("refunds", {"lines": lines, "reason": "Out of print", "restock": True})


async def is_delivered(sale: Sale) -> None:
    await sale.pay(card="ok")
    await sale.staff_does("ship", {})
    await sale.staff_does("deliver")


async def is_refunded_after_it_came(sale: Sale) -> None:
    await is_delivered(sale)
    await sale.staff_does("refunds", {"amount": float(TOTAL), "reason": "Goodwill"})


async def comes_back_in_part(sale: Sale) -> None:
    await is_delivered(sale)
    await sale.send_back(1)


async def comes_back(sale: Sale) -> None:
    await is_delivered(sale)
    await sale.send_back(2)


OFF = Left(
    status="cancelled",
    payment_status="refunded",
    fulfilment_status="unfulfilled",
    on_hand=5,
    reserved=0,
    on_card=Decimal(15),
    is_used=False,
    kept=NOTHING,
    invoiced=NOTHING,
    credited=NOTHING,
)
CALLED_OFF = OFF._replace(invoiced=TOTAL, credited=TOTAL)
SOLD = Left(
    status="delivered",
    payment_status="paid",
    fulfilment_status="delivered",
    on_hand=3,
    reserved=0,
    on_card=NOTHING,
    is_used=True,
    kept=TOTAL,
    invoiced=TOTAL,
    credited=NOTHING,
)
ENDINGS: dict[Callable[[Sale], Awaitable[None]], Left] = {
    is_cancelled: OFF,
    is_cancelled_with_the_bank: OFF,
    is_cancelled_before_late_money: OFF,
    is_paid_and_cancelled: CALLED_OFF,
    is_refunded_in_part_and_cancelled: CALLED_OFF,
    is_declined_and_runs_out: OFF,
    # Nobody called it off, and all of it is still there: it goes on.
    runs_out_before_late_money: SOLD._replace(
        status="processing", fulfilment_status="unfulfilled", on_hand=5, reserved=2
    ),
    is_delivered: SOLD,
    # First the card has its 8.40 back, then the gift card.
    is_refunded_before_it_is_sent: SOLD._replace(
        status="processing",
        payment_status="partially_refunded",
        fulfilment_status="unfulfilled",
        on_hand=5,
        on_card=GOODS - (TOTAL - 15),
        kept=SHIPPING,
        credited=GOODS,
    ),
    is_refunded_after_it_came: SOLD._replace(
        payment_status="refunded", on_card=Decimal(15), kept=NOTHING, credited=TOTAL
    ),
    comes_back_in_part: SOLD._replace(
        payment_status="partially_refunded",
        fulfilment_status="partially_returned",
        on_hand=4,
        on_card=GOODS / 2 - (TOTAL - 15),
        kept=TOTAL - GOODS / 2,
        credited=GOODS / 2,
    ),
    comes_back: SOLD._replace(
        status="returned",
        payment_status="partially_refunded",
        fulfilment_status="returned",
        on_hand=5,
        on_card=GOODS - (TOTAL - 15),
        kept=SHIPPING,
        credited=GOODS,
    ),
}


@pytest.fixture
async def staff(sign_up: SignUp) -> Caller:
    return await sign_up(Role.ADMIN)


@pytest.fixture
async def sale(
    client: httpx.AsyncClient, session: AsyncSession, seller: Caller, staff: Caller, sign_up: SignUp
) -> Sale:
    begun = Sale(client, session, await sign_up(), staff)
    await begun.begin(await an_item(client, seller, quantity=5))
    return begun


@pytest.mark.parametrize("dies_first", [False, True], ids=["at once", "after a kill"])
@pytest.mark.parametrize("ends", ENDINGS, ids=lambda ends: ends.__name__)
async def test_however_a_sale_ends_each_thing_is_where_it_belongs(
    app: FastAPI,
    client: httpx.AsyncClient,
    staff: Caller,
    sale: Sale,
    ends: Callable[[Sale], Awaitable[None]],
    dies_first: bool,
) -> None:
    await ends(sale)
    await work_off(app, dies_first=dies_first)
    assert await sale.left() == ENDINGS[ends]
    sound = await client.get("/api/v1/admin/inventory/reconcile", headers=staff.headers)
    assert sound.json()["is_sound"] is True
