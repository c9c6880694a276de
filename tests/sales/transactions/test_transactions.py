"""The money of an order in one list: what came in, what went back, nothing that did not move."""

from datetime import timedelta
from decimal import Decimal

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.sales.models import Payment, Refund, RefundPart
from tests.conftest import Caller, SignUp
from tests.sales.invoices.conftest import an_order


async def test_captured_payments_and_refunds_add_up_as_text(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    order = await an_order(session, seller.id)
    path, now = f"/api/v1/orders/{order.number}/transactions", utc_now()
    assert (await client.get(path, headers=seller.headers)).json() == {"items": []}
    money = {"order_id": order.id, "currency": "EUR"}
    for index, (provider, amount, status) in enumerate(
        [
            ("fake", "20.00", "failed"),
            ("gift_card", "5.00", "succeeded"),
            ("stripe", "21.75", "succeeded"),
            ("fake", "1.00", "pending"),
        ]
    ):
        captured = now - timedelta(minutes=9 - index) if status == "succeeded" else None
        payment = Payment(
            **money, provider=provider, amount=Decimal(amount), status=status, captured_at=captured
        )
        session.add(payment)
        await session.flush()
        last = payment.id
    # Of the first refund one part failed, so that the whole has.
    for reason, parts in (
        ("Ünzufrieden 🙁 " * 20, {"succeeded": "1.5", "failed": "2"}),
        ("Not yet", {"pending": "1"}),
    ):
        refund = Refund(**money, amount=Decimal(3), status="failed", reason=reason)
        session.add(refund)
        await session.flush()
        for status, amount in parts.items():
            part = RefundPart(refund_id=refund.id, payment_id=last, amount=Decimal(amount), status=status)
            session.add(part)
    await session.flush()
    answer = await client.get(path, headers=seller.headers)
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert [(one["kind"], one["amount"], one["currency"]) for one in items] == [
        ("payment", "5.00", "EUR"),
        ("payment", "21.75", "EUR"),
        ("refund", "-1.50", "EUR"),
    ]
    assert items[0]["description"] == "Payment by gift card"
    assert len(items[2]["description"]) == 100
    assert items[2]["description"].startswith("Refund: Ünzufrieden")
    assert items[0]["timestamp"] < items[1]["timestamp"] < items[2]["timestamp"]
    assert (await client.get(path, headers=moderator.headers)).json() == answer.json()
    stranger = await sign_up()
    refused = await client.get(path, headers=stranger.headers)
    assert (refused.status_code, refused.json()["code"]) == (404, "order-not-found")
