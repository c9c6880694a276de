"""`python -m tests.performance.imports books.csv`: an import by a real worker beside bare COPYs of the same rows.

The file's rows are repeated, each with an ISBN of its own, up to `--rows`. COPY and import are
measured in the same run, against the same PostgreSQL. The second measure is the worker's memory
on a file of `--megabytes`. Fails on nothing.
"""

import argparse
import asyncio
import csv
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from app.catalog.isbn import to_isbn13
from app.catalog.transfer.imports.opening import open_upload
from app.catalog.transfer.sources.contract import SourceFormat, SourceOptions
from app.devstack import Servers, throwaway_servers
from tests.performance.server import ROOT, Server, serving

TARGET = 0.05
MOST_MEMORY = 100
FILLER = "x" * 3000
_MIB = 1024 * 1024
_POLL = 0.2


@dataclass(frozen=True, slots=True)
class Stand:
    """The API, the worker's process, the database, and who imports."""

    api: Server
    worker: int
    database: str
    headers: dict[str, str]

    def upload(self, path: Path) -> dict[str, Any]:
        """Import the file; the job when it is over."""
        with path.open("rb") as content:
            answer = httpx.post(
                f"{self.api.url}/api/v1/admin/imports",
                files={"file": (path.name, content)},
                headers=self.headers,
                timeout=600,
            )
        answer.raise_for_status()
        location = self.api.url + answer.headers["location"]
        while True:
            job: dict[str, Any] = httpx.get(location, headers=self.headers).raise_for_status().json()
            if job["state"] not in {"pending", "running"}:
                return job
            time.sleep(_POLL)

    def memory(self, key: str) -> float:
        """A line of the worker's status in MiB, such as VmRSS or the peak VmHWM."""
        lines = Path(f"/proc/{self.worker}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) / 1024


def main() -> None:
    """Start everything, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.performance.imports", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default=ROOT / "app/demo/data/books.csv")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--megabytes", type=int, default=300)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bookstore-imports-")))
        servers = stack.enter_context(throwaway_servers())
        stand = _stand(stack, servers, folder)
        many = folder / "many.csv"
        _write(many, arguments.file, "978", arguments.rows)
        _measure_speed(stand, many)
        if arguments.megabytes:
            large = folder / "large.csv"
            rows = arguments.megabytes * _MIB // (len(FILLER) + 100)
            _write(large, arguments.file, "979", rows, filler=FILLER)
            _measure_memory(stand, large)


def _measure_speed(stand: Stand, path: Path) -> None:
    before = _bare(stand, path)
    job = stand.upload(path)
    after = _bare(stand, path)
    speed = job["rows_per_second"] or 0
    print(f"import: {job['counts']}, {speed:,.0f} rows/s ({job['state']})")
    for name in before:
        rates = (before[name], after[name])
        print(
            f"{name}: {rates[0]:,.0f} and {rates[1]:,.0f} rows/s; ratio {speed * 2 / sum(rates):.3f}", end=""
        )
        print(f" (promised: {TARGET})")


def _measure_memory(stand: Stand, path: Path) -> None:
    before = stand.memory("VmRSS")
    Path(f"/proc/{stand.worker}/clear_refs").write_text("5")
    job = stand.upload(path)
    growth = stand.memory("VmHWM") - before
    print(
        f"{path.stat().st_size / _MIB:,.0f} MiB: {job['counts']}, {job['rows_per_second']:,.0f} rows/s;",
        end=" ",
    )
    print(f"the worker grew from {before:.0f} by at most {growth:.0f} MiB (promised: {MOST_MEMORY})")


def _bare(stand: Stand, path: Path) -> dict[str, float]:
    """Rows per second of COPYs into one table, each the middle one of three."""
    return asyncio.run(_copies(stand.database.replace("+asyncpg", ""), path))


async def _copies(url: str, path: Path) -> dict[str, float]:
    types, rows = _typed_rows(path)
    with path.open(encoding="utf-8", newline="") as lines:
        header, *cells = csv.reader(lines)
    # The table is another one each time: nothing must be remembered of its columns.
    connection = await asyncpg.connect(url, statement_cache_size=0)
    rates = {
        "COPY of the rows as they are stored": await _copy(connection, types, rows),
        "COPY of the rows as text": await _copy(connection, dict.fromkeys(header, "text"), cells),
    }
    await connection.close()
    return rates


async def _copy(connection: Any, types: dict[str, str], rows: Sequence[Sequence[Any]]) -> float:
    """Into a table with ids of its own as the primary key, its ISBNs unique."""
    columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
    await connection.execute(
        "CREATE TABLE bare"
        f" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {columns}, UNIQUE ({next(iter(types))}))"
    )
    seconds = []
    for _ in range(3):
        await connection.execute("TRUNCATE bare")
        started = time.perf_counter()
        await connection.copy_records_to_table("bare", columns=list(types), records=rows)
        seconds.append(time.perf_counter() - started)
    await connection.execute("DROP TABLE bare")
    return len(rows) / statistics.median(seconds)


def _typed_rows(path: Path) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
    """Each column with its type, and the rows as the import reads them; lists as one text."""
    source = open_upload(path, SourceOptions(SourceFormat.CSV, "EUR", None, None, {}))
    rows = [{"isbn13": record.isbn13} | record.values for record in source]
    source.close()
    types = {name: _type_of(row[name] for row in rows) for name in rows[0]}
    return types, [tuple(map(_flat, row.values())) for row in rows]


def _type_of(values: Iterable[Any]) -> str:
    kind = next((type(value) for value in values if value is not None), str)
    return {int: "integer", Decimal: "numeric(12, 2)"}.get(kind, "text")


def _flat(value: Any) -> Any:
    return "; ".join(map(str, value)) if isinstance(value, list) else value


def _write(path: Path, source: Path, prefix: str, count: int, filler: str = "") -> None:
    """The source's rows again and again, each time under other ISBNs and titles."""
    with source.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    names: Sequence[str] = [*rows[0], *(["notes"] if filler else [])]
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, names)
        writer.writeheader()
        for number in range(count):
            row = dict(rows[number % len(rows)])
            lap = number // len(rows)
            row["isbn13"] = _isbn(prefix, number)
            row["title"] += f" {lap}" if lap else ""
            writer.writerow(row | ({"notes": filler} if filler else {}))


