"""Starting, watching and stopping processes so that none outlives the one that asked for it."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from devstack.account import Account
from devstack.errors import DevStackError

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class Process:
    """A program that runs until it is told to stop, in a session of its own: a terminal's Ctrl-C
    reaches the supervisor alone, which then stops its processes in order.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.command = tuple(command)
        self.stop_signal = stop_signal
        self._env = env
        self._cwd = cwd
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """None before it was started."""
        return self._popen.pid if self._popen else None

    @property
    def exit_code(self) -> int | None:
        """None while it runs, and before it was started."""
        return self._popen.poll() if self._popen else None

    @property
    def is_running(self) -> bool:
        """Started and not ended."""
        return self._popen is not None and self._popen.poll() is None

    def start(self, *, log: Path | None = None, account: Account | None = None) -> None:
        """Start it, or start it again after it ended. Output goes to the end of `log`, or to our own."""
        who = account or Account()
        output = _open_log(log)
        try:
            self._popen = subprocess.Popen(  # noqa: S603 - commands of this package, never of a request
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                env=self._env,
                cwd=self._cwd,
                user=who.uid,
                group=who.gid,
                extra_groups=None if who.uid is None else [],
                start_new_session=True,
                preexec_fn=_dying_with_us(self.stop_signal),  # noqa: PLW1509 - one system call, no lock is taken
            )
        finally:
            if output:
                output.close()

    def stop(self, *, grace: float = 10.0, harder: signal.Signals = signal.SIGKILL) -> None:
        """Ask with the stop signal, after `grace` seconds with `harder`, at last kill."""
        if self._popen is None:
            return
        for sign in (self.stop_signal, harder, signal.SIGKILL):
            if self._popen.poll() is not None:
                return
            self._popen.send_signal(sign)
            try:
                self._popen.wait(grace)
            except subprocess.TimeoutExpired:
                continue

    def send(self, sign: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self._popen is not None and self._popen.poll() is None:
            self._popen.send_signal(sign)


def die_with_parent(sign: signal.Signals) -> None:
    """Where the kernel offers it (Linux): get `sign` when the parent process ends, however it ends."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(sign), 0, 0, 0)


def stop_orphan(pid: int | None, marker: str, sign: signal.Signals) -> None:
    """Stop the process of an earlier run that was killed: only when its command line bears `marker`,
    since a number in a file may by now belong to a stranger.
    """
    if pid is None or marker not in command_line(pid):
        return
    for each in (sign, signal.SIGQUIT, signal.SIGKILL):
        _signal(pid, each)
        if wait_until(lambda: marker not in command_line(pid), timeout=10.0):
            return
    raise DevStackError(f"Process {pid} of an earlier run does not end: stop it and start again.")


def command_line(pid: int) -> str:
    """The process's arguments joined by spaces; empty when there is no such process or it is a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        if Path("/proc/self").exists():
            return ""
    ps = ("/bin/ps", "-ww", "-o", "command=", "-p", str(pid))
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout  # noqa: S603 - a number


def read_pid(path: Path) -> int | None:
    """The number in a pid file's first line."""
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def wait_until(condition: Callable[[], bool], *, timeout: float) -> bool:
    """Whether the condition came true within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log, for an error message."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(text.splitlines()[-lines:])


def _open_log(log: Path | None) -> IO[bytes] | None:
    if log is None:
        return None
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return log.open("ab")


def _dying_with_us(sign: signal.Signals) -> Callable[[], None] | None:
    """Linux counts the *thread* that forked as the parent: a short-lived one must not take the server along."""
    if _LIBC is None or threading.current_thread() is not threading.main_thread():
        return None
    return lambda: die_with_parent(sign)


def _signal(pid: int, sign: signal.Signals) -> None:
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise DevStackError(
            f"Process {pid} of an earlier run belongs to another user: stop it first."
        ) from error
