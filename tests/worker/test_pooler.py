"""The whole shop behind a real PgBouncer in transaction mode, with fewer servers than clients."""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from app.core.db.engine import Database
from app.core.db.roles import prepare_roles
from app.core.settings.groups import DatabaseSettings
from app.core.settings.settings import Settings
from devstack import Servers
from devstack.process import wait_until
from tests.conftest import DatabaseMaker, client_of, running_app
from tests.ports import free_port

from .conftest import RunningWorker
from .whole_shop import run_the_shop

ROLE = "bookstore_app"
CONFIGURATION = """
[databases]
* = host={sockets} port=5432
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
logfile = {log}
"""


@pytest.fixture
def pgbouncer() -> str:
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None and os.environ.get("PGBOUNCER_TESTS") == "required":
        pytest.fail("PgBouncer is not installed, and PGBOUNCER_TESTS=required asks for it")
    if found is None:
        # No wheel brings PgBouncer, and a new machine has Python and make alone; where it is meant to be, the line above fails.
        pytest.skip("no PgBouncer here: install Debian's pgbouncer to run this test")
    return found


@pytest.fixture
def pooled_url(servers: Servers, make_database: DatabaseMaker, pgbouncer: str) -> Iterator[str]:
    """A migrated database behind PgBouncer, as the application's role."""
    account = servers.postgres.account
    home = account.folder(servers.files.parent / "pgbouncer")
    port = free_port()
    with make_database() as owner:
        direct = owner.replace("bookstore@", f"{ROLE}@")
        prepared = prepare_roles(DatabaseSettings.model_validate({"url": direct, "owner_url": owner}))
        assert asyncio.run(prepared) == ROLE
        process = start(pgbouncer, home, servers, port)
        try:
            assert wait_until(lambda: is_open(port), timeout=30), (home / "log").read_text()
            name = direct.rpartition("@/")[2].partition("?")[0]
            yield f"postgresql+asyncpg://{ROLE}@127.0.0.1:{port}/{name}"
        finally:
            process.kill()
            process.wait()


def start(program: str, home: Path, servers: Servers, port: int) -> subprocess.Popen[bytes]:
    account = servers.postgres.account
    users, configuration = home / "users", home / "pgbouncer.ini"
    users.write_text(f'"{ROLE}" ""\n')
    sockets = servers.postgres.url().partition("host=")[2]
    configuration.write_text(CONFIGURATION.format(sockets=sockets, port=port, users=users, log=home / "log"))
    for file in (users, configuration):
        file.chmod(0o644)
    return subprocess.Popen(  # noqa: S603 (PgBouncer itself)
        (program, "-q", str(configuration)),
        user=account.uid,
        group=account.gid,
        extra_groups=None if account.uid is None else [],
        cwd=home,
    )


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def pooled(settings: Settings, url: str, pooler: str = "transaction") -> Settings:
    changed = {**settings.database.model_dump(), "url": url, "pooler": pooler}
    return settings.model_copy(update={"database": DatabaseSettings.model_validate(changed)})


async def test_the_whole_shop_works_behind_pgbouncer(
    worker_settings: Settings, running_worker: RunningWorker, pooled_url: str
) -> None:
    settings = pooled(worker_settings, pooled_url)

    await run_the_shop(settings, lambda given=settings, **options: running_worker(given, **options))


async def test_many_readers_share_three_servers_and_keep_their_time_outs(
    worker_settings: Settings, pooled_url: str
) -> None:
    async with running_app(pooled(worker_settings, pooled_url)) as app, client_of(app) as client:
        answers = await asyncio.gather(
            *(client.get("/api/v1/books", params={"skip": skip}) for skip in range(60)),
            *(client.get(f"/api/v1/authors/{number}") for number in range(1, 60)),
        )
    assert {answer.status_code for answer in answers} == {200, 404}
    connection = await asyncpg.connect(pooled_url.replace("+asyncpg", ""), statement_cache_size=0)
    try:
        assert await connection.fetchval("SHOW statement_timeout") != "0"
    finally:
        await connection.close()


async def test_without_the_setting_the_pooler_refuses_the_connection(
    worker_settings: Settings, pooled_url: str
) -> None:
    settings = pooled(worker_settings, pooled_url, pooler="none")
    with pytest.raises(ConnectionError, match="does not answer"):
        await ask_identity(settings)


async def ask_identity(settings: Settings) -> None:
    database = Database(settings.database)
    try:
        await database.identity()
    finally:
        await database.close()
