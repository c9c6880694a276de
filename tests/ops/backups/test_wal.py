"""A moment is brought back from the archive of PostgreSQL's log, by the commands of docs/backups.md and the stack's files."""

import asyncio
import gzip
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from devstack.account import account_for, passage, temporary_home
from devstack.errors import DevStackError
from devstack.postgres import Postgres
from tests.conftest import ROOT

GUIDE = (ROOT / "docs" / "backups.md").read_text()
CONFIGURATION = (ROOT / "docker" / "postgres" / "archiving.conf").read_text()
# As the stack sets them; a test need not wait for the disk.
SETTINGS = (
    *(f"{name}={value}" for name, value in re.findall(r"^(\w+) = '?(.*?)'?$", CONFIGURATION, re.MULTILINE)),
    "fsync=off",
    "io_method=sync",
)
NOW = "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"


@dataclass
class Place:
    """Where servers run, and the archive of the log of all of them."""

    home: Path
    servers: list[Postgres] = field(default_factory=list)

    @property
    def archive(self) -> Path:
        """The folder."""
        return self.home / "archive"

    def server(self) -> Postgres:
        """A server that was never started, with the stack's settings."""
        folder = self.home / f"server-{len(self.servers)}"
        self.servers.append(Postgres(passage(folder), folder / "log", ("--no-sync",), SETTINGS))
        return self.servers[-1]

    def wal(self, written: str, server: Postgres, **values: str) -> str:
        """What a command answers that the guide tells, with these values for what it only names."""
        assert re.search(rf"\b{written}$", GUIDE, re.MULTILINE), f"docs/backups.md does not say: {written}"
        account = server.account
        done = subprocess.run(  # noqa: S603 (the stack's own program)
            [values.get(word, word) for word in written.split()],
            user=account.uid,
            group=account.gid,
            extra_groups=None if account.uid is None else [],
            env={**os.environ, "PGHOST": server.url().partition("host=")[2], "PGDATA": str(server.data)},
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout if done.returncode == 0 else done.stderr

    def recover(self, moment: str) -> Postgres:
        """A new server, started at that moment."""
        server = self.server()
        server.account.folder(server.home)
        assert "start the server" in self.wal("wal recover TIME", server, TIME=moment)
        server.start()
        return server


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    made = Place(temporary_home(account_for()))
    programs = passage(made.home / "programs")
    shutil.copy(ROOT / "docker" / "postgres" / "wal", programs)
    first = made.server()
    first.account.folder(made.archive)
    path = (programs, first._programs, os.environ["PATH"])  # noqa: SLF001 (its programs are nobody else's business)
    for name, value in {
        "PATH": os.pathsep.join(map(str, path)),
        "PGUSER": "bookstore",
        "WAL_ARCHIVE": str(made.archive),
        "WAL_KEEP": "2",
    }.items():
        monkeypatch.setenv(name, value)
    try:
        first.start()
        yield made
    finally:
        for server in made.servers:
            server.stop(immediate=True)
        shutil.rmtree(made.home, ignore_errors=True)


async def ask(server: Postgres, *statements: str) -> str:
    """Run them one by one; the last one's value."""
    connection = await asyncpg.connect(server.url().replace("+asyncpg", ""))
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return str(await connection.fetchval(statements[-1]))
    finally:
        await connection.close()


async def until(server: Postgres, question: str, answer: str = "True") -> None:
    """Wait until the server answers so."""
    async with asyncio.timeout(30):
        while await ask(server, question) != answer:
            await asyncio.sleep(0.02)


async def hand_in(server: Postgres) -> None:
    """Have all that was written so far archived."""
    written = await ask(server, "CHECKPOINT", "SELECT pg_walfile_name(pg_switch_wal())")
    await until(server, "SELECT last_archived_wal FROM pg_stat_archiver", written)


async def test_rows_that_were_deleted_by_mistake_are_back_and_later_work_goes_on(place: Place) -> None:
    shop = place.servers[0]
    await ask(shop, "CREATE TABLE orders AS SELECT 1 AS id", "SELECT 1")
    assert place.wal("wal base", shop).startswith("base-")
    before = await ask(shop, "INSERT INTO orders SELECT generate_series(2, 1000)", NOW)
    await ask(shop, "DELETE FROM orders", "INSERT INTO orders VALUES (0) RETURNING id")
    await hand_in(shop)
    assert "is not empty" in place.wal("wal recover TIME", shop, TIME=before)
    shop.stop()

    recovered = place.recover(before)

    await until(recovered, "SELECT pg_is_wal_replay_paused()")
    assert await ask(recovered, "SELECT count(*) FROM orders WHERE id > 0") == "1000"
    assert await ask(recovered, "SELECT count(*) FROM orders WHERE id = 0") == "0"
    await ask(recovered, "SELECT pg_wal_replay_resume()")
    await until(recovered, "SELECT pg_is_in_recovery()", "False")
    # It sells and archives again, and this way too leads back.
    await ask(recovered, "INSERT INTO orders VALUES (2000) RETURNING id")
    await hand_in(recovered)
    recovered.stop()
    again = place.recover("end")
    await until(again, "SELECT pg_is_in_recovery()", "False")
    assert await ask(again, "SELECT count(*) || ' ' || max(id) FROM orders") == "1001 2000"


async def test_a_server_that_is_lost_comes_back_to_what_was_archived(place: Place) -> None:
    shop = place.servers[0]
    early = await ask(shop, NOW)
    place.wal("wal base", shop)
    await ask(shop, "CREATE TABLE orders AS SELECT generate_series(1, 1000) AS id", "SELECT 1")
    await hand_in(shop)
    shop.stop(immediate=True)
    shutil.rmtree(shop.data)

    assert "no base backup" in place.wal("wal recover TIME", shop, TIME=early)
    assert "recover to when?" in place.wal("wal recover TIME", shop, TIME="2026-11-30 02:00")
    assert "recover to when?" in place.wal("wal recover TIME", shop, TIME="2026-11-30T02:00:00'\nZ")
    recovered = place.recover("end")
    await until(recovered, "SELECT pg_is_in_recovery()", "False")
    assert await ask(recovered, "SELECT count(*) FROM orders") == "1000"


async def test_a_gap_in_the_archive_is_told_and_never_taken_for_the_moment(place: Place) -> None:
    shop = place.servers[0]
    place.wal("wal base", shop)
    await ask(shop, "CREATE TABLE orders AS SELECT 1 AS id", "SELECT 1")
    await hand_in(shop)
    later = await ask(shop, "INSERT INTO orders VALUES (2)", NOW)
    await hand_in(shop)
    shop.stop()
    max(place.archive.glob("0*.gz")).unlink()

    with suppress(DevStackError):
        # Reads may be let in before the end is met.
        place.recover(later)
    lost = place.servers[-1]
    async with asyncio.timeout(30):
        while lost.is_running:
            await asyncio.sleep(0.02)
    assert "recovery ended before configured recovery target was reached" in lost.log.read_text()


async def test_old_base_backups_go_with_the_log_that_only_they_need_and_nothing_is_overwritten(
    place: Place,
) -> None:
    shop = place.servers[0]
    told = [place.wal("wal base", shop) for _ in range(2)]
    first = min(place.archive.glob("0*.gz"))
    told.append(place.wal("wal base", shop))

    kept = sorted(path.name for path in place.archive.glob("base-*"))
    assert kept == [line.partition(";")[0] for line in told[1:]]
    assert told[-1].strip().endswith(f"since {kept[0].removeprefix('base-')}")
    assert not first.exists()
    assert not list(place.archive.glob("*.part"))

    await ask(shop, "CREATE TABLE orders AS SELECT 1 AS id", "SELECT 1")
    current = await ask(shop, "SELECT pg_walfile_name(pg_current_wal_lsn())")
    foreign = place.archive / f"{current}.gz"
    foreign.write_bytes(gzip.compress(b"of another server"))
    await ask(shop, "SELECT pg_switch_wal()")
    await until(shop, "SELECT last_failed_wal FROM pg_stat_archiver", current)
    assert gzip.decompress(foreign.read_bytes()) == b"of another server"
    assert f"{current} is in the archive already, with another content" in shop.log.read_text()
