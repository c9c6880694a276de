"""`make scale`: how search, suggestions, facets and deep pages do with many books beside few, in one run.

Then what each statistic takes, in a third shop with a million orders (`tests.performance.statistics`).

Both shops are invented by `bookstore demo generate`, stand on one PostgreSQL, and are asked in
turn, so that the machine's noise hits both. Every question is asked once: nothing is cached.
"""

import argparse
import asyncio
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from urllib.parse import quote, urlencode

import asyncpg
import uvloop

from app.catalog.books.representations import BookListQuery
from app.core.db.paging import Found, Pager, Window
from devstack import Servers, throwaway_servers
from tests.performance.catalogue import BOOKS
from tests.performance.load import request_bytes, send_count
from tests.performance.server import ROOT, Server, serving
from tests.performance.statistics import measure_orders

ROUNDS = 4
QUESTIONS = 60
"""Of each kind, in each round."""
CONNECTIONS = 2
"""Questions at once: more would wait for each other on two cores, and the wait would be measured."""
MOST_GROWTH = 3.0
SLOWEST_SEARCH_MS = 150.0
_SECRET = secrets.token_hex(32)


@dataclass(frozen=True, slots=True)
class Shop:
    """A running API over a catalogue of so many invented books."""

    books: int
    server: Server
    questions: Mapping[str, Sequence[str]]
    latencies: dict[str, list[float]] = field(default_factory=dict)

    async def ask(self, kind: str, round_: int) -> None:
        """The round's questions of one kind, each once."""
        paths = self.questions[kind][round_ * QUESTIONS : (round_ + 1) * QUESTIONS]
        requests = iter([request_bytes(path) for path in paths])
        burst = await send_count(self.server.port, requests, len(paths), 200, CONNECTIONS)
        self.latencies.setdefault(kind, []).extend(burst.latencies)

    def percentile(self, kind: str, percent: int) -> float:
        """In milliseconds."""
        return quantiles(self.latencies[kind], n=100)[percent - 1] * 1e3


