"""`python -m tests.performance.imports books.csv`: an import by a real worker beside bare COPYs of the same rows.

The file's rows are repeated, each with an ISBN of its own, up to `--rows`. COPY and import are
measured in the same run, against the same PostgreSQL; so is a COPY of what the import made into the
tables, indexes and foreign keys where it belongs, which no import can beat. The second measure is
the worker's memory on a file of `--megabytes`. Fails on nothing.
"""

import argparse
import asyncio
import csv
import io
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg

from app.catalog.formats.record import SourceFormat, SourceOptions
from app.catalog.imports.source import open_upload
from app.catalog.isbn import to_isbn13
from devstack import throwaway_servers
from tests.performance.import_stand import Stand, import_stand
from tests.performance.server import ROOT

TARGET = 0.05
MOST_MEMORY = 100
FILLER = "x" * 3000
FILLED = (
    "authors",
    "series",
    "works",
    "items",
    "books",
    "contributors",
    "stock_levels",
    "import_rows",
    "book_documents",
)
"""The tables that rows of `books.csv` fill, parents first."""
_MIB = 1024 * 1024


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
        stand = import_stand(stack, servers, folder)
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
    finished = job["counts"]["created"] / asyncio.run(_copy_finished(stand.driver_url))
    print(f"COPY of the finished rows into the shop's own tables: {finished:,.0f} rows/s", end="")
    print(f"; ratio to the COPY of the rows as stored {finished * 2 / sum(_first(before, after)):.3f}")


def _first(*measures: dict[str, float]) -> list[float]:
    return [next(iter(measure.values())) for measure in measures]


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
    return asyncio.run(_copies(stand.driver_url, path))


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


async def _copy_finished(url: str) -> float:
    """Seconds for what the import made to be copied again into the emptied tables, and taken back."""
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("SET LOCAL bookstore.defer_documents = 'on'")
    kept = [await _taken(connection, table) for table in FILLED]
    await connection.execute(f"TRUNCATE {', '.join(FILLED)} CASCADE")
    started = time.perf_counter()
    for table, columns, rows in kept:
        await connection.copy_to_table(table, source=rows, columns=columns, format="binary")
    seconds = time.perf_counter() - started
    await transaction.rollback()
    await connection.close()
    return seconds


async def _taken(connection: Any, table: str) -> tuple[str, list[str], io.BytesIO]:
    """The table, its columns that are not made by PostgreSQL, and its rows."""
    columns = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass"
        " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
        table,
    )
    names = [column["attname"] for column in columns]
    rows = io.BytesIO()
    query = f"SELECT {', '.join(names)} FROM {table} ORDER BY 1"  # noqa: S608 (names of our own)
    await connection.copy_from_query(query, output=rows, format="binary")
    rows.seek(0)
    return table, names, rows


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


if __name__ == "__main__":
    main()
