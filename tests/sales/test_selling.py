"""Whatever buyers, staff and the clock do in whatever order: stock, money and discounts stay right."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from app.core.db.transaction import transaction
from app.identity.permissions import Role
from devstack import Servers
from tests.conftest import Caller, DatabaseMaker, client_of, make_account, running_app, settings_for
from tests.factories import ADDRESS, an_item, check_out, made, once
from tests.sales.overdue import expire_overdue
from tests.sales.payments.conftest import work_off

USES = 3
_TWO, _THREE = st.integers(0, 1), st.integers(0, 2)
_ANY = st.integers(0, 1000)
REFUSED_BY_STATE = {
    "illegal-transition",
    "order-not-payable",
    "order-already-paid",
    "payment-under-way",
    "refund-exceeds-captured",
    "nothing-to-ship",
    "insufficient-stock",
    "cart-empty",
    "cart-line-full",
    "coupon-not-valid",
    "discount-exhausted",
    "stock-too-high",
    "gift-card-empty",
    "refund-exceeds-line",
    "order-not-returnable",
    "return-exceeds-delivered",
}
WRONG_MONEY = """
    SELECT number, payment_status, total, came, went FROM orders, LATERAL (
        SELECT coalesce(sum(amount) FILTER (WHERE captured_at IS NOT NULL), 0) AS came,
            (SELECT coalesce(sum(amount), 0) FROM refunds WHERE order_id = orders.id AND status = 'succeeded') AS went
        FROM payments WHERE order_id = orders.id) AS money
    WHERE NOT CASE payment_status
        WHEN 'paid' THEN came - went = total
        WHEN 'partially_refunded' THEN came > went AND went > 0
        WHEN 'refunded' THEN came = went
        ELSE came - went < total END
"""
"""In an order that waits for the rest there may be a part, which a gift card paid."""
KEPT_OF_NOTHING = """
    SELECT number FROM orders JOIN payments ON order_id = orders.id
    WHERE orders.status = 'cancelled' AND payments.status = 'succeeded' AND refunded < amount
"""
WRONG_CARDS = """
    SELECT id FROM gift_cards, LATERAL (
        SELECT sum(amount) AS moved FROM gift_card_entries WHERE gift_card_id = gift_cards.id) AS ledger
    WHERE balance <> moved
"""
OVERCREDITED = """
    SELECT orders.number FROM orders, LATERAL (
        SELECT coalesce(sum(amount - refunded) FILTER (WHERE status = 'succeeded'), 0) AS kept
        FROM payments WHERE order_id = orders.id) AS money, LATERAL (
        SELECT sum(CASE kind WHEN 'invoice' THEN invoices.total ELSE -invoices.total END) AS owed
        FROM invoices WHERE order_id = orders.id) AS books
    WHERE owed <> kept
"""
WITHOUT_LINES = (
    "SELECT number FROM orders WHERE NOT EXISTS (SELECT FROM order_lines WHERE order_id = orders.id)"
)
NEGATIVE = "SELECT item_id FROM stock_levels WHERE least(on_hand, reserved, available) < 0"
WRONG_TOTALS = """
    SELECT number FROM orders JOIN (
        SELECT order_id, sum(line_total) AS lines, sum(discount) AS discounts, sum(tax) AS taxes
        FROM order_lines GROUP BY order_id) AS sums ON order_id = orders.id
    WHERE (subtotal, discount, tax) <> (lines, discounts, taxes)
    OR total <> subtotal - discount + shipping + CASE WHEN is_gross THEN 0 ELSE tax END
"""
OVERUSED = """
    SELECT discounts.id FROM discounts, LATERAL (
        SELECT count(*) AS uses FROM discount_redemptions WHERE discount_id = discounts.id AND released_at IS NULL) AS kept
    WHERE used <> uses OR used > usage_limit
