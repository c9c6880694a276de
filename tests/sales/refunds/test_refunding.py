"""Money goes back the way it came, and never more than came."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.identity.models import AuthSession
from app.sales.models import FakeTransaction, Order, Refund
from app.sales.payments.fake import FakeProvider
from app.sales.payments.port import ProviderRefund, ProviderUnavailable, RefundRequest
from app.sales.refunds.jobs import ask_for_refunds
from tests.conftest import Audit, Caller, SignUp, events_of
from tests.factories import an_item, once
from tests.sales.payments.conftest import an_order, made, pay, payments_of, work_off

from .conftest import refund, refunds_of, with_line


async def test_part_of_it_goes_back_and_then_the_rest(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, staff: Caller, order: Order
) -> None:
    answer = await refund(client, staff, order, amount=12.5)
    told = answer.json()
    assert answer.status_code == 201, answer.text
    assert (told["amount"], told["currency"], told["status"]) == (12.5, "EUR", "succeeded")
    assert (told["reason"], told["lines"], told["restocked"]) == ("A page is missing", None, False)
    (payment,) = (await payments_of(client, buyer, order))["items"]
    assert payment["refunded"] == 12.5
    assert told["parts"] == [
        {
            "payment_id": payment["id"],
            "provider": "fake",
            "amount": 12.5,
            "status": "succeeded",
            "failure_code": None,
        }
    ]
    await session.refresh(order)
    assert order.payment_status == "partially_refunded"
    listed = await refunds_of(client, buyer, order)
    assert (listed["refundable"], listed["currency"]) == (30, "EUR")
    assert [one["id"] for one in listed["items"]] == [told["id"]]
    assert (await refund(client, staff, order, amount=30)).status_code == 201
    await session.refresh(order)
    assert order.payment_status == "refunded"
    assert (await payments_of(client, buyer, order))["due"] == 0
    first, _ = await events_of(session, "payment.refunded")
    assert (first["refund_id"], first["amount"], first["order_id"]) == (told["id"], "12.50", order.id)
    assert [one["amount"] for one in await events_of(session, "order.refunded")] == ["12.50", "30.00"]


async def test_more_than_is_left_is_refused(
    client: httpx.AsyncClient, session: AsyncSession, staff: Caller, order: Order
) -> None:
    answer = await refund(client, staff, order, amount=42.51)
    assert (answer.status_code, answer.json()["code"]) == (409, "refund-exceeds-captured")
    assert (await refund(client, staff, order, amount=42.5)).status_code == 201
    answer = await refund(client, staff, order, amount=0.01)
    assert (answer.status_code, answer.json()["code"]) == (409, "refund-exceeds-captured")
    assert answer.json()["refundable"] == 0
    assert len(list(await session.scalars(select(Refund)))) == 1


async def test_of_an_order_that_is_not_paid_nothing_goes_back(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, staff: Caller
) -> None:
    unpaid = await made(session, an_order(buyer.id))
    await pay(client, buyer, unpaid, "declined")
    answer = await refund(client, staff, unpaid, amount=1)
    assert (answer.status_code, answer.json()["code"]) == (409, "refund-exceeds-captured")


async def test_lines_go_back_for_what_was_paid_for_them_and_add_up_to_the_cent(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, staff: Caller, seller: Caller
) -> None:
    pen = await an_item(client, seller, quantity=0)
    order = await made(session, an_order(buyer.id, "10.00"))
    await with_line(session, order, pen["id"], 3, "11.00", discount=Decimal("1.00"))
    await pay(client, buyer, order)
    lines = [{"item_id": pen["id"], "quantity": 1}]
    amounts = []
    for _ in range(3):
        answer = await refund(client, staff, order, lines=lines, restock=True)
        assert answer.status_code == 201, answer.text
        amounts.append(answer.json()["amount"])
    assert amounts == [3.33, 3.34, 3.33]
    answer = await refund(client, staff, order, lines=lines)
    assert (answer.status_code, answer.json()["code"]) == (409, "refund-exceeds-line")
    assert (await client.get(f"/api/v1/items/{pen['id']}")).json()["quantity"] == 3
    ledger = await client.get(f"/api/v1/inventory/{pen['id']}/movements", headers=staff.headers)
    assert [(one["kind"], one["delta"]) for one in ledger.json()["items"][:3]] == [("return", 1)] * 3
    proof = await client.get("/api/v1/admin/inventory/reconcile", headers=staff.headers)
    assert proof.json()["mismatches"] == 0


async def test_shares_have_the_decimals_of_their_currency(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, staff: Caller, seller: Caller
) -> None:
    pen = await an_item(client, seller)
    order = await made(session, an_order(buyer.id, "1000", currency="JPY"))
    line = await with_line(session, order, pen["id"], 3, "1000")
    await pay(client, buyer, order)
    piece = [{"line_id": line.id, "quantity": 1}]
    amounts = [(await refund(client, staff, order, lines=piece)).json()["amount"] for _ in range(3)]
    assert amounts == [333, 334, 333]


async def test_net_prices_go_back_with_their_tax(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, staff: Caller, seller: Caller
) -> None:
    pen = await an_item(client, seller)
    order = await made(session, an_order(buyer.id, "21.40", is_gross=False))
    line = await with_line(session, order, pen["id"], 2, "20.00", tax=Decimal("1.40"))
    await pay(client, buyer, order)
    answer = await refund(client, staff, order, lines=[{"line_id": line.id, "quantity": 1}])
    assert answer.json()["amount"] == 10.7


async def test_without_restock_the_stock_stays_as_it_is(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, staff: Caller, seller: Caller
) -> None:
    pen = await an_item(client, seller, quantity=5)
    order = await made(session, an_order(buyer.id, "10.00"))
    line = await with_line(session, order, pen["id"], 2, "10.00")
    await pay(client, buyer, order)
    answer = await refund(client, staff, order, lines=[{"line_id": line.id, "quantity": 2}])
    assert (answer.status_code, answer.json()["amount"]) == (201, 10)
    assert answer.json()["lines"] == [{"line_id": line.id, "quantity": 2}]
    assert (await client.get(f"/api/v1/items/{pen['id']}")).json()["quantity"] == 5


async def test_a_line_of_another_order_is_none_of_this_ones(
    client: httpx.AsyncClient,
    session: AsyncSession,
    buyer: Caller,
    staff: Caller,
    seller: Caller,
    order: Order,
) -> None:
    pen = await an_item(client, seller)
    other = await made(session, an_order(buyer.id, "10.00"))
    line = await with_line(session, other, pen["id"], 1, "10.00")
    for named in ({"line_id": line.id}, {"item_id": pen["id"]}, {"line_id": 10**15}):
        answer = await refund(client, staff, order, lines=[{**named, "quantity": 1}])
        assert (answer.status_code, answer.json()["code"]) == (409, "refund-exceeds-line")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"amount": 1, "lines": [{"line_id": 1, "quantity": 1}]},
        {"amount": 0},
        {"amount": -1},
        {"amount": 1.005},
        {"amount": "1"},
        {"amount": 1, "restock": True},
        {"lines": []},
        {"lines": [{"quantity": 1}]},
        {"lines": [{"line_id": 1, "item_id": 1, "quantity": 1}]},
        {"lines": [{"line_id": 1, "quantity": 0}]},
        {"amount": 1, "reason": " "},
        {"amount": 1, "reason": "x" * 201},
        {"amount": 1, "reason": "a\x00b"},
        {"amount": 1, "reason": None},
        {"amount": 1, "to": "me"},
    ],
)
async def test_a_bad_refund_is_refused(
    client: httpx.AsyncClient, staff: Caller, order: Order, body: dict[str, Any]
) -> None:
    answer = await refund(client, staff, order, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation")
    assert (await refunds_of(client, staff, order))["items"] == []


async def test_only_who_may_gives_back_and_buyers_see_their_own(
    client: httpx.AsyncClient, sign_up: SignUp, buyer: Caller, moderator: Caller, staff: Caller, order: Order
) -> None:
    stranger = await sign_up()
    for who in (buyer, moderator, stranger):
        answer = await refund(client, who, order, amount=1)
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")
    path = f"/api/v1/orders/{order.number}/refunds"
    assert (await client.get(path, headers=stranger.headers)).status_code == 404
    assert (await client.get(path, headers=moderator.headers)).status_code == 200
    body = {"amount": 1, "reason": "x"}
    answer = await client.post("/api/v1/orders/ORD-00000000/refunds", json=body, headers=once(staff))
    assert (answer.status_code, answer.json()["code"]) == (404, "order-not-found")
    answer = await client.post(path, json=body, headers=staff.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-missing")


async def test_a_large_refund_needs_a_fresh_proof(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, staff: Caller
) -> None:
    dear = await made(session, an_order(buyer.id, "500.00"))
    await pay(client, buyer, dear)
    long_ago = utc_now() - timedelta(hours=1)
    await session.execute(
        update(AuthSession).where(AuthSession.user_id == staff.id).values(authenticated_at=long_ago)
    )
    answer = await refund(client, staff, dear, amount=100.01)
    assert (answer.status_code, answer.json()["code"]) == (403, "step-up-required")
    assert (await refund(client, staff, dear, amount=100)).status_code == 201


async def test_the_same_key_gives_back_once(
    client: httpx.AsyncClient, session: AsyncSession, staff: Caller, order: Order
) -> None:
    headers = once(staff)
    first = await refund(client, staff, order, headers, amount=10)
    again = await refund(client, staff, order, headers, amount=10)
    assert (again.status_code, again.json()) == (201, first.json())
    # As after a crash between the refund and its answer.
    await session.execute(text("DELETE FROM idempotency_keys"))
    third = await refund(client, staff, order, headers, amount=10)
    assert third.json()["id"] == first.json()["id"]
    assert len(list(await session.scalars(select(Refund)))) == 1


@contextmanager
def lost_answers() -> Iterator[None]:
    """The provider carries refunds out, and its answers are lost, while the block lasts."""
    real = FakeProvider.refund

    async def refund_and_say_nothing(provider: FakeProvider, request: RefundRequest) -> ProviderRefund:
        await real(provider, request)
        raise ProviderUnavailable("the answer was lost")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeProvider, "refund", refund_and_say_nothing)
        yield


async def test_a_refund_whose_answer_is_lost_is_pending_and_asked_for_again_with_its_key(
    app: FastAPI,
    client: httpx.AsyncClient,
    session: AsyncSession,
    staff: Caller,
    order: Order,
) -> None:
    with lost_answers():
        answer = await refund(client, staff, order, amount=40)
    assert (answer.status_code, answer.json()["status"]) == (201, "pending")
    # What is on its way counts.
    assert (await refund(client, staff, order, amount=3)).json()["code"] == "refund-exceeds-captured"
    assert await ask_for_refunds(session) == 0
    await session.execute(text("UPDATE refund_parts SET asked_at = asked_at - interval '2 minutes'"))
    assert await ask_for_refunds(session) == 1
    await session.flush()
    await work_off(app)
    listed = await refunds_of(client, staff, order)
    assert ([one["status"] for one in listed["items"]], listed["refundable"]) == (["succeeded"], 2.5)
    (entry,) = await session.scalars(select(FakeTransaction).where(FakeTransaction.returned.is_not(None)))
    assert (entry.amount, entry.calls) == (Decimal(40), 2)


async def test_a_refund_that_the_provider_refuses_has_failed_and_may_be_made_again(
    client: httpx.AsyncClient, session: AsyncSession, staff: Caller, order: Order
) -> None:
    await session.execute(text("UPDATE fake_transactions SET status = 'cancelled'"))
    told = (await refund(client, staff, order, amount=40)).json()
    assert (told["status"], told["parts"][0]["failure_code"]) == ("failed", "charge_has_not_so_much")
    assert (await refunds_of(client, staff, order))["refundable"] == 42.5
    await session.execute(text("UPDATE fake_transactions SET status = 'succeeded'"))
    assert (await refund(client, staff, order, amount=40)).json()["status"] == "succeeded"


async def test_pieces_of_a_refund_that_failed_are_in_stock_once_when_it_is_made_again(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, staff: Caller, seller: Caller
) -> None:
    pen = await an_item(client, seller, quantity=0)
    order = await made(session, an_order(buyer.id, "10.00"))
    line = await with_line(session, order, pen["id"], 4, "10.00")
    await pay(client, buyer, order)
    wanted = [
        ("cancelled", 2, 2),
        ("cancelled", 1, 2),
        ("succeeded", 1, 2),
        ("succeeded", 1, 2),
        ("succeeded", 1, 3),
    ]
    for charge, quantity, in_stock in wanted:
        stands = text("UPDATE fake_transactions SET status = :status WHERE returned IS NULL")
        await session.execute(stands, {"status": charge})
        lines = [{"line_id": line.id, "quantity": quantity}]
        told = await refund(client, staff, order, lines=lines, restock=True)
        assert told.json()["status"] == {"cancelled": "failed"}.get(charge, charge)
        assert (await client.get(f"/api/v1/items/{pen['id']}")).json()["quantity"] == in_stock


async def test_refunds_stand_in_the_audit_log(
    client: httpx.AsyncClient, staff: Caller, order: Order, audit: Audit
) -> None:
    await refund(client, staff, order, amount=5)
    (entry,) = await audit(action="order.refund_requested")
    assert entry["changes"]["amount"] == [None, "5"]
