"""Metrics of one process among several that cost an addition in memory, and are written to its file now and then.

prometheus-client writes each count of a multiprocess server into a mapped file at once, which takes as long as a
read from the cache. Here a count is kept until `flush`, which `/metrics` and the publisher of each worker call: what
other workers tell is a second old at most, and a worker that is killed takes the counts of its last second along.
"""

from collections.abc import Callable
from threading import Lock
from typing import Any

from prometheus_client import values

_waiting: list[Any] = []


def flush() -> None:
    """Write what was counted since the last call; nothing to do where there is one process."""
    while _waiting:
        _waiting.pop().flush()


def buffered_values(identify: Callable[[], int]) -> type:
    """The class of prometheus-client's values, `identify` naming the file of this process."""
    written: Any = values.MultiProcessValue(identify)  # type: ignore[no-untyped-call]  # the library leaves it untyped

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
