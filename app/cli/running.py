"""The servers of a running `make run`, for commands to which nobody named others."""

import fcntl
import json
import os
from pathlib import Path

LOCK = "lock"
RUNNING = "running.json"
"""Files in the checkout's `.local`: locked while `make run` lives; the variables that it gives its processes."""


def use_running_servers(root: Path) -> None:
    """Take over the variables of the `make run` of this checkout; what the environment sets wins."""
    local = root / ".local"
    published = local / RUNNING
    if not published.exists() or not _is_locked(local / LOCK):
        return
    for name, value in json.loads(published.read_text()).items():
        if not (os.environ.get(name) or os.environ.get(f"{name}_FILE")):
            os.environ[name] = str(value)


def _is_locked(path: Path) -> bool:
    """The kernel drops the lock with its process, so that what a killed one published is not believed."""
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