"""
EMPTY = (WRONG_MONEY, WITHOUT_LINES, NEGATIVE, WRONG_TOTALS, OVERUSED, WRONG_CARDS)
EMPTY_AT_REST = (KEPT_OF_NOTHING, OVERCREDITED)
"""Of what the worker has nothing left to do about."""


class Shop:
    """A shop that runs, called from a thread without a loop."""

    def __init__(self, portal: BlockingPortal, app: FastAPI, client: httpx.AsyncClient) -> None:
        self._portal = portal
        self.app = app
        self.client = client

    def call(self, function: Any, *arguments: Any, **named: Any) -> Any:
        """Run it in the application's loop."""
        return self._portal.call(partial(function, *arguments, **named))

    def account(self, role: Role = Role.USER) -> Caller:
        """An account that is logged in."""

        async def make() -> Caller:
            async with self.app.state.database.sessions.begin() as session:
                return await make_account(self.app, session, role)

        return self._portal.call(make)

    def run(self, statement: str) -> list[Any]:
        """The rows of one statement, committed."""

        async def execute() -> list[Any]:
            async with self.app.state.database.sessions.begin() as session:
                result = await session.execute(text(statement))
                return [tuple(row) for row in result] if result.returns_rows else []

        return self._portal.call(execute)

    def post(self, caller: Caller, path: str, body: Any = None) -> httpx.Response:
        """A POST that either succeeds or is refused for the state of things."""
        answer: httpx.Response = self.call(
            self.client.post, f"/api/v1{path}", json=body, headers=once(caller)
        )
        assert answer.is_success or answer.json()["code"] in REFUSED_BY_STATE, answer.text
        return answer

    def expire(self) -> None:
        """Let the clock call off what is unpaid."""

        async def run() -> None:
            async with transaction(self.app.state.database, self.app.state.cache) as session:
                await session.execute(
                    text("UPDATE orders SET expires_at = now() - interval '1 s' WHERE expires_at IS NOT NULL")
                )
                await expire_overdue(session)

        self._portal.call(run)


@contextmanager
def open_shop(servers: Servers, make_database: DatabaseMaker) -> Iterator[Shop]:
    """The production application in a loop of its own, on a database of its own."""
    with make_database() as url, start_blocking_portal() as portal:
        running = running_app(settings_for(servers, url))
        with (
            portal.wrap_async_context_manager(running) as app,
            portal.wrap_async_context_manager(client_of(app)) as client,
        ):
            yield Shop(portal, app, client)


