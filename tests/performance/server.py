"""Gunicorn with one worker, as production starts it, and what `/proc` tells of that worker."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from devstack import Servers
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR")
_TICK = os.sysconf("SC_CLK_TCK")
_UTIME = 11
"""Index in `/proc/<pid>/stat` after the command's name; `stime` follows."""
_START_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `log` holds what it wrote to standard output, access log included."""

    port: int
    log: Path
    _master: int

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def worker(self) -> int:
        """The process id of the one worker."""
        workers = [pid for pid in _processes() if _stat(pid)[1] == str(self._master)]
        if len(workers) != 1:
            raise RuntimeError(f"{len(workers)} workers; see {self.log}")
        return workers[0]

    def cpu_seconds(self) -> float:
        """User and system time of the worker, all threads; in nanoseconds where the kernel tells, else in ticks."""
        worker = self.worker
        threads = list(Path(f"/proc/{worker}/task").glob("*/schedstat"))
        if threads:
            return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9
        fields = _stat(worker)
        return (int(fields[_UTIME]) + int(fields[_UTIME + 1])) / _TICK

    def resident_mib(self) -> float:
        """Resident memory of the worker."""
        lines = Path(f"/proc/{self.worker}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def production(servers: Servers) -> dict[str, str]:
    """The environment of a shop on these servers."""
    return {
        "ENVIRONMENT": "production",
        "PUBLIC_URL": "https://shop.example.com",
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "JWT_SECRET": secrets.token_hex(32),
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT": "json",
        # On, but out of the way.
        "RATE_LIMIT_FACTOR": "1000000",
    }


def migrate(environment: dict[str, str], folder: Path) -> None:
    """Make the tables; in `folder` for the sake of `.env`, as in `serving`."""
    subprocess.run(
        [sys.executable, "-m", "app.cli", "migrate"],
        cwd=folder,
        env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
        check=True,
        stdout=subprocess.DEVNULL,
    )


@contextmanager
def serving(
    application: str | None, environment: dict[str, str], folder: Path, ready: str
) -> Iterator[Server]:
    """Run `application`, or the one that gunicorn.conf.py names, until the block ends.

    It runs in `folder`, so that no `.env` of the checkout changes what is measured.
    """
    port = free_port()
    log = folder / f"{(application or 'ours').replace(':', '-').strip('()')}.log"
    # Not replaced while it is measured: a request burst would outlive it.
    command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), "--max-requests", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own server
            command if application is None else [*command, application],
            cwd=folder,
            env=environment_of(environment, port),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(port, log, process.pid)
    try:
        _wait_until_ready(server, process, ready)
        yield server
    finally:
        process.terminate()
        process.wait()


def environment_of(settings: dict[str, str], port: int = 0) -> dict[str, str]:
    """These settings and what a process needs besides; of this process's environment nothing else."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {
        **inherited,
        "PYTHONPATH": str(ROOT),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
        **settings,
    }


def _wait_until_ready(server: Server, process: "subprocess.Popen[bytes]", path: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(server.url + path).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the server does not start:\n{server.log.read_text(errors='replace')[-4000:]}")


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> list[str]:
    """The fields from the state on; the name before them may hold blanks."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["X", "0"]
