"""Checkouts to start supervisors in, cleaned up whatever a test left behind."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from devstack.account import Account, socket_folder
from devstack.process import command_line, read_pid, wait_until
from tests.ports import free_port

STAND_IN = Path(__file__).with_name("stand_in.py")
PROJECT = STAND_IN.parents[2]


@dataclass
class Start:
    """One supervisor, started as `make run` would."""

    popen: subprocess.Popen[bytes]
    output: Path

    @property
    def said(self) -> str:
        return self.output.read_text()

    def is_ready(self) -> bool:
        return wait_until(lambda: "ready\n" in self.said or self.popen.poll() is not None, timeout=120) and (
            "ready\n" in self.said
        )

    def signal_group(self, sign: signal.Signals) -> int:
        os.killpg(self.popen.pid, sign)
        return self.popen.wait(60)

    def signal_alone(self, sign: signal.Signals) -> int:
        self.popen.send_signal(sign)
        return self.popen.wait(60)


@dataclass
class Place:
    """A checkout's folder."""

    root: Path
    port: int
    starts: list[Start] = field(default_factory=list)

    @property
    def local(self) -> Path:
        return self.root / ".local"

    def start(self, port: int | None = None, **environment: str) -> Start:
        output = self.root / f"output-{len(self.starts)}"
        given = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
        with output.open("wb") as file:
            popen = subprocess.Popen(  # noqa: S603 - our own script
                (sys.executable, str(STAND_IN), str(self.root), str(port or self.port)),
                stdout=file,
                stderr=subprocess.STDOUT,
                env=given | {"PYTHONPATH": str(PROJECT)} | environment,
                start_new_session=True,
            )
        self.starts.append(Start(popen, output))
        return self.starts[-1]

    def pids(self) -> dict[str, int]:
        files = {
            "supervisor": self.local / "lock",
            "api": self.local / "api.pid",
            "postgres": self.local / "postgres" / "data" / "postmaster.pid",
            "redis": self.local / "redis" / "redis.pid",
        }
        found = {name: read_pid(path) for name, path in files.items()}
        return {name: pid for name, pid in found.items() if pid is not None}

    def clean_up(self) -> None:
        for start in self.starts:
            if start.popen.poll() is None:
                start.signal_alone(signal.SIGTERM)
        for pid in self.pids().values():
            if str(self.root) in command_line(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for home in (self.local / "postgres", self.local / "redis"):
            if home.exists():
                self._remove_what_lies_elsewhere(home)

    def _remove_what_lies_elsewhere(self, home: Path) -> None:
        real = home.resolve()
        sockets = socket_folder(real, Account())
        for folder in (sockets.parent, real):
            if not folder.is_relative_to(self.root):
                shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def port() -> int:
    """The shop's."""
    return free_port()


@pytest.fixture(params=["a place"])
def place(request: pytest.FixtureRequest, tmp_path: Path, port: int) -> Iterator[Place]:
    root = tmp_path / str(request.param)
    root.mkdir(parents=True)
    there = Place(root, port)
    yield there
    there.clean_up()