class Selling(RuleBasedStateMachine):
    """Every step is a request, a worker's turn or a tick of the clock; each run has goods, people and a coupon of its own."""

    shop: ClassVar[Shop]

    def __init__(self) -> None:
        super().__init__()
        self.admin = self.shop.account(Role.ADMIN)
        self.buyers = [self.shop.account(), self.shop.account()]
        self.orders: list[tuple[Caller, str]] = []
        seller = self.shop.account()
        self.items = [
            self.shop.call(an_item, self.shop.client, seller, f"Thing {place}", price=price, quantity=6)
            for place, price in enumerate((9.99, 0.35, 120))
        ]
        self.code = f"FEW{self.admin.id}"
        coupon = {"name": "Few", "code": self.code, "discount_type": "percentage", "value": 15}
        limits = {"usage_limit": USES, "starts_at": "2020-01-01"}
        self.shop.call(made, self.shop.client, self.admin, "/api/v1/discounts", {**coupon, **limits})
        self.card = self.shop.post(self.admin, "/gift-cards", {"amount": 100}).json()["code"]
        self.waiting: list[tuple[Caller, str]] = []

    def order(self, place: int) -> tuple[Caller, str]:
        """One of the orders, and who bought it."""
        return self.orders[place % len(self.orders)]

    def a_piece(self, place: int) -> dict[str, int]:
        """One piece of one of the order's lines."""
        buyer, number = self.order(place)
        answer = self.shop.call(
            self.shop.client.get, f"/api/v1/orders/{number}", headers=buyer.headers
        ).json()
        return {"line_id": answer["lines"][place % len(answer["lines"])]["id"], "quantity": 1}

    @rule(buyer=_TWO, item=_THREE, quantity=st.integers(1, 4))
    def put_in_cart(self, buyer: int, item: int, quantity: int) -> None:
        self.shop.post(
            self.buyers[buyer],
            "/cart/lines",
            {"item_id": self.items[item]["id"], "quantity": quantity},
        )

    @rule(buyer=_TWO, item=_THREE, uses_coupon=st.booleans(), option=st.sampled_from(["standard", "pickup"]))
    def buy(self, buyer: int, item: int, uses_coupon: bool, option: str) -> None:
        self.put_in_cart(buyer, item, 1)
        wanted = {"shipping_option": option, **({"coupon": self.code} if uses_coupon else {})}
        quote = self.shop.post(self.buyers[buyer], "/checkout/quote", {"address": dict(ADDRESS), **wanted})
        if not quote.is_success:
            return
        answer = self.shop.call(
            check_out, self.shop.client, self.buyers[buyer], quote.json()["total"], **wanted
        )
        assert answer.is_success or answer.json()["code"] in REFUSED_BY_STATE, answer.text
        if answer.is_success:
            self.orders.append((self.buyers[buyer], answer.json()["number"]))

    @precondition(lambda self: self.orders)
    @rule(place=_ANY, card=st.sampled_from(["ok", "declined", "3ds", "timeout", "late_webhook"]))
    def pay(self, place: int, card: str) -> None:
        buyer, number = self.order(place)
        answer = self.shop.post(buyer, f"/orders/{number}/payments", {"provider": "fake", "card": card})
        if card == "3ds" and answer.is_success:
            self.waiting.append((buyer, f"/orders/{number}/payments/{answer.json()['id']}/confirm"))

    @precondition(lambda self: self.waiting)
    @rule(place=_ANY)
    def come_back_from_the_bank(self, place: int) -> None:
        self.shop.post(*self.waiting[place % len(self.waiting)])

    @precondition(lambda self: self.orders)
    @rule(place=_ANY)
    def pay_by_gift_card(self, place: int) -> None:
        buyer, number = self.order(place)
        self.shop.post(buyer, f"/orders/{number}/payments", {"provider": "gift_card", "code": self.card})

    @precondition(lambda self: self.orders)
    @rule(place=_ANY)
    def cancel(self, place: int) -> None:
        buyer, number = self.order(place)
        self.shop.post(buyer, f"/orders/{number}/cancel")

    @precondition(lambda self: self.orders)
    @rule(place=_ANY, cents=st.integers(1, 2000))
    def refund(self, place: int, cents: int) -> None:
        _, number = self.order(place)
        body = {"amount": float(Decimal(cents) / 100), "reason": "Goodwill"}
        self.shop.post(self.admin, f"/orders/{number}/refunds", body)

    @precondition(lambda self: self.orders)
    @rule(place=_ANY, restock=st.booleans())
    def refund_a_piece(self, place: int, restock: bool) -> None:
        _, number = self.order(place)
        body = {"lines": [self.a_piece(place)], "reason": "Torn", "restock": restock}
        self.shop.post(self.admin, f"/orders/{number}/refunds", body)

    @precondition(lambda self: self.orders)
    @rule(place=_ANY)
    def send_a_piece_back(self, place: int) -> None:
        buyer, number = self.order(place)
        wish = {"lines": [self.a_piece(place)], "reason": "Torn"}
        asked = self.shop.post(buyer, f"/orders/{number}/returns", wish)
        if asked.is_success:
            for action in ("approve", "receive", "refund"):
                self.shop.post(self.admin, f"/returns/{asked.json()['id']}/{action}", {})

    @precondition(lambda self: self.orders)
    @rule(place=_ANY)
    def ship_a_piece(self, place: int) -> None:
        _, number = self.order(place)
        self.shop.post(self.admin, f"/orders/{number}/ship", {"lines": [self.a_piece(place)]})

    @precondition(lambda self: self.orders)
    @rule(place=_ANY)
    def ship_and_deliver(self, place: int) -> None:
        _, number = self.order(place)
        self.shop.post(self.admin, f"/orders/{number}/ship", {})
        self.shop.post(self.admin, f"/orders/{number}/deliver")

    @rule(item=_THREE, quantity=st.integers(1, 5))
    def receive(self, item: int, quantity: int) -> None:
        self.shop.post(
            self.admin,
            "/inventory/receipts",
            {"lines": [{"item_id": self.items[item]["id"], "quantity": quantity}]},
        )

    @rule()
    def let_time_pass(self) -> None:
        self.shop.expire()

    @rule()
    def let_the_worker_work(self) -> None:
        self.shop.call(work_off, self.shop.app)
        for statement in EMPTY_AT_REST:
            assert self.shop.run(statement) == [], statement

    def teardown(self) -> None:
        self.let_the_worker_work()

    @invariant()
    def stock_money_and_discounts_are_right(self) -> None:
        for statement in EMPTY:
            assert self.shop.run(statement) == [], statement
        path = "/api/v1/admin/inventory/reconcile"
        assert (
            self.shop.call(self.shop.client.get, path, headers=self.admin.headers).json()["is_sound"] is True
        )


def test_whatever_happens_stock_money_and_discounts_stay_right(
    servers: Servers, make_database: DatabaseMaker
) -> None:
    with open_shop(servers, make_database) as shop:
        Selling.shop = shop
        run_state_machine_as_test(
            Selling,
            settings=settings(
                max_examples=8,
                stateful_step_count=40,
                derandomize=True,
                suppress_health_check=[*HealthCheck],
            ),
        )
