"""Wrong keys, damage, kills, full and unreachable places: no restore touches anything, and no half backup counts."""

import asyncio
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import time_machine

from app.catalog.pictures.jobs import PicturesToPurge, purge
from app.core.clock import utc_now
from app.core.events.events import Delivery, RetryAfter
from app.core.storage.storage import StorageAway
from app.ops.backups.age import new_key
from app.ops.backups.errors import (
    BackupDamaged,
    BackupError,
    BackupMissing,
    BackupRunning,
    BackupsOff,
    ProgramFailed,
    RestoreRefused,
    WrongKey,
)
from app.ops.backups.manifest import Manifest
from app.ops.backups.repository import alone
from app.ops.backups.target import BackupTarget
from devstack.process import wait_until
from tests.conftest import JWT_SECRET, PUBLIC_URL, ROOT

from .conftest import OpenShop, Shop, context_of

Spoil = Callable[[bytes], bytes]
SPOILT: dict[str, Spoil] = {
    "cut": lambda content: content[:-1],
    "cut at a block": lambda content: content[: len(content) // 2],
    "flipped in the middle": lambda content: flipped(content, len(content) // 2),
    "flipped in the header": lambda content: flipped(content, 40),
    "longer": lambda content: content + b"x",
    "empty": lambda _: b"",
}


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


async def assert_untouched(shop: Shop) -> None:
    assert not await shop.has_tables()
    assert await shop.files() == {}


def named(backup: Manifest, **changes: object) -> Manifest:
    return backup.model_copy(update=changes)


@pytest.mark.parametrize("part", ["database.dump.age", "files.tar.age"])
async def test_a_part_that_is_not_as_written_restores_nothing(
    shop: Shop, empty_shop: Shop, tmp_path: Path, part: str
) -> None:
    backup = await shop.back_up()
    path = tmp_path / "backups" / backup.name / part
    content = path.read_bytes()

    for name, spoil in SPOILT.items():
        path.write_bytes(spoil(content))
        with pytest.raises((BackupDamaged, WrongKey)):
            await empty_shop.restore(backup)
        await assert_untouched(empty_shop)
        assert name
    path.unlink()
    with pytest.raises(BackupDamaged, match="is missing"):
        await empty_shop.restore(backup)

    path.write_bytes(content)
    await empty_shop.restore(backup)


async def test_another_key_and_the_public_one_open_nothing(
    shop: Shop, open_shop: OpenShop, blank_database_url: str
) -> None:
    backup = await shop.back_up()
    public, other = new_key()

    for key, complaint in ((other, "made for another key"), (public, "only seals")):
        stranger = open_shop(blank_database_url, key=key)
        with pytest.raises(WrongKey, match=complaint):
            await stranger.restore(backup)
        await assert_untouched(stranger)


@pytest.mark.parametrize("key", ["age1" + "q" * 58, "AGE-SECRET-KEY-1" + "Q" * 58])
async def test_a_key_that_was_mistyped_is_told(shop: Shop, open_shop: OpenShop, key: str) -> None:
    database = shop.settings.database.url.get_secret_value()

    with pytest.raises(WrongKey, match="BACKUP_KEY was mistyped"):
        await open_shop(database, key=key).back_up()

    backup = await shop.back_up()
    with pytest.raises(WrongKey, match="BACKUP_KEY"):
        await open_shop(database, key=key).restore(backup, replaces=True)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "",
        lambda text: text[:-2],
        lambda text: text.replace('"format": 1', '"format": 2'),
        lambda text: re.sub('"name": "2[^"]*"', '"name": "20200101T000000Z-00000000"', text),
        lambda text: text.replace("database.dump.age", "../../database.dump.age"),
    ],
)
async def test_a_manifest_that_cannot_be_read_hides_no_other_backup(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[str], str]
) -> None:
    first, second = await shop.back_up(), await shop.back_up()
    # One of a day is kept.
    assert await shop.backups() == [second]
    manifest = tmp_path / "backups" / second.name / "manifest.json"
    manifest.write_text(spoil(manifest.read_text()))
    target = BackupTarget(shop.settings.backup)

    third = await shop.back_up()

    assert await shop.backups() == [third]
    assert f'"backup":"{second.name}"' in capsys.readouterr().out
    assert await target.find("") == third
    with pytest.raises(BackupDamaged, match=second.name):
        await target.find(second.name)
    # Nobody can tell whether it is of any use.
    assert (manifest.parent / "database.dump.age").exists()
    assert not (tmp_path / "backups" / first.name).exists()


async def test_a_backup_of_a_newer_release_is_refused(shop: Shop, empty_shop: Shop) -> None:
    backup = named(await shop.back_up(), schema_heads=("9999",), release="9.9.9")

    with pytest.raises(RestoreRefused, match=r"9999.*release 9\.9\.9"):
        await empty_shop.restore(backup)

    await assert_untouched(empty_shop)


async def test_a_restore_that_fails_leaves_what_was_there(shop: Shop) -> None:
    backup = await shop.back_up()
    await shop.tell("UPDATE items SET title = 'Since then'")
    wrong = named(backup, rows={**backup.rows, "items": 101})

    with pytest.raises(ProgramFailed, match="items has 100 rows instead of 101"):
        await shop.restore(wrong, replaces=True)

    assert await shop.ask("SELECT count(*) FROM items WHERE title = 'Since then'") == 100


