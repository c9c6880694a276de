"""How many processors this process may use: what it is bound to, and what its container is granted."""

import math
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def usable_cores(cgroup: Path = _CGROUP) -> int:
    """Whole cores; part of one counts as one."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    granted = _granted(cgroup)
    return bound if granted is None else min(bound, math.ceil(granted))


def _granted(cgroup: Path) -> float | None:
    """The container's share of time, in cores; None where none is set. Of control groups of either version."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota, period = (
                (cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period")
            )
        except OSError:
            return None
    return None if quota in {"max", "-1"} else int(quota) / int(period)
