"""Metrics of one process among several that cost an addition in memory, and are written to its file now and then.

prometheus-client writes each count of a multiprocess server into a mapped file at once, which takes as long as a
read from the cache. Here a count is kept until `flush`, which `/metrics` and the publisher of each worker call: what
other workers tell is a second old at most, and a worker that is killed takes the counts of its last second along.
"""

from threading import Lock
from typing import Any

from prometheus_client import values

_waiting: list[Any] = []
_slot = 0
"""Names the files of this process: a worker's slot; 0 in the master, which counts nothing."""


def name_files(slot: int) -> None:
    """From here on this process writes to the files of the slot: call it after the fork."""
    global _slot  # noqa: PLW0603 (of the process, as its files are)
    _slot = slot


def buffer_metrics() -> None:
    """Have metrics that are made from here on buffered, in files; PROMETHEUS_MULTIPROC_DIR must be set."""
    values.ValueClass = _buffered_values()


def flush() -> None:
    """Write what was counted since the last call; nothing to do where there is one process."""
    while _waiting:
        _waiting.pop().flush()


def _buffered_values() -> type:
    written: Any = values.MultiProcessValue(lambda: _slot)  # type: ignore[no-untyped-call]  # the library leaves it untyped

    class BufferedValue(written):  # type: ignore[misc]  # as above
        """A value in the file, and what is to be added to it."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self._pending = 0.0
            self._is_waiting = False
            self._pending_lock = Lock()
            super().__init__(*args, **kwargs)

        def inc(self, amount: float) -> None:
            """Keep the amount until the next flush."""
            with self._pending_lock:
                if not self._is_waiting:
                    self._is_waiting = True
                    _waiting.append(self)
                self._pending += amount

        def flush(self) -> None:
            """Write what was kept."""
            with self._pending_lock:
                amount, self._pending = self._pending, 0.0
                self._is_waiting = False
            super().inc(amount)

    return BufferedValue