async def test_one_at_a_time_and_never_beside_a_purge(shop: Shop) -> None:
    results = await asyncio.gather(shop.back_up(), shop.back_up(), return_exceptions=True)

    assert {type(one) for one in results} == {Manifest, BackupRunning}
    delivery = Delivery(1, 1, PicturesToPurge.type, {}, "", utc_now())
    async with context_of(shop) as context:
        async with alone(shop.database.sessions.begin):
            with pytest.raises(RetryAfter):
                await purge(context, PicturesToPurge(), delivery)
        await purge(context, PicturesToPurge(), delivery)


async def test_a_place_that_is_away_is_told_and_the_shop_unharmed(shop: Shop, open_shop: OpenShop) -> None:
    database = shop.settings.database.url.get_secret_value()
    away = open_shop(
        database,
        url="s3://shop/backups",
        endpoint="http://127.0.0.1:1",
        region="eu-west-1",
        access_key="key",
        secret_key="secret",
        timeout=2,
    )

    with pytest.raises(StorageAway, match=r"s3://shop/backups.*Connection refused"):
        await away.back_up()

    # Neither the lock nor the dump's transaction is left.
    await shop.back_up()


async def test_without_a_place_or_a_backup_there_is_a_reason(
    shop: Shop, open_shop: OpenShop, empty_shop: Shop
) -> None:
    off = open_shop(shop.settings.database.url.get_secret_value(), url="")
    with pytest.raises(BackupsOff, match="BACKUP_URL"):
        await off.back_up()
    target = BackupTarget(empty_shop.settings.backup)
    for name in ("", "20260101T000000Z-00000000", "../../etc"):
        with pytest.raises(BackupMissing):
            await target.find(name)


async def test_a_program_that_is_missing_or_too_old_is_told(
    shop: Shop, open_shop: OpenShop, tmp_path: Path
) -> None:
    database = shop.settings.database.url.get_secret_value()
    program = tmp_path / "bin" / "pg_dump"
    program.parent.mkdir()
    for _ in range(2):
        with pytest.raises(ProgramFailed, match="BACKUP_PG_BIN"):
            await open_shop(database, pg_bin=str(program.parent)).back_up()
        program.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 17.2'\n")
        program.chmod(0o755)
    # One that breaks off has written no part.
    program.write_text(
        "#!/bin/sh\n[ $1 = --version ] && echo '(PostgreSQL) 18.1' || { echo half; echo 'pg_dump: error: lost' >&2; exit 1; }\n"
    )
    with pytest.raises(ProgramFailed, match="pg_dump: error: lost"):
        await open_shop(database, pg_bin=str(program.parent)).back_up()
    assert await shop.backups() == []


@pytest.fixture
def command(
    shop: Shop, tmp_path: Path, keys: tuple[str, str]
) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Starts `bookstore backup` as a program of its own."""
    settings = shop.settings
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": settings.database.url.get_secret_value(),
        "REDIS_URL": settings.redis.url.get_secret_value(),
        "STORAGE_URL": settings.storage.url,
        "BACKUP_URL": settings.backup.url,
        "BACKUP_KEY": keys[0],
        "JWT_SECRET": JWT_SECRET,
        "PUBLIC_URL": PUBLIC_URL,
    }
    started: list[subprocess.Popen[bytes]] = []

    def start(prepare: Callable[[], None] | None = None, **more: str) -> "subprocess.Popen[bytes]":
        with (tmp_path / "said").open("wb") as output:
            started.append(
                subprocess.Popen(
                    (sys.executable, "-m", "app.cli", "backup"),
                    cwd=ROOT,
                    env=environment | more,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    preexec_fn=prepare,  # noqa: PLW1509 (one system call)
                )
            )
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.wait()


def with_files_of_at_most(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("room", [64 * 1024, 1024 * 1024], ids=["over the dump", "over the files"])
async def test_a_full_disk_leaves_no_backup(
    command: Callable[..., "subprocess.Popen[bytes]"], tmp_path: Path, room: int
) -> None:
    full = command(partial(with_files_of_at_most, room))

    assert await asyncio.to_thread(full.wait, 120) == 1

    told = (tmp_path / "said").read_text()
    assert told.count("\n") == 1
    assert "File too large" in told
    # Nor anything of it: tried again each hour, the disk would stay full.
    assert not list((tmp_path / "backups").iterdir())


async def test_one_that_is_killed_leaves_nothing_that_counts(
    shop: Shop, command: Callable[..., "subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    # A dump that never ends, so that the kill comes in its middle.
    program = tmp_path / "bin" / "pg_dump"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n[ $1 = --version ] && echo '(PostgreSQL) 18.1' || exec dd if=/dev/zero bs=64k 2>/dev/null\n"
    )
    program.chmod(0o755)
    running = command(BACKUP_PG_BIN=str(program.parent))
    place = tmp_path / "backups"
    assert await asyncio.to_thread(
        wait_until, lambda: any(path.is_file() for path in place.rglob("*")), timeout=120
    ), (tmp_path / "said").read_text()

    running.kill()
    running.wait()
    # Its session ends when the server sees the connection cut, and with it the lock on files.
    async with asyncio.timeout(30):
        while await shop.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"):
            await asyncio.sleep(0.02)

    assert await shop.backups() == []
    made = await shop.back_up()
    assert await shop.backups() == [made]
    assert len(list(place.iterdir())) == 2
    # What it left goes when nobody can be at it any more. The newest of a day is kept.
    with time_machine.travel(utc_now() + timedelta(days=2), tick=True):
        last = await shop.back_up()
    assert [path.name for path in place.iterdir()] == [last.name]


async def test_every_fault_has_a_text_for_the_log() -> None:
    assert BackupError.is_log_safe
    assert all(kind.__doc__ for kind in BackupError.__subclasses__())
