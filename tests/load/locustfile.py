"""Shoppers, for Locust: `make load BASE_URL=…`. Five lists, three books, three searches, two carts, one new book, one look at the health.

It runs in a virtual environment of its own (requirements/load.lock), so it imports nothing of the shop.
"""

import random
import time
from itertools import count
from typing import Any
from uuid import uuid4

from locust import HttpUser, between, task
from locust.exception import StopUser

API = "/api/v1"
SELLERS = 10
"""Accounts that are opened at the beginning; shoppers list books in their names."""
LOG_IN_EVERY = 600.0
"""Seconds; a token lasts fifteen minutes."""
DEEPEST = 200
_numbers = count()


def is_fine(answer: Any) -> bool:
    """Whether it is an answer, and a good one; `ok` raises where a connection broke."""
    return bool(200 <= answer.status_code < 300)


class Seller:
    """An account, opened and logged in when it is first needed."""

    def __init__(self) -> None:
        self._name = f"load_{uuid4().hex[:12]}"
        # It opens nothing but this account.
        self._password = f"Load-{uuid4().hex}-A1!"
        self._is_registered = False
        self._headers: dict[str, str] = {}
        self._logged_in_at = 0.0

    def headers(self, client: Any) -> dict[str, str]:
        """Its credentials. StopUser: the shop opens no account."""
        if not self._is_registered:
            account = {
                "username": self._name,
                "email": f"{self._name}@example.com",
                "password": self._password,
            }
            if not is_fine(client.post(f"{API}/users/register", json=account, name="open an account")):
                raise StopUser
            self._is_registered = True
        if not self._headers or time.monotonic() - self._logged_in_at > LOG_IN_EVERY:
            form = {"username": self._name, "password": self._password}
            answer = client.post(f"{API}/auth/token", data=form, name="log in")
            if not is_fine(answer):
                raise StopUser
            self._headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
            self._logged_in_at = time.monotonic()
        return self._headers


SOLD_BY = [Seller() for _ in range(SELLERS)]


class Shopper(HttpUser):
    """Somebody who mostly looks; pauses half a second to one and a half between two clicks."""

    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        """Look at the first page, and know whose books one lists."""
        number = next(_numbers)
        self.seller = SOLD_BY[number % SELLERS]
        self.cart: dict[str, str] = {}
        self.books: list[dict[str, Any]] = []
        self.random = random.Random(number)
        self.list_books()
        if number < SELLERS:
            self.seller.headers(self.client)

    @task(5)
    def list_books(self) -> None:
        """One of the first pages."""
        skip = 20 * self.random.randrange(DEEPEST // 20)
        answer = self.client.get(f"{API}/books", params={"skip": skip, "limit": 20}, name="list")
        if is_fine(answer):
            self.books = answer.json()["items"] or self.books

    @task(3)
    def get_book(self) -> None:
        """One of the books on the page."""
        if self.books:
            self.client.get(f"{API}/books/{self.random.choice(self.books)['id']}", name="get")

    @task(3)
    def search(self) -> None:
        """A word of a title on the page."""
        if self.books:
            word = self.random.choice(self.random.choice(self.books)["title"].split())
            self.client.get(f"{API}/search", params={"q": word}, name="search")

    @task(2)
    def fill_cart(self) -> None:
        """One more piece of something into the cart of a guest."""
        if not self.books:
            return
        line = {"item_id": self.random.choice(self.books)["id"], "quantity": 1}
        with self.client.post(
            f"{API}/cart/lines", json=line, headers=self.cart, name="cart", catch_response=True
        ) as answer:
            if answer.status_code == 409:
                # Sold out, or as many as one may have: an answer as good as any.
                answer.success()
            elif is_fine(answer) and "token" in (made := answer.json()):
                self.cart = {"X-Cart-Token": made["token"] or self.cart.get("X-Cart-Token", "")}

    @task(1)
    def create_book(self) -> None:
        """A new book in a seller's name."""
        book = {"title": f"A load of {uuid4().hex[:8]}", "author": "Ada Load", "price": 9.5}
        self.client.post(f"{API}/books", json=book, headers=self.seller.headers(self.client), name="create")

    @task(1)
    def look_at_health(self) -> None:
        """As a balancer does."""
        self.client.get("/health", name="health")
