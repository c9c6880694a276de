"""The throw-away servers that the tests stand on, and what a checkout keeps."""

import asyncio
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import asyncpg
import pytest
from redis import Redis as Client
from redis.exceptions import ConnectionError as RedisAway
from sqlalchemy.engine import make_url

from devstack import DevStackError, Servers, account, throwaway_servers
from devstack.process import command_line, read_pid
from devstack.workspace import Workspace


def ask(servers: Servers, sql: str) -> object:
    url = make_url(servers.database_url)

    async def fetch() -> object:
        connection = await asyncpg.connect(
            user=url.username, database=url.database, host=str(url.query["host"])
        )
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def ping(servers: Servers) -> bool:
    with Client.from_url(servers.redis_url) as client:
        return bool(client.ping())


def test_throwaway_servers_are_the_real_ones_and_leave_nothing() -> None:
    with throwaway_servers() as servers:
        assert str(ask(servers, "SHOW server_version")).startswith("18")
        assert ask(servers, "SELECT lower('ÉMILE')") == "émile"
        assert ping(servers)
        home = servers.postgres.home.parent
        postmaster = read_pid(servers.postgres.data / "postmaster.pid")
    assert not home.exists()
    assert postmaster is not None
    assert not command_line(postmaster)


@pytest.mark.parametrize(
    ("room", "environment", "is_there"), [(1, {}, True), (1 << 60, {}, False), (1, {"TMPDIR": "."}, False)]
)
def test_throwaway_files_are_in_memory_where_there_is_room(
    monkeypatch: pytest.MonkeyPatch, room: int, environment: dict[str, str], *, is_there: bool
) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as memory:
        monkeypatch.delenv("TMPDIR", raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(account, "_MEMORY", Path(memory))
        monkeypatch.setattr(account, "_ROOM", room)
        home = account.temporary_home(account.Account(), in_memory=True)
        assert (home.parent == Path(memory)) is is_there
        shutil.rmtree(home)


def test_files_of_a_process_that_was_killed_go_at_the_next_start_and_those_of_a_living_one_stay(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (unmarked := tmp_path / "bookstore-test-unmarked").mkdir()
    living = account.temporary_home(account.Account())
    script = (
        f"import os, tempfile; tempfile.tempdir = {str(tmp_path)!r}\n"
        "from devstack import account\n"
        "home = account.temporary_home(account.Account())\n"
        "(home / 'files').mkdir()\n"
        "print(home, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=False)  # noqa: S603 - a fixed script
    left = Path(killed.stdout.strip())
    assert (left / "files").exists()

    account.temporary_home(account.Account())

    assert not left.exists()
    assert living.exists()
    assert unmarked.exists()


def test_each_server_stops_and_starts_on_its_own_at_the_same_address() -> None:
    with throwaway_servers() as servers:
        ask(servers, "CREATE TABLE kept AS SELECT 7 AS n")
        servers.postgres.stop(immediate=True)
        with pytest.raises(FileNotFoundError):
            ask(servers, "SELECT 1")
        assert ping(servers)
        servers.postgres.start()
        assert ask(servers, "SELECT n FROM kept") == 7
        servers.redis.stop(immediate=True)
        with pytest.raises(RedisAway):
            ping(servers)
        servers.redis.start()
        assert ping(servers)


def test_a_server_started_by_a_short_thread_outlives_it() -> None:
    with throwaway_servers() as servers:
        servers.postgres.stop()
        thread = threading.Thread(target=servers.postgres.start)
        thread.start()
        thread.join()
        time.sleep(0.2)
        assert ask(servers, "SELECT 1") == 1


def test_a_refused_setting_is_shown_from_the_log() -> None:
    with throwaway_servers() as servers:
        servers.postgres.stop()
        servers.postgres.settings = ("work_mem=nonsense",)
        with pytest.raises(DevStackError, match="work_mem"):
            servers.postgres.start()


def test_secret_of_a_checkout_stays_and_is_private(tmp_path: Path) -> None:
    secret = Workspace(tmp_path).secret()
    assert len(secret) >= 43
    assert Workspace(tmp_path).secret() == secret
    assert stat.S_IMODE((tmp_path / ".local" / "jwt_secret").stat().st_mode) == 0o600
