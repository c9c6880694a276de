"""An archive of the log of embedded servers, by the stack's own program and settings: docs/backups.md."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

from devstack.account import passage
from devstack.errors import DevStackError
from devstack.postgres import DATABASE, USER, Postgres

_STACK = Path(__file__).resolve().parents[1] / "docker" / "postgres"
_SETTING = re.compile(r"^([\w.]+) = '?(.*?)'?$", re.MULTILINE)


@dataclass(slots=True)
class Archive:
    """The archive in `home`, and the servers that are brought back from it."""

    home: Path
    kept: int = 7
    """Base backups, the newest ones."""
    servers: list[Postgres] = field(default_factory=list)
    _programs: Path = field(init=False)

    def __post_init__(self) -> None:
        self._programs = passage(self.home / "programs")
        shutil.copy(_STACK / "wal", self._programs)

    @property
    def folder(self) -> Path:
        """Where base backups and log lie."""
        return self.home / "archive"

    @property
    def settings(self) -> tuple[str, ...]:
        """Those of the stack for a server that archives here; it need not wait for the disk."""
        # The server's environment is not ours to set.
        called = f"WAL_ARCHIVE={quote(str(self.folder))} {quote(str(self._programs / 'wal'))} "
        read = _SETTING.findall((_STACK / "archiving.conf").read_text())
        stack = (f"{name}={re.sub('^wal ', lambda _: called, value)}" for name, value in read)
        # A server that is brought back refuses fewer connections than the shop had: throw-away ones have so many.
        return (*stack, "max_wal_senders=4", "max_connections=200", "fsync=off", "io_method=sync")

    def server(self) -> Postgres:
        """A server that was never started."""
        home = self.home / f"server-{len(self.servers)}"
        self.servers.append(Postgres(passage(home), home / "log", ("--no-sync",), self.settings))
        return self.servers[-1]

    def run(self, server: Postgres, *command: str) -> str:
        """What `wal` or a program of PostgreSQL prints, run beside the server as its user. Raises DevStackError with
        what it complains of.
        """
        account = server.account
        account.folder(self.folder)  # as the stack's `wal start` does
        done = subprocess.run(  # noqa: S603 - the stack's own program and PostgreSQL's
            command,
            user=account.uid,
            group=account.gid,
            extra_groups=None if account.uid is None else [],
            env={
                "PATH": os.pathsep.join((str(self._programs), str(server.programs), os.environ["PATH"])),
                "PGDATA": str(server.data),
                "PGDATABASE": DATABASE,
                "PGHOST": str(server.sockets),
                "PGUSER": USER,
                "WAL_ARCHIVE": str(self.folder),
                "WAL_KEEP": str(self.kept),
            },
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DevStackError(done.stderr)
        return done.stdout

    def recover(self, moment: str) -> Postgres:
        """A new server that is brought to that moment, started; whoever looks at it lets it go on."""
        server = self.server()
        server.account.folder(server.home)
        self.run(server, "wal", "recover", moment)
        server.start()
        return server
