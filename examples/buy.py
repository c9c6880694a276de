"""A buyer's whole way through the shop: browse, fill a cart, register, pay with every card, follow, send back.

It runs against `make run`, or any shop with the demo accounts and its worker, and exits 1 where something is not
as promised. The account and its orders stay in the shop; the coupon that it makes ends.
"""

import asyncio
import sys
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx

API = "/api/v1"
ADDRESS = {
    "full_name": "Rosa Müller",
    "street_line_1": "Torstraße 1",
    "city": "Berlin",
    "zip_code": "10119",
    "country": "DE",
}
PASSWORD = "Bookstore-demo-1!"  # noqa: S105 (of the demo accounts, known to everybody)
PATIENCE = 60.0
"""Seconds in which the shop's worker does what is left to it."""

Answer = dict[str, Any]


class BrokenPromise(Exception):
    """The shop did something else than it promised."""


class Caller:
    """Somebody who calls the shop, with these headers."""

    def __init__(self, client: httpx.AsyncClient, headers: Mapping[str, str]) -> None:
        self._client = client
        self.headers = dict(headers)

    async def call(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """Call, and give what is answered, if it is with this status."""
        # Each POST has a key of its own, so that a client may send it again when no answer comes.
        key = {"Idempotency-Key": str(uuid4())} if method == "POST" else {}
        return await self.send(method, path, body, key, status=status)

    async def send(
        self, method: str, path: str, body: Any, headers: Mapping[str, str], *, status: int
    ) -> Any:
        """Call with these headers besides."""
        answer = await self._client.request(
            method, f"{API}{path}", json=body, headers={**self.headers, **headers}
        )
        if answer.status_code != status:
            raise BrokenPromise(
                f"{method} {path}: {answer.status_code} instead of {status}\n{answer.text[:1000]}"
            )
        return answer.json() if answer.content else None

    async def until(self, path: str, name: str, *wanted: str) -> Answer:
        """Ask again until the field has one of these values."""
        end = time.monotonic() + PATIENCE
        while True:
            found: Answer = await self.call("GET", path)
            if found[name] in wanted:
                return found
            if time.monotonic() > end:
                raise BrokenPromise(f"{path}: {name} is still {found[name]!r}. Does the worker run?")
            await asyncio.sleep(0.25)

    async def pdf(self, path: str) -> int:
        """Wait for a document that the worker issues; its size."""
        end = time.monotonic() + PATIENCE
        while True:
            answer = await self._client.get(f"{API}{path}", headers=self.headers)
            if answer.content.startswith(b"%PDF-"):
                return len(answer.content)
            if time.monotonic() > end:
                raise BrokenPromise(f"{path}: {answer.status_code}")
            await asyncio.sleep(0.25)


def promised(is_kept: bool, promise: str) -> None:
    """Go on only if the promise is kept."""
    if not is_kept:
        raise BrokenPromise(promise)


async def log_in(client: httpx.AsyncClient, username: str, password: str) -> Caller:
    """Trade user name and password for a token."""
    answer = await client.post(
        f"{API}/auth/token", data={"username": username, "password": password}, headers={}
    )
    if answer.status_code != 200:
        raise BrokenPromise(f"{username} cannot log in: {answer.text[:1000]}")
    return Caller(client, {"Authorization": f"Bearer {answer.json()['access_token']}"})


async def browse(guest: Caller) -> list[Answer]:
    """Two books of which there are enough, and what goes with one of them."""
    page = await guest.call("GET", "/books?in_stock=true&sort=popularity&limit=100")
    books: list[Answer] = [book for book in page["items"] if book["quantity"] >= 20][:2]
    promised(len(books) == 2, "two books with twenty pieces each are on the first page")
    print(f"{page['total']} books are in stock; {books[0]['title']!r} costs {books[0]['price']}")
    for book in (await guest.call("GET", f"/books/{books[0]['id']}/related?limit=3"))["items"]:
        print(f"  goes with it ({book['reason']}): {book['title']!r}")
    return books


async def fill_guest_cart(guest: Caller, books: list[Answer]) -> str:
    """Fill a cart without an account; its token."""
    for book, quantity in zip(books, (2, 1), strict=True):
        line = {"item_id": book["id"], "quantity": quantity}
        cart = await guest.call("POST", "/cart/lines", line, status=201)
        token: str = cart["token"]
        guest.headers["X-Cart-Token"] = token
    print(f"a guest's cart has {len(cart['lines'])} lines for {cart['subtotal']} {cart['currency']}")
    return token


async def register(client: httpx.AsyncClient, guest: Caller, token: str) -> Caller:
    """Open an account with the guest's cart, which is the account's afterwards, and nobody else's."""
    name = f"buyer_{uuid4().hex[:12]}"
    account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    await guest.call("POST", "/users/register", account, status=201)
    buyer = await log_in(client, name, PASSWORD)
    cart = await buyer.call("GET", "/cart")
    promised([line["quantity"] for line in cart["lines"]] == [2, 1], "the account has the guest's cart")
    await guest.call("GET", "/cart", status=404)
    # Later the buyer comes back as a guest, and logs in: quantities are summed.
    line = {"item_id": cart["lines"][0]["item_id"], "quantity": 1}
    again = await Caller(client, {}).call("POST", "/cart/lines", line, status=201)
    login = {"username": name, "password": PASSWORD}
    await client.post(f"{API}/auth/token", data=login, headers={"X-Cart-Token": again["token"]})
    cart = await buyer.call("GET", "/cart")
    promised([line["quantity"] for line in cart["lines"]] == [3, 1], "a second guest's cart is merged")
    promised(token != again["token"], "each guest has a token of their own")
    print(f"{name} has an account, and both guests' carts in it")
    return buyer


async def quote_and_check_out(buyer: Caller) -> Answer:
    """Ask what the cart costs, and buy it for that; sent twice, it is one order."""
    quote = await buyer.call("POST", "/checkout/quote", {"address": ADDRESS, "shipping_option": "standard"})
    goods = quote["subtotal"] - quote["discount"] + quote["tax"] + quote["shipping"]
    promised(abs(goods - quote["total"]) < 0.005, "the parts of a quote add up to its total")
    wanted = {"address": ADDRESS, "shipping_option": "standard"}
    await buyer.call("POST", "/checkout", {**wanted, "expected_total": quote["total"] + 1}, status=409)
    key = {"Idempotency-Key": str(uuid4())}
    body = {**wanted, "expected_total": quote["total"]}
    order: Answer = await buyer.send("POST", "/checkout", body, key, status=201)
    again = await buyer.send("POST", "/checkout", body, key, status=201)
    promised(again["number"] == order["number"], "the same request again makes no second order")
    promised(order["total"] == quote["total"], "the order costs what was quoted")
    promised(not (await buyer.call("GET", "/cart"))["lines"], "the cart is empty after the checkout")
    print(
        f"{order['number']}: {order['subtotal']} - {order['discount']} + {order['tax']} tax"
        f" + {order['shipping']} shipping = {order['total']} {order['currency']}"
    )
    return order


async def pay(buyer: Caller, order: Answer, card: str, *expected: str) -> Answer:
    """Pay with a card of the fake provider; the payment, if it stands as it must."""
    path = f"/orders/{order['number']}/payments"
    payment: Answer = await buyer.call("POST", path, {"provider": "fake", "card": card}, status=201)
    promised(
        payment["status"] in expected, f"card {card} is {' or '.join(expected)}, not {payment['status']}"
    )
    print(f"{order['number']}: card {card}: {payment['status']} {payment['failure_code'] or ''}".rstrip())
    return payment


async def same_again(buyer: Caller, order: Answer) -> Answer:
    """Order once more what that order had."""
    await buyer.call("POST", f"/orders/{order['number']}/reorder")
    return await quote_and_check_out(buyer)


async def pay_with_every_card(buyer: Caller, first: Answer) -> list[Answer]:
    """An order for each card; all of them are paid in the end, if not at once. The orders."""
    await pay(buyer, first, "ok", "succeeded")
    again = {"provider": "fake", "card": "ok"}
    await buyer.call("POST", f"/orders/{first['number']}/payments", again, status=409)

    declined = await same_again(buyer, first)
    await pay(buyer, declined, "declined", "failed")
    unpaid = await buyer.call("GET", f"/orders/{declined['number']}")
    promised(unpaid["status"] == "pending", "an order whose card was declined waits for another")
    await pay(buyer, declined, "ok", "succeeded")

    secured = await same_again(buyer, first)
    payment = await pay(buyer, secured, "3ds", "requires_action")
    promised(bool(payment["client_secret"]), "the browser gets a secret to go on with")
    back = await buyer.call("POST", f"/orders/{secured['number']}/payments/{payment['id']}/confirm")
    promised(back["status"] == "succeeded", "after 3-D Secure the payment succeeds")

    silent = await same_again(buyer, first)
    await pay(buyer, silent, "timeout", "pending", "succeeded")
    late = await same_again(buyer, first)
    await pay(buyer, late, "late_webhook", "pending")

    orders = [first, declined, secured, silent, late]
    for order in orders:
        path = f"/orders/{order['number']}"
        paid = await buyer.until(path, "payment_status", "paid")
        promised(paid["status"] == "processing", "a paid order is in process")
        payments = await buyer.call("GET", f"{path}/payments")
        captured = [one for one in payments["items"] if one["status"] == "succeeded"]
        promised(len(captured) == 1 and payments["due"] == 0, "nobody pays twice")
    print("all five orders are paid, each once")
    return orders


async def follow(buyer: Caller, staff: Caller, order: Answer) -> None:
    """Staff send the order; the buyer sees it move, and has an invoice."""
    path = f"/orders/{order['number']}"
    parcel = {"carrier": "DHL", "tracking": "00340434161094000000"}
    await buyer.call("POST", f"{path}/ship", parcel, status=403)
    await staff.call("POST", f"{path}/ship", parcel)
    await buyer.call("POST", f"{path}/cancel", status=409)
    await staff.call("POST", f"{path}/deliver")
    timeline = await buyer.call("GET", f"{path}/timeline")
    kinds = [event["kind"] for event in timeline["events"]]
    print(f"{order['number']}: {' → '.join(kinds)}")
    promised(
        [kind for kind in kinds if kind in {"placed", "paid", "shipped", "delivered"}]
        == ["placed", "paid", "shipped", "delivered"],
        "the timeline tells what happened",
    )
    size = await buyer.pdf(f"{path}/invoice.pdf")
    invoice = await buyer.call("GET", f"{path}/invoice")
    promised(abs(invoice["total"] - order["total"]) < 0.005, "the invoice is about what was paid")
    print(f"{order['number']}: invoice {invoice['number']} over {invoice['total']}, {size} bytes of PDF")


async def call_off(buyer: Caller, order: Answer) -> None:
    """Cancel a paid order: the money comes back."""
    path = f"/orders/{order['number']}"
    await buyer.call("POST", f"{path}/cancel")
    cancelled = await buyer.until(path, "payment_status", "refunded")
    promised(cancelled["status"] == "cancelled", "the order is cancelled")
    print(f"{order['number']}: cancelled, and {order['total']} came back")


async def send_back(buyer: Caller, staff: Caller, order: Answer) -> None:
    """Return a piece: asked for, approved, received, refunded."""
    path = f"/orders/{order['number']}"
    line = {"line_id": order["lines"][0]["id"], "quantity": 1}
    asked = {"lines": [line], "reason": "A present that they have already"}
    wanted = await buyer.call("POST", f"{path}/returns", asked, status=201)
    for action, status in (("approve", "approved"), ("receive", "received"), ("refund", "refunded")):
        body: Answer | None = None if action == "approve" else {}
        moved = await staff.call("POST", f"/returns/{wanted['id']}/{action}", body)
        promised(moved["status"] == status, f"after {action} the return is {status}")
    await buyer.until(path, "payment_status", "partially_refunded")
    refunds = await buyer.call("GET", f"{path}/refunds")
    transactions = await buyer.call("GET", f"{path}/transactions")
    told = ", ".join(f"{one['kind']} {one['amount']}" for one in transactions["items"])
    promised(0 < refunds["items"][0]["amount"] < order["total"], "what came back is paid back, and no more")
    print(f"{order['number']}: one piece went back; {told}")


async def walk(client: httpx.AsyncClient) -> None:
    """The whole way. Raises BrokenPromise."""
    staff = await log_in(client, "demo_admin", PASSWORD)
    code = f"WALK-{uuid4().hex[:8].upper()}"
    rule = {"name": "A tenth off", "code": code, "discount_type": "percentage", "value": 10}
    discount = await staff.call("POST", "/discounts", rule, status=201)
    try:
        guest = Caller(client, {})
        books = await browse(guest)
        buyer = await register(client, guest, await fill_guest_cart(guest, books))
        cart = await buyer.call("POST", "/cart/coupon", {"code": code.lower()})
        promised(cart["discount"] > 0, "the coupon counts")
        print(f"{code} takes {cart['discount']} off")
        orders = await pay_with_every_card(buyer, await quote_and_check_out(buyer))
        await follow(buyer, staff, orders[0])
        await send_back(buyer, staff, orders[0])
        await call_off(buyer, orders[-1])
        listed = await buyer.call("GET", "/orders?limit=10")
        promised(
            {one["number"] for one in listed["items"]} == {one["number"] for one in orders},
            "the buyer sees their orders",
        )
    finally:
        await staff.call("DELETE", f"/discounts/{discount['id']}", status=204)
    print("done: everything was as promised")


async def main(base_url: str) -> None:
    """Walk through the shop at this address."""
    try:
        async with httpx.AsyncClient(base_url=base_url, timeout=30) as client:
            await walk(client)
    except BrokenPromise as broken:
        sys.exit(f"not as promised: {broken}")
    except httpx.TransportError as fault:
        sys.exit(f"no shop at {base_url}: {fault!r}; start it with `make run`")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"))
