"""`python -m tests.performance.starting`: what it takes to start API and worker, on servers of its own, in turns.

The API has two workers, as in the stack. Memory is proportional (Pss): a page that processes share counts once in all.
"""

import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack import throwaway_servers
from tests.performance.server import ROOT, environment_of, migrate, production

ROUNDS = 5
WORKERS = 2
_PORT = 18_765
_LONGEST = 120.0
_SETTLE = 1.0
_PROCESSES = {
    "API": (("-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py")), '"event":"started"', WORKERS),
    "worker": (("-m", "app.cli", "worker"), '"event":"worker_started"', 1),
}
"""How it is started, and what it says how often once it is ready."""


@contextmanager
def _started(command: tuple[str, ...], environment: dict[str, str], log: Path) -> Iterator[int]:
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            (sys.executable, *command),
            cwd=log.parent,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(int(child) for child in children)]


def _cpu_seconds(pid: int) -> float:
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def _memory_mib(pid: int) -> float:
    (kib,) = re.findall(r"^Pss: +(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(kib) / 1024


def _measure(name: str, environment: dict[str, str], folder: Path) -> tuple[float, float, float]:
    """Seconds until all of it is ready, CPU seconds until then, and MiB a moment later."""
    command, line, times = _PROCESSES[name]
    log = folder / f"{name}.log"
    begun = time.monotonic()
    with _started(command, environment, log) as pid:
        while log.read_text().count(line) < times:
            if time.monotonic() - begun > _LONGEST:
                raise RuntimeError(log.read_text()[-2000:])
            time.sleep(0.01)
        seconds = time.monotonic() - begun
        family = _family(pid)
        cpu = sum(map(_cpu_seconds, family))
        time.sleep(_SETTLE)
        return seconds, cpu, sum(map(_memory_mib, family))


def main() -> None:
    """Print the middle of the rounds."""
    with throwaway_servers() as servers, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = production(servers) | {"MAIL_URL": "smtp://127.0.0.1:1", "WEB_CONCURRENCY": str(WORKERS)}
        migrate(settings, folder)
        environment = environment_of(settings, _PORT)
        rounds = [
            {each: _measure(each, environment, folder) for each in _PROCESSES} for _ in range(ROUNDS + 1)
        ]
    # The first one may have compiled.
    for each in _PROCESSES:
        figures = zip(*(one[each] for one in rounds[1:]), strict=True)
        seconds, cpu, memory = map(statistics.median, figures)
        print(f"{each}: ready after {seconds:.2f} s, {cpu:.2f} s of CPU, {memory:.0f} MiB")


if __name__ == "__main__":
    main()
