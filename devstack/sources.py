"""Notices that a source file changed, for `make run RELOAD=1`."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_SUFFIXES = frozenset({".py", ".html", ".txt"})
_LOOK_EVERY = 0.5
"""Seconds: a look at the whole application costs some milliseconds."""


class Sources:
    """The source files under a folder, as they were when last looked at."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = frozenset(self._look())
        self._looked_at = time.monotonic()

    def have_changed(self) -> bool:
        """Whether a file was written, made or removed since the last look; most calls do not look."""
        if time.monotonic() - self._looked_at < _LOOK_EVERY:
            return False
        before = self._seen
        self._seen = frozenset(self._look())
        self._looked_at = time.monotonic()
        return before != self._seen

    def _look(self) -> Iterator[tuple[Path, int]]:
        for path in self._folder.rglob("*"):
            if path.suffix in _SUFFIXES:
                with suppress(FileNotFoundError):  # an editor replaces a file while we look
                    yield path, path.stat().st_mtime_ns
