"""`make bench`: each promised route beside a bare one in the same run, on servers of its own.

Ours and the bare route are measured in turn, so that the machine's noise hits both. The
figure to compare is CPU-µs per request: it hardly depends on what else runs. Promises that
are missed are named; the exit code is 0 all the same.
"""

import argparse
import asyncio
import itertools
import os
import random
import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvloop

from devstack import Servers, throwaway_servers
from tests.performance import selling
from tests.performance.catalogue import fill_catalogue
from tests.performance.load import Burst, request_bytes, send_count, send_for
from tests.performance.report import Report, Result, Side
from tests.performance.server import Server, migrate, production, serving

ROUNDS = 5
SECONDS = 1.2
WARM_UP_SECONDS = 0.6
COLD_REQUESTS = 2_000
HOT_BOOKS = 200
ORIGIN = "https://shop.example.com"
# Registration wants a strong one; it opens nothing but a throw-away database.
PASSWORD = "Quick-" + secrets.token_hex(8) + "-A1!"


@dataclass(frozen=True, slots=True)
class Route:
    """Requests to one server. With `count` a burst is so many requests, without it lasts SECONDS."""

    server: Server
    requests: Iterator[bytes]
    status: int = 200
    count: int | None = None

    async def burst(self, *, is_warm_up: bool = False) -> Burst:
        """One burst."""
        if self.count is not None:
            count = self.count // 4 if is_warm_up else self.count
            return await send_count(self.server.port, self.requests, count, self.status)
        seconds = WARM_UP_SECONDS if is_warm_up else SECONDS
        return await send_for(self.server.port, self.requests, seconds, self.status)

    async def measure(self, side: Side) -> None:
        """One burst, noted with the worker's CPU time."""
        before = self.server.cpu_seconds()
        burst = await self.burst()
        # What an answer leaves to do, such as filling the shared cache, is part of its price.
        await asyncio.sleep(0.05)
        side.add(burst, self.server.cpu_seconds() - before)


@dataclass(frozen=True, slots=True)
class Case:
    """A route of ours, the bare one beside it, and the ratio that was promised."""

    name: str
    ours: Route
    bare_name: str
    bare: Route
    target: float | None = None

    async def run(self) -> Result:
        """Warm both up, then measure them in turn."""
        result = Result(self.name, self.bare_name, Side(), Side(), self.target)
        await self.ours.burst(is_warm_up=True)
        await self.bare.burst(is_warm_up=True)
        for _ in range(ROUNDS):
            await self.ours.measure(result.ours)
            await self.bare.measure(result.bare)
        return result


@dataclass(frozen=True, slots=True)
class Stand:
    """The three servers, and what is needed to ask them."""

    ours: Server
    fastapi: Server
    starlette: Server
    book_ids: Sequence[int]
    token: str
    api_key: str

    def cases(self) -> Iterator[Case]:
        """What is measured, in this order; the cold reads come first, while nothing is cached."""
        yield Case(
            "cold GET /books/{id}",
            Route(self.ours, self._each("/api/v1/books/"), count=COLD_REQUESTS),
            "a bare Starlette route, one asyncpg select",
            Route(self.starlette, self._each("/items/"), count=COLD_REQUESTS),
            0.2,
        )
        bare_book = Route(self.fastapi, itertools.repeat(request_bytes("/books/1")))
        yield Case("hot GET /books/{id}", self._hot(), "a bare FastAPI route, same model", bare_book, 1.0)
        yield Case(
            "the same, cross-origin",
            self._hot({"Origin": ORIGIN}),
            "a bare FastAPI route, same model",
            bare_book,
        )
        yield Case(
            "hot GET /books, 20 books",
            Route(self.ours, itertools.repeat(request_bytes("/api/v1/books?limit=20"))),
            "a bare FastAPI route, same list",
            Route(self.fastapi, itertools.repeat(request_bytes("/books?limit=20"))),
            1.0,
        )
        bearer = {"Authorization": f"Bearer {self.token}"}
        yield Case(
            "GET /users/me",
            Route(self.ours, itertools.repeat(request_bytes("/api/v1/users/me", bearer))),
            "a bare FastAPI route, same model",
            Route(self.fastapi, itertools.repeat(request_bytes("/users/1", bearer))),
            0.45,
        )
        api_key = {"X-API-Key": self.api_key}
        yield Case(
            "GET /users/me with an API key",
            Route(self.ours, itertools.repeat(request_bytes("/api/v1/users/me", api_key))),
            "a bare FastAPI route, same model",
            Route(self.fastapi, itertools.repeat(request_bytes("/users/1", api_key))),
            0.45,
        )

    def _each(self, prefix: str) -> Iterator[bytes]:
        """Every book exactly once, in an order that is the same for both sides."""
        shuffled = random.Random(1).sample(self.book_ids, len(self.book_ids))
        return (request_bytes(f"{prefix}{book_id}") for book_id in shuffled)

    def _hot(self, headers: dict[str, str] | None = None) -> Route:
        paths = (f"/api/v1/books/{book_id}" for book_id in self.book_ids[:HOT_BOOKS])
        return Route(self.ours, itertools.cycle([request_bytes(path, headers) for path in paths]))


