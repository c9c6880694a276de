"""One piece bought from registration to cancellation: the account and its cancelled order stay in the shop."""

import secrets
from typing import Any
from uuid import uuid4

from app.cli.smoke.shop import API, Check, CheckFailed, Shop, expect

_ADDRESS = {
    "full_name": "Smoke Test",
    "street_line_1": "Torstraße 1",
    "city": "Berlin",
    "zip_code": "10119",
    "country": "DE",
}
_CENT = 0.005


class Purchase:
    """A buyer's way; each step needs what those before it found."""

    def __init__(self) -> None:
        self._name = f"smoke_{secrets.token_hex(8)}"
        self._password = f"Aa1!{secrets.token_urlsafe(18)}"
        self._wanted: dict[str, Any] = {"address": _ADDRESS, "shipping_option": "standard"}
        self._book: dict[str, Any] = {}
        self._order: dict[str, Any] = {}

    @property
    def steps(self) -> dict[str, Check]:
        """In their order; after one that fails, the rest cannot be made."""
        return {
            "register": self._register,
            "log in": self._log_in,
            "fill a cart": self._fill_cart,
            "quote": self._quote,
            "check out": self._check_out,
            "pay": self._pay,
            "read the order": self._read,
            "cancel the order": self._cancel,
        }

    async def _register(self, shop: Shop) -> str:
        # example.com is nobody's: mail to it reaches no one.
        account = {
            "username": self._name,
            "email": f"{self._name}@example.com",
            "password": self._password,
        }
        await shop.post(f"{API}/users/register", account)
        return self._name

    async def _log_in(self, shop: Shop) -> str:
        login = {"username": self._name, "password": self._password}
        answer = await shop.send("POST", f"{API}/auth/token", data=login)
        answer.expect_status(200)
        shop.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return "by password"

    async def _fill_cart(self, shop: Shop) -> str:
        found = (await shop.get(f"{API}/books?in_stock=true&limit=20")).json()["items"]
        # What another buyer may take the last piece of is no good for a test.
        self._book = max(found, key=lambda book: book["quantity"], default={})
        if not self._book:
            raise CheckFailed("no book is in stock")
        cart = await shop.post(f"{API}/cart/lines", {"item_id": self._book["id"], "quantity": 1})
        expect(len(cart["lines"]) == 1, "the cart has not one line")
        return f"{self._book['title']!r} for {cart['subtotal']} {cart['currency']}"

    async def _quote(self, shop: Shop) -> str:
        quote = await shop.post(f"{API}/checkout/quote", self._wanted, status=200)
        self._wanted["expected_total"] = quote["total"]
        return f"{quote['total']} {quote['currency']}"

    async def _check_out(self, shop: Shop) -> str:
        key = str(uuid4())
        self._order = await shop.post(f"{API}/checkout", self._wanted, key=key)
        again = await shop.post(f"{API}/checkout", self._wanted, key=key)
        expect(again["number"] == self._order["number"], "the same request again made a second order")
        total, expected = self._order["total"], self._wanted["expected_total"]
        expect(abs(total - expected) < _CENT, f"the order costs {total}, {expected} was quoted")
        return str(self._order["number"])

    async def _pay(self, shop: Shop) -> str:
        payment = await shop.post(f"{self._path}/payments", {"provider": "fake", "card": "ok"})
        expect(payment["status"] == "succeeded", f"the payment is {payment['status']}")
        return "by the fake provider"

    async def _read(self, shop: Shop) -> str:
        order = (await shop.get(self._path)).json()
        expect(order["payment_status"] == "paid", f"the order is {order['payment_status']}")
        listed = (await shop.get(f"{API}/orders")).json()
        numbers = [one["number"] for one in listed["items"]]
        expect(numbers == [self._order["number"]], f"the buyer's orders are {numbers}")
        return f"{order['status']}, {order['payment_status']}"

    async def _cancel(self, shop: Shop) -> str:
        # Nobody shall send a test's book: its piece goes back to the stock and its money to the card.
        cancelled = await shop.post(f"{self._path}/cancel", status=200)
        expect(cancelled["status"] == "cancelled", f"the order is {cancelled['status']}")
        return "its piece is back in stock"

    @property
    def _path(self) -> str:
        return f"{API}/orders/{self._order['number']}"
