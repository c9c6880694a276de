"""What `make run` keeps in the checkout: its lock, its secret, its logs, the servers' folders."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.cli.running import LOCK, RUNNING
from devstack.account import passage
from devstack.errors import DevStackError
from devstack.process import wait_until

# A killed predecessor may still be stopping its servers.
_LOCK_PATIENCE = 3.0


class Workspace:
    """The project's root and its `.local` folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.local = passage(root / ".local")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One supervisor per checkout. The kernel drops the lock with the process, however it ends."""
        with (self.local / LOCK).open("a+") as file:
            if not wait_until(lambda: _try_lock(file.fileno()), timeout=_LOCK_PATIENCE):
                file.seek(0)
                raise DevStackError(
                    f"This checkout runs already, as process {file.read().strip() or 'unknown'}: stop that one first."
                )
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def log(self, name: str) -> Path:
        """The log of this run; the one before stays beside it."""
        folder = self.local / "log"
        folder.mkdir(exist_ok=True, mode=0o700)
        path = folder / f"{name}.log"
        if path.exists():
            path.replace(folder / f"{name}.previous.log")
        return path

    def secret(self) -> str:
        """A signing key made once per checkout, so that logins survive a restart."""
        path = self.local / "jwt_secret"
        if not path.exists():
            self._write_private(path, secrets.token_urlsafe(48))
        return path.read_text()

    def defaults(self) -> dict[str, str]:
        """The settings of development."""
        return {
            "ENVIRONMENT": "development",
            "JWT_SECRET": self.secret(),
            "LOG_FORMAT": "text",
            "MAIL_URL": (self.local / "mail").as_uri(),
            "PYTHONUNBUFFERED": "1",
            "RATE_LIMIT_FACTOR": "100",
            "SHOP_COUNTRY": "DE",
            "STORAGE_URL": (self.local / "storage").as_uri(),
        }

    @contextmanager
    def publish(self, environment: Mapping[str, str]) -> Iterator[None]:
        """Let `bookstore …` in this checkout use the same servers and settings, as long as they run.

        A file that a killed supervisor left behind counts for nothing: its lock is gone.
        """
        path = self.local / RUNNING
        self._write_private(path, json.dumps(environment, indent=2))
        try:
            yield
        finally:
            path.unlink(missing_ok=True)

    def _write_private(self, path: Path, text: str) -> None:
        """Whole or not at all, and readable by its owner alone from the first byte."""
        partial = path.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(text)
        partial.replace(path)


def is_given(environment: Mapping[str, str], name: str) -> bool:
    """Set and not empty, itself or as a path to a secret's file."""
    return bool(environment.get(name) or environment.get(f"{name}_FILE"))


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