def main() -> None:
    """Start everything, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.performance.bench", description=__doc__)
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/performance.md")
    parser.add_argument("--only", metavar="TEXT", default="", help="only routes with this text in their name")
    arguments = parser.parse_args()
    if not Path("/proc/self/stat").exists():
        sys.exit("bench: CPU time per worker is read from /proc, so this needs Linux.")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bookstore-bench-")))
        _say("Starting PostgreSQL, Redis and three servers ...")
        servers = stack.enter_context(throwaway_servers())
        stand = _stand(stack, servers, folder)
        report = _measure(stand, arguments.only)
    if arguments.markdown:
        report.print_markdown()
    else:
        report.print()
    if not arguments.only:
        _say("Measuring checkouts and carts ...")
        selling.run()


def _stand(stack: ExitStack, servers: Servers, folder: Path) -> Stand:
    environment = production(servers) | {"CORS_ORIGINS": ORIGIN, "BENCH_SAMPLES": str(folder)}
    migrate(environment, folder)
    book_ids = asyncio.run(fill_catalogue(servers.database_url))
    ours = stack.enter_context(serving(None, environment, folder, "/health/ready"))
    token, api_key = _take_samples(ours, folder, book_ids[0])
    bare = "tests.performance.bare"
    fastapi = stack.enter_context(serving(f"{bare}:create_fastapi()", environment, folder, "/books/1"))
    first = f"/items/{book_ids[0]}"
    starlette = stack.enter_context(serving(f"{bare}:create_starlette()", environment, folder, first))
    _check_same(ours, fastapi, book_ids[0])
    return Stand(ours, fastapi, starlette, book_ids[1:], token, api_key)


def _take_samples(ours: Server, folder: Path, book_id: int) -> tuple[str, str]:
    """Keep what the bare routes shall answer; a token and an API key of a new account."""
    with httpx.Client(base_url=f"{ours.url}/api/v1") as client:
        account = {"username": "bench", "email": "bench@example.com", "password": PASSWORD}
        client.post("/users/register", json=account).raise_for_status()
        form = {"username": "bench", "password": PASSWORD}
        token = str(client.post("/auth/token", data=form).raise_for_status().json()["access_token"])
        bearer = {"Authorization": f"Bearer {token}"}
        paths = {"book": f"/books/{book_id}", "page": "/books?limit=20", "user": "/users/me"}
        for name, path in paths.items():
            answer = client.get(path, headers=bearer).raise_for_status()
            (folder / f"{name}.json").write_bytes(answer.content)
        made = client.post("/api-keys/generate", headers=bearer).raise_for_status()
    return token, str(made.json()["api_key"])


def _check_same(ours: Server, bare: Server, book_id: int) -> None:
    pairs = {f"/api/v1/books/{book_id}": "/books/1", "/api/v1/books?limit=20": "/books?limit=20"}
    for path, bare_path in pairs.items():
        if httpx.get(ours.url + path).json() != httpx.get(bare.url + bare_path).json():
            _say(f"Careful: the bare route does not answer the same as {path}.")


def _measure(stand: Stand, only: str) -> Report:
    results = []
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for case in stand.cases():
            if only not in case.name:
                continue
            _say(f"Measuring {case.name} ...")
            results.append(runner.run(case.run()))
    lines = stand.ours.log.read_bytes().count(b'"event":"request"')
    return Report(
        results=results,
        resident_mib=stand.ours.resident_mib(),
        bare_resident_mib=stand.fastapi.resident_mib(),
        processors=len(os.sched_getaffinity(0)),
        notes=[f"Lines of access log written: {lines:,}.", _cache_reads(stand.ours)],
    )


def _cache_reads(ours: Server) -> str:
    """Who answered, so that a cold read that was none would show."""
    lines = httpx.get(f"{ours.url}/metrics").text.splitlines()
    prefix = 'bookstore_cache_reads_total{tier="'
    reads = [line.removeprefix(prefix).split('"} ') for line in lines if line.startswith(prefix)]
    return "Hot reads by tier: " + ", ".join(f"{tier} {float(count):,.0f}" for tier, count in reads) + "."


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
