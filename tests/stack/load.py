"""Readers and writers who go on while something is done to the stack."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from tests.stack.stack import Stack

READ = ("/api/v1/books?limit=5", "/api/v1/books/1", "/api/v1/items?limit=5", "/version")
WRITE = "/api/v1/items"
_PAUSE = 0.05
_SELLER = {"username": "demo_seller", "password": "Bookstore-demo-1!"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One request: when it was sent, what came back (0: nothing) and after how many seconds."""

    at: float
    method: str
    status: int
    seconds: float


@dataclass
class Load:
    """What so many clients saw, each of which waits for its answers."""

    stack: Stack
    answers: list[Answer] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    """Titles whose 201 was seen, after as many tries as it took, each with the same key."""

    def __post_init__(self) -> None:
        self._ended = threading.Event()
        with self.stack.client(tls=True) as client:
            login = client.post("/api/v1/auth/token", data=_SELLER)
            login.raise_for_status()
        self._headers = {"Authorization": f"Bearer {login.json()['access_token']}"}

    @contextmanager
    def going_on(self, *, readers: int, writers: int) -> Iterator["Load"]:
        """Ask and write all the time, during this block."""
        with ThreadPoolExecutor(readers + writers) as pool:
            clients = [pool.submit(self._read, number) for number in range(readers)]
            clients += [pool.submit(self._write) for _ in range(writers)]
            try:
                yield self
            finally:
                self._ended.set()
        for client in clients:
            client.result()

    def failed(self, *, but: tuple["Outage", ...] = ()) -> list[Answer]:
        """What was not answered, or with 5xx, outside these times."""
        return [
            answer
            for answer in self.answers
            if (answer.status == 0 or answer.status >= 500) and not any(outage.has(answer) for outage in but)
        ]

    def of(self, method: str) -> list[Answer]:
        """The answers to such requests."""
        return [answer for answer in self.answers if answer.method == method]

    def _read(self, number: int) -> None:
        with self.stack.client(tls=True) as client:
            turn = number
            while not self._ended.is_set():
                turn += 1
                # Half of them past Nginx's cache.
                headers = self._headers if turn % 2 else None
                self._ask(client, "GET", READ[turn % len(READ)], headers=headers)
                time.sleep(_PAUSE)

    def _write(self) -> None:
        with self.stack.client(tls=True) as client:
            while not self._ended.is_set():
                title = f"load-{uuid4().hex}"
                headers = {**self._headers, "Idempotency-Key": uuid4().hex}
                body = {"title": title, "kind": "stationery", "price": 1}
                # As clients are told to: the same again, with the same key, until it is known how it ended.
                while (status := self._ask(client, "POST", WRITE, json=body, headers=headers)) != 201:
                    assert status in {0, 409} or status >= 500, status
                    time.sleep(0.2)
                self.written.append(title)
                time.sleep(_PAUSE)

    def _ask(self, client: httpx.Client, method: str, path: str, **options: object) -> int:
        began = time.monotonic()
        try:
            status = client.request(method, path, **options).status_code  # type: ignore[arg-type]  # passed on as they are
        except httpx.TransportError:
            status = 0
        self.answers.append(Answer(began, method, status, time.monotonic() - began))
        return status


@dataclass(frozen=True, slots=True)
class Outage:
    """From when to when something was away, and within how many seconds after it all must be well."""

    began: float
    ended: float
    recovery: float = 5

    def has(self, answer: Answer) -> bool:
        """Whether the request fell into it, in part at least."""
        return answer.at < self.ended + self.recovery and answer.at + answer.seconds > self.began


def rows_of(stack: Stack, titles: list[str]) -> dict[str, int]:
    """How many items have each title that a load wrote, or tried to."""
    shown = stack.execute(
        "db",
        "sh",
        "-c",
        'psql -At -F " " -U "$POSTGRES_USER" -d "$POSTGRES_DB"'
        " -c \"SELECT title, count(*) FROM items WHERE title LIKE 'load-%' GROUP BY title\"",
    )
    found = {title: int(count) for title, count in (line.split() for line in shown.splitlines())}
    return {title: found.get(title, 0) for title in {*found, *titles}}
