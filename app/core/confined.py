"""Runs the script named first in its arguments with little memory and time: itself run as a script, never imported.

Whatever a hostile file breaks, it breaks in a process that has no secrets and cannot write a file.
"""

import os
import resource
import runpy
import sys
from contextlib import suppress
from pathlib import Path

MEMORY = 1024 * 1024 * 1024
CPU_SECONDS = 10
NICENESS = 15


def restrict() -> None:
    """Give up what the work does not need."""
    os.nice(NICENESS)
    with suppress(OSError):
        # Where memory runs out, this process goes and not the API.
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    restrict()
    runpy.run_path(sys.argv[0], run_name="__main__")
