"""`python -m tests.performance.statistics`: what each statistic takes at a million orders; `make scale` asks it, too.

Twenty thousand books (`--books`), three years of orders on PostgreSQL with default settings. Each is asked several times, none
of its answers is kept. It fails on nothing.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import uvloop
from sqlalchemy import event, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app import registry
from app.admin.stats import queries
from app.admin.stats.criteria import StatsQuery
from app.admin.stats.goods import queries as goods
from app.admin.stats.goods.schemas import BestsellerQuery
from app.admin.stats.goods.service import add_up_items, add_up_moves
from app.admin.stats.service import add_up_sales
from app.core.clock import utc_now
from app.core.db.engine import Database
from app.core.http.responses import ReadResult
from app.core.settings.groups import DatabaseSettings
from devstack import throwaway_servers
from tests.performance.books_of_account import YEARS, fill_orders
from tests.performance.catalogue import BOOKS, fill_catalogue
from tests.performance.server import migrate, production

ROUNDS = 5
RUNS = 5
"""Each adds up a year; the last ones find only the last day again."""
PROMISED_MS = 300.0
_PERIODS: Mapping[str, Mapping[str, str]] = {
    "a day, by the hour": {"from": "{day}", "interval": "hour"},
    "30 days": {"interval": "day"},
    "30 days and those before, in Kathmandu": {"tz": "Asia/Kathmandu", "compare": "previous"},
    "a year, by the week": {"from": "{year}", "interval": "week"},
    "all years, by the day": {"from": "{all}", "interval": "day"},
    "all years, by the month": {"from": "{all}", "interval": "month"},
}
_AGES = {"day": 0, "year": 365, "all": YEARS * 365 + 2}
"""In days."""
Read = Callable[[AsyncConnection], Awaitable[ReadResult]]


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.performance.statistics", description=__doc__)
    parser.add_argument("--books", type=int, default=BOOKS)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument(
        "--without-sums", action="store_true", help="measure before anything is added up, too"
    )
    arguments = parser.parse_args()
    measure_orders(arguments.books, arguments.orders, is_bare=arguments.without_sums)


def measure_orders(books: int, orders: int, *, is_bare: bool = False) -> None:
    """What each statistic takes in a shop with so many books and orders."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bookstore-statistics-")))
        servers = stack.enter_context(throwaway_servers())
        migrate(production(servers), folder)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(servers.database_url, books, orders, is_bare=is_bare))


async def _run(url: str, books: int, orders: int, *, is_bare: bool) -> None:
    started = perf_counter()
    await fill_catalogue(url, books)
    await fill_orders(url, orders)
    _say(f"{books:,} books, {orders:,} orders: filled in {perf_counter() - started:.0f} s")
    await measure(url, is_bare=is_bare)


async def measure(url: str, *, is_bare: bool = False) -> None:
    """Add up what is over, and print what each statistic takes on this database."""
    registry.load()
    database = Database(DatabaseSettings.model_validate({"url": url, "statement_timeout": 600}))
    try:
        if is_bare:
            print("Without sums:\n")
            await _measure(database)
        await _add_up(database)
        await _measure(database)
    finally:
        await database.close()


async def _add_up(database: Database) -> None:
    for add in (add_up_sales, add_up_items, add_up_moves):
        started = perf_counter()
        for _ in range(RUNS):
            async with database.sessions.begin() as session:
                await add(session)
        _say(f"{add.__name__}: {RUNS} runs in {perf_counter() - started:.1f} s")
    async with database.reading() as connection:
        await connection.exec_driver_sql("VACUUM ANALYZE")


async def _measure(database: Database) -> None:
    print(
        "| Statistic | Period | ms | slowest statement, ms | Promised | CPU-ms of PostgreSQL, slowest | all |"
    )
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for name, period, read in _reads():
        # The first one finds nothing in memory.
        taken = [await _time(database, read) for _ in range(ROUNDS + 1)][1:]
        whole, slowest, *cpu = (median(column) for column in zip(*taken, strict=True))
        clock = (f"{whole:.0f}", f"{slowest:.0f}", f"≤ {PROMISED_MS:.0f}")
        cells = (name, period, *clock, *(f"{one:.0f}" for one in cpu))
        print("|", " | ".join(cells), "|", flush=True)
        if slowest > PROMISED_MS:
            _say(f"Missed: {name}, {period}: {slowest:.0f} ms, {PROMISED_MS:.0f} promised.")


def _reads() -> Iterator[tuple[str, str, Read]]:
    today = utc_now().date()
    begins = {name: str(today - timedelta(days=days)) for name, days in _AGES.items()}
    for period, asked in _PERIODS.items():
        values = {name: value.format(**begins) for name, value in asked.items()}
        query = StatsQuery.model_validate(values)
        yield "sales", period, partial(queries.get_sales, query=query, currency="EUR")
        yield "conversion", period, partial(queries.get_conversion, query=query)
        yield "accounts", period, partial(queries.get_accounts, query=query)
        yield "stock", period, partial(goods.get_stock, query=query)
        yield "returns", period, partial(goods.get_returns, query=query)
        best = BestsellerQuery.model_validate(values)
        yield "bestsellers", period, partial(goods.get_bestsellers, query=best, currency="EUR")


async def _time(database: Database, read: Read) -> tuple[float, float, float, float]:
    """Milliseconds of everything and of its slowest statement; then what the server's processor took of them."""
    taken: list[tuple[float, float]] = []
    pid = 0
    started, before = 0.0, 0.0

    def note_start(*_: Any) -> None:
        nonlocal started, before
        before, started = _cpu_ms(pid) if pid else 0.0, perf_counter()

    def note_end(*_: Any) -> None:
        ended = perf_counter()
        taken.append(((ended - started) * 1e3, _cpu_ms(pid) - before if pid else 0.0))

    engine = database.read_engine.sync_engine
    event.listen(engine, "before_cursor_execute", note_start)
    event.listen(engine, "after_cursor_execute", note_end)
    try:
        async with database.reading() as connection:
            pid = int(await connection.scalar(select(func.pg_backend_pid())) or 0)
            taken.clear()
            begun = perf_counter()
            await read(connection)
            whole = (perf_counter() - begun) * 1e3
    finally:
        event.remove(engine, "before_cursor_execute", note_start)
        event.remove(engine, "after_cursor_execute", note_end)
    clock, cpu = zip(*taken, strict=True)
    return whole, max(clock), max(cpu), sum(cpu)


def _cpu_ms(pid: int) -> float:
    """What the process has had of the processor; it tells more than the clock where others are busy, too."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