def main() -> None:
    """Fill, start, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.performance.scale", description=__doc__)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bookstore-scale-")))
        servers = stack.enter_context(throwaway_servers())
        few, many = (_shop(stack, servers, folder, count) for count in (arguments.few, arguments.many))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_measure(few, many))
    _print(few, many)
    print()
    measure_orders(BOOKS, arguments.orders)


async def _measure(few: Shop, many: Shop) -> None:
    # The first round warms connections, prepared statements and PostgreSQL's own cache, and does not count.
    for round_ in range(ROUNDS + 1):
        for kind in few.questions:
            _say(f"Round {round_} of {ROUNDS}: {kind} ...")
            await few.ask(kind, round_)
            await many.ask(kind, round_)
        if round_ == 0:
            few.latencies.clear()
            many.latencies.clear()


def _shop(stack: ExitStack, servers: Servers, folder: Path, count: int) -> Shop:
    environment = _environment(servers, count)
    _fill(servers, environment, folder, count)
    return _open(stack, environment, folder, count)


def _environment(servers: Servers, count: int) -> dict[str, str]:
    return {
        "ENVIRONMENT": "development",
        "DATABASE_URL": servers.postgres.url(f"scale_{count}"),
        "REDIS_URL": servers.redis_url,
        "JWT_SECRET": _SECRET,
        "RATE_LIMIT_FACTOR": "100000",
        "LOG_LEVEL": "WARNING",
    }


def _fill(servers: Servers, environment: dict[str, str], folder: Path, count: int) -> None:
    asyncio.run(_execute(servers.database_url, f"CREATE DATABASE scale_{count}"))
    started = time.perf_counter()
    for command in (["migrate"], ["demo"], ["demo", "generate", "--books", str(count)]):
        _say(f"{count:,} books: bookstore {' '.join(command)} ...")
        subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "app.cli", *command],
            cwd=folder,
            env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
            check=True,
            stdout=subprocess.DEVNULL,
        )
    # The throw-away server has no autovacuum.
    asyncio.run(_execute(environment["DATABASE_URL"], "VACUUM ANALYZE"))
    _say(f"{count:,} books: filled in {time.perf_counter() - started:.0f} s")


def _open(stack: ExitStack, environment: dict[str, str], folder: Path, count: int) -> Shop:
    own = folder / str(count)
    own.mkdir()
    server = stack.enter_context(serving(None, environment, own, "/health/ready"))
    return Shop(count, server, asyncio.run(_questions(environment["DATABASE_URL"], (ROUNDS + 1) * QUESTIONS)))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _questions(url: str, count: int) -> Mapping[str, Sequence[str]]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        titles = await _column(connection, "SELECT title FROM items TABLESAMPLE SYSTEM_ROWS(2000)")
        names = await _column(connection, "SELECT name FROM authors TABLESAMPLE SYSTEM_ROWS(2000)")
        deep = await _deep_pages(connection, count)
    finally:
        await connection.close()
    draw = random.Random(1)
    searches = list(_searches(draw, titles, names, count))
    return {
        "search": [f"/api/v1/search?q={quote(text)}" for text in searches],
        "suggest": [f"/api/v1/suggest?q={quote(text)}" for text in _prefixes(draw, titles, names, count)],
        "facets": [f"/api/v1/books/facets?{query}" for query in _filters(draw, titles, count)],
        "deep cursor page": deep,
    }


async def _column(connection: "asyncpg.Connection[asyncpg.Record]", statement: str) -> list[str]:
    await connection.execute("CREATE EXTENSION IF NOT EXISTS tsm_system_rows")
    return [row[0] for row in await connection.fetch(statement)]


def _searches(draw: random.Random, titles: list[str], names: list[str], count: int) -> Iterator[str]:
    """Two words of a title, a name, a whole title, a common word, and every fifth with a typo."""
    for number in range(count):
        title, name = draw.choice(titles), draw.choice(names)
        words = title.split()
        text = (" ".join(draw.sample(words, min(2, len(words)))), name, title, draw.choice(words))[number % 4]
        yield _mistyped(draw, text) if number % 5 == 0 else text


def _mistyped(draw: random.Random, text: str) -> str:
    place = draw.randrange(max(1, len(text) - 1))
    return text[:place] + text[place + 1 : place + 2] + text[place : place + 1] + text[place + 2 :]


def _prefixes(draw: random.Random, titles: list[str], names: list[str], count: int) -> Iterator[str]:
    for number in range(count):
        text = draw.choice(titles if number % 2 else names)
        prefix = text[: draw.randint(2, 9)].strip()
        yield (_mistyped(draw, prefix) if number % 5 == 0 and len(prefix) > 4 else prefix).ljust(2, "a")


def _filters(draw: random.Random, titles: list[str], count: int) -> Iterator[str]:
    """Nothing, one filter, two filters, and a search; each with a price that makes it a question of its own."""
    for number in range(count):
        filters: list[dict[str, str]] = [
            {},
            {"language": "de"},
            {"in_stock": "true", "format": "ebook"},
            {"search": draw.choice(draw.choice(titles).split())},
        ]
        yield urlencode(filters[number % 4] | {"min_price": f"{1 + number / 100:.2f}"})


async def _deep_pages(connection: "asyncpg.Connection[asyncpg.Record]", count: int) -> list[str]:
    """Pages in title order after a book that nine tenths of all books stand before."""
    books = await connection.fetchval("SELECT count(*) FROM books")
    rows = await connection.fetch(
        """
        SELECT coalesce(title_filed, title_words) AS title, book_id AS id FROM book_documents
        ORDER BY title, id OFFSET $1 LIMIT $2
        """,
        books * 9 // 10,
        count,
    )
    pager, query = Pager(_SECRET.encode()), BookListQuery()
    window = Window(limit=query.limit, skip=books * 9 // 10)
    pages = []
    for row in rows:
        found: Found[object] = Found([None], books, "", (row["title"], row["id"]), has_next=True)
        cursor = pager.page(query, window, found, [None]).next_cursor
        pages.append(f"/api/v1/books?cursor={cursor}")
    return pages


def _print(few: Shop, many: Shop) -> None:
    print(f"| Question | {few.books:,} books: p50 | p95 | {many.books:,} books: p50 | p95 | p95 ÷ p95 |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for kind in few.questions:
        figures = [shop.percentile(kind, percent) for shop in (few, many) for percent in (50, 95)]
        growth = figures[3] / figures[1]
        cells = [*(f"{figure:.1f} ms" for figure in figures), f"{growth:.2f}"]
        print("|", " | ".join((kind, *cells)), "|")
        if growth > MOST_GROWTH:
            _say(f"Missed: {kind} grows {growth:.2f} times, at most {MOST_GROWTH} promised.")
        if kind == "search" and figures[3] > SLOWEST_SEARCH_MS:
            _say(f"Missed: search p95 {figures[3]:.0f} ms, at most {SLOWEST_SEARCH_MS:.0f} promised.")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
