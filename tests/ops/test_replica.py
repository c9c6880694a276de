"""A real streaming replica: it answers reads, and while it is away the primary does."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import asyncpg
import pytest

from devstack import Servers
from devstack.account import account_for, passage, temporary_home
from devstack.postgres import Postgres
from tests.cli.conftest import Run, run
from tests.conftest import client_of, running_app, settings_for

__all__ = ["run"]
SETTINGS = ("wal_level=replica", "max_wal_senders=4", "fsync=off", "io_method=sync")
USERNAME = "/api/v1/users/check-username"


@dataclass
class Pair:
    """A primary with the schema, and its replica."""

    primary: Postgres
    replica: Postgres


@pytest.fixture
def pair(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    home = temporary_home(account_for())
    primary = Postgres(passage(home / "primary"), home / "primary.log", ("--no-sync",), SETTINGS)
    replica = Postgres(passage(home / "replica"), home / "replica.log", (), SETTINGS)
    try:
        primary.start()
        monkeypatch.setenv("DATABASE_URL", primary.url())
        assert run("migrate").exit_code == 0
        copy(primary, replica)
        replica.start()
        yield Pair(primary, replica)
    finally:
        replica.stop(immediate=True)
        primary.stop(immediate=True)
        shutil.rmtree(home, ignore_errors=True)


def copy(primary: Postgres, replica: Postgres) -> None:
    account = replica.account
    account.folder(replica.home)
    program = primary.programs / "pg_basebackup"
    done = subprocess.run(  # noqa: S603 (PostgreSQL's own program)
        (
            program,
            "-h",
            primary.sockets,
            "-U",
            "bookstore",
            "-D",
            replica.data,
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
        ),
        user=account.uid,
        group=account.gid,
        extra_groups=None if account.uid is None else [],
        cwd=replica.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


async def asked(server: Postgres, question: str) -> object:
    connection = await asyncpg.connect(server.url().replace("+asyncpg", ""))
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_reads_go_to_the_replica_and_to_the_primary_while_it_is_away(
    servers: Servers, pair: Pair
) -> None:
    database = {"url": pair.primary.url(), "replica_url": pair.replica.url(), "connect_timeout": 5}
    settings = settings_for(servers, pair.primary.url(), database=database)
    assert await asked(pair.replica, "SELECT pg_is_in_recovery()") is True
    async with running_app(settings) as app, client_of(app) as client:

        async def is_free(name: str) -> bool:
            answer = await client.get(f"{USERNAME}/{name}")
            assert answer.status_code == 200, answer.text
            return bool(answer.json()["available"])

        account = {"username": "ada", "email": "ada@example.com", "password": "Correct-horse-1!"}
        assert (await client.post("/api/v1/users/register", json=account)).status_code == 201
        async with asyncio.timeout(30):
            while await is_free("ada"):
                await asyncio.sleep(0.05)
        assert app.state.database.replica_engine.pool.checkedin() > 0
        pair.replica.stop(immediate=True)
        assert not await is_free("ada")
        assert await is_free("grace")
        pair.replica.start()
        assert not await is_free("ada")
