"""A moment is brought back from the archive of PostgreSQL's log, by the commands of docs/backups.md and the stack's files."""

import asyncio
import fcntl
import gzip
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from app.ops.backups.models import LastBackup
from devstack.account import account_for, temporary_home
from devstack.archive import Archive
from devstack.errors import DevStackError
from devstack.postgres import Postgres
from tests.conftest import ROOT

GUIDE = (ROOT / "docs" / "backups.md").read_text()
NOW = "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
LAST = "SELECT string_agg(name, ' ' ORDER BY name) FROM last_backup"


class Place(Archive):
    """The archive, and the guide's commands."""

    def wal(self, written: str, server: Postgres, **values: str) -> str:
        """What a command answers that the guide tells, with these values for what it only names."""
        assert re.search(rf"\b{written}$", GUIDE, re.MULTILINE), f"docs/backups.md does not say: {written}"
        try:
            return self.run(server, *(values.get(word, word) for word in written.split()))
        except DevStackError as complaint:
            return str(complaint)


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place(temporary_home(account_for()), kept=2)
    try:
        made.server().start()
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


async def test_the_shop_remembers_the_last_base_backup_beside_the_last_dump(place: Place) -> None:
    shop = place.servers[0]
    # A server whose shop is not migrated yet has its base backup all the same, and is told.
    assert place.wal("wal base", shop).startswith("base-")
    row = "INSERT INTO last_backup (name, snapshot_at, finished_at, size) VALUES ('20261130T', now(), now(), 1) RETURNING 1"
    engine = create_async_engine(shop.url())
    async with engine.begin() as connection:
        await connection.run_sync(LastBackup.metadata.tables["last_backup"].create)
    await engine.dispose()
    await ask(shop, row)

    for _ in range(2):
        name = place.wal("wal base", shop).partition(";")[0]
        assert await ask(shop, LAST) == f"20261130T {name}"

    assert await ask(shop, "SELECT min(size) > 0 AND max(snapshot_at) <= now() FROM last_backup") == "True"
    # Where the archive is on, the stack's settings say how often one is made.
    assert (
        await ask(shop, "SELECT current_setting('bookstore.base_backup_every')::interval") == "1 day, 0:00:00"
    )


async def test_one_base_backup_at_a_time(place: Place) -> None:
    shop = place.servers[0]
    place.wal("wal base", shop)
    under_way = place.folder / "base.part" / "base.tar.gz"
    with (shop.data / "PG_VERSION").open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        shop.account.folder(under_way.parent)
        under_way.touch()
        assert "another base backup is being made" in place.wal("wal base", shop)
        assert under_way.exists()

    # What one left that was killed is in nobody's way.
    assert place.wal("wal base", shop).startswith("base-")
    assert not under_way.exists()


async def test_root_makes_no_base_backup_that_the_server_could_neither_read_nor_delete(place: Place) -> None:
    shop = place.servers[0]
    identity = shop.account.folder(place.folder / "bin") / "id"
    identity.write_text("#!/bin/sh\necho 0\n")
    identity.chmod(0o755)

    with pytest.raises(DevStackError, match="-u postgres"):
        place.run(shop, "sh", "-c", f"PATH={identity.parent}:$PATH wal base")

    assert not list(place.folder.glob("base-*"))


async def test_a_gap_in_the_archive_is_told_and_never_taken_for_the_moment(place: Place) -> None:
    shop = place.servers[0]
    place.wal("wal base", shop)
    await ask(shop, "CREATE TABLE orders AS SELECT 1 AS id", "SELECT 1")
    await hand_in(shop)
    later = await ask(shop, "INSERT INTO orders VALUES (2)", NOW)
    await hand_in(shop)
    shop.stop()
    max(place.folder.glob("0*.gz")).unlink()

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
    first = min(place.folder.glob("0*.gz"))
    told.append(place.wal("wal base", shop))

    kept = sorted(path.name for path in place.folder.glob("base-*"))
    assert kept == [line.partition(";")[0] for line in told[1:]]
    assert told[-1].strip().endswith(f"since {kept[0].removeprefix('base-')}")
    assert not first.exists()
    assert not list(place.folder.glob("*.part"))

    await ask(shop, "CREATE TABLE orders AS SELECT 1 AS id", "SELECT 1")
    current = await ask(shop, "SELECT pg_walfile_name(pg_current_wal_lsn())")
    foreign = place.folder / f"{current}.gz"
    foreign.write_bytes(gzip.compress(b"of another server"))
    await ask(shop, "SELECT pg_switch_wal()")
    await until(shop, "SELECT last_failed_wal FROM pg_stat_archiver", current)
    assert gzip.decompress(foreign.read_bytes()) == b"of another server"
    assert f"{current} is in the archive already, with another content" in shop.log.read_text()