def _isbn(prefix: str, number: int) -> str:
    isbn = to_isbn13(f"{number + 100_000_000:09d}")
    if prefix == "978":
        return isbn
    core = prefix + isbn[3:12]
    total = sum(int(digit) * (1, 3)[index % 2] for index, digit in enumerate(core))
    return core + str(-total % 10)


def _stand(stack: ExitStack, servers: Servers, folder: Path) -> Stand:
    environment = {
        "ENVIRONMENT": "production",
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "STORAGE_URL": servers.files.as_uri(),
        "JWT_SECRET": secrets.token_hex(32),
        "MAIL_URL": "smtp://127.0.0.1:1",
        "LOG_LEVEL": "WARNING",
    }
    subprocess.run(
        [sys.executable, "-m", "app.cli", "migrate"],
        cwd=folder,
        env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    api = stack.enter_context(serving(None, environment, folder, "/health/ready"))
    worker = stack.enter_context(_working(environment, folder))
    return Stand(api, worker, servers.database_url, asyncio.run(_log_in(api, servers.database_url)))


@contextmanager
def _working(environment: dict[str, str], folder: Path) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "worker"],
        cwd=folder,
        env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


async def _log_in(api: Server, database: str) -> dict[str, str]:
    password = "Quick-" + secrets.token_hex(8) + "-A1!"
    async with httpx.AsyncClient(base_url=f"{api.url}/api/v1") as client:
        account = {"username": "importer", "email": "importer@example.com", "password": password}
        (await client.post("/users/register", json=account)).raise_for_status()
        connection = await asyncpg.connect(database.replace("+asyncpg", ""))
        await connection.execute("UPDATE users SET role = 'moderator'")
        await connection.close()
        form = {"username": "importer", "password": password}
        answer = (await client.post("/auth/token", data=form)).raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


if __name__ == "__main__":
    main()
