"""The shop under test as its callers see it: requests, answers, and what is expected of them."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp
from multidict import CIMultiDictProxy

from app import __version__

API = "/api/v1"
_LARGEST_ANSWER = 4 * 1024 * 1024
_SHOWN = 200


class CheckFailed(Exception):
    """The shop did something else than it must; the text says what."""


def expect(is_so: bool, complaint: str) -> None:
    """Go on only if it is so. Raises CheckFailed."""
    if not is_so:
        raise CheckFailed(complaint)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request."""

    asked: str
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    def expect_status(self, wanted: int) -> None:
        """Go on only with this status. Raises CheckFailed, with what helps to find the request in the log."""
        if self.status == wanted:
            return
        told = " ".join(self.body.decode(errors="replace").split())[:_SHOWN]
        moved = f", to {self.headers['Location']}" if "Location" in self.headers else ""
        request_id = self.headers.get("X-Request-ID", "none")
        raise CheckFailed(
            f"{self.asked}: {self.status}{moved} instead of {wanted} (request {request_id}) {told}".rstrip()
        )

    def json(self) -> Any:
        """The body. Raises CheckFailed."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise CheckFailed(f"{self.asked}: the body is no JSON") from None


@dataclass(slots=True)
class Shop:
    """Somebody who calls the shop at one address; `headers` go with every request."""

    session: aiohttp.ClientSession
    base: str
    headers: dict[str, str] = field(default_factory=dict)

    async def send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **body: Any
    ) -> Answer:
        """Send a request; redirects are not followed. Raises CheckFailed if nothing comes back."""
        asked = f"{method} {path}"
        try:
            async with self.session.request(
                method,
                f"{self.base}{path}",
                headers=self.headers | dict(headers or {}),
                allow_redirects=False,
                **body,
            ) as answer:
                content = await answer.content.read(_LARGEST_ANSWER)
                return Answer(asked, answer.status, answer.headers, content)
        except TimeoutError:
            seconds = self.session.timeout.total
            raise CheckFailed(f"{asked}: no answer within {seconds:g} s") from None
        except aiohttp.ClientError as fault:
            raise CheckFailed(f"{asked}: {fault}") from None

    async def get(self, path: str, *, headers: Mapping[str, str] | None = None, status: int = 200) -> Answer:
        """Read with this outcome. Raises CheckFailed."""
        answer = await self.send("GET", path, headers=headers)
        answer.expect_status(status)
        return answer

    async def post(self, path: str, document: Any = None, *, status: int = 201, key: str = "") -> Any:
        """Write with this outcome; `key` makes it the same write as another. Raises CheckFailed."""
        headers = {"Idempotency-Key": key or str(uuid4())}
        answer = await self.send("POST", path, headers=headers, json=document)
        answer.expect_status(status)
        return answer.json()


@asynccontextmanager
async def calling(url: str, longest: float, *, is_insecure: bool) -> AsyncIterator[Shop]:
    """Open the connections to the shop; `is_insecure` takes any certificate. A request takes `longest` seconds at most."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=not is_insecure),
        timeout=aiohttp.ClientTimeout(total=longest),
        # Cookies would make every later request another caller's.
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"bookstore-smoke/{__version__}", "Accept": "application/json"},
    ) as session:
        yield Shop(session, url.rstrip("/"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one check went: `fault` says why it failed, `note` what it saw."""

    name: str
    milliseconds: float
    note: str = ""
    fault: str = ""


Check = Callable[[Shop], Awaitable[str]]
"""Asks the shop; says in some words what it saw. Raises CheckFailed."""


async def attempt(name: str, check: Check, shop: Shop) -> Outcome:
    """Make one check and time it."""
    started = time.perf_counter()
    note = fault = ""
    try:
        note = await check(shop)
    except CheckFailed as failed:
        fault = str(failed)
    except (KeyError, TypeError, IndexError) as odd:
        # An answer of another form than the API's: another service answers there.
        fault = f"the answer has another form than expected ({odd!r})"
    return Outcome(name, (time.perf_counter() - started) * 1000, note, fault)
