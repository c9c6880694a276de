"""The table: per route our figures, those of the bare route beside it, and their ratio."""

import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

from tests.performance.load import Burst

LIMIT_MIB = 150
_WIDE = 120
_LIBRARIES = ("fastapi", "starlette", "uvicorn", "uvloop", "sqlalchemy", "asyncpg", "pydantic")
_COLUMNS = ("Route", "req/s", "p50 ms", "p99 ms", "CPU-µs", "Ratio", "Promised")


@dataclass(slots=True)
class Side:
    """All bursts against one route. CPU in µs per request, a figure for each burst."""

    bursts: list[Burst] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def add(self, burst: Burst, cpu_seconds: float) -> None:
        """Note one burst and the worker's CPU time in it."""
        self.bursts.append(burst)
        self.cpu.append(cpu_seconds / len(burst.latencies) * 1e6)

    @property
    def cpu_micros(self) -> float:
        """CPU-µs per request of the middle burst."""
        return median(self.cpu)

    def figures(self) -> tuple[str, ...]:
        """Requests per second, median and 99th percentile in ms, CPU-µs."""
        latencies = [latency for burst in self.bursts for latency in burst.latencies]
        rate = len(latencies) / sum(burst.seconds for burst in self.bursts)
        cuts = quantiles(latencies, n=100)
        return f"{rate:,.0f}", f"{cuts[49] * 1e3:.2f}", f"{cuts[98] * 1e3:.2f}", f"{self.cpu_micros:,.0f}"


@dataclass(frozen=True, slots=True)
class Result:
    """One route beside a bare one; `target` is the least ratio that was promised."""

    name: str
    bare_name: str
    ours: Side
    bare: Side
    target: float | None

    @property
    def ratio(self) -> float:
        """CPU of the bare route ÷ CPU of ours: above 1, ours is the cheaper one."""
        return self.bare.cpu_micros / self.ours.cpu_micros

    def rows(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Two rows of the table: ours, and the bare one below it."""
        promise = "" if self.target is None else f"≥ {self.target}"
        return (
            (self.name, *self.ours.figures(), f"{self.ratio:.2f}", promise),
            (f"beside {self.bare_name}", *self.bare.figures(), "", ""),
        )


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one run found."""

    results: Sequence[Result]
    resident_mib: float
    bare_resident_mib: float
    processors: int
    notes: Sequence[str]

    def lines(self) -> list[str]:
        """What is said below the table."""
        libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
        bare = f"the bare FastAPI worker's: {self.bare_resident_mib:.0f} MiB"
        return [
            f"Resident memory of the worker: {self.resident_mib:.0f} MiB, {LIMIT_MIB} promised ({bare}).",
            f"Python {platform.python_version()} on {self.processors} CPUs; {libraries}.",
            *self.notes,
        ]

    def missed(self) -> list[str]:
        """The promises that this run did not keep."""
        missed = [
            f"{one.name}: ratio {one.ratio:.2f}, {one.target} promised"
            for one in self.results
            if one.target is not None and one.ratio < one.target
        ]
        if self.resident_mib > LIMIT_MIB:
            missed.append(f"resident memory: {self.resident_mib:.0f} MiB, {LIMIT_MIB} promised")
        return missed

    def print(self) -> None:
        """To the terminal."""
        table = Table(*_COLUMNS)
        for column in table.columns[1:]:
            column.justify = "right"
        for result in self.results:
            for row in result.rows():
                table.add_row(*row)
            table.add_section()
        console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
        console.print(table)
        for line in self.lines():
            console.print(line, markup=False, soft_wrap=True)
        for line in self.missed():
            console.print(f"Missed: {line}.", style="red", soft_wrap=True)

    def print_markdown(self) -> None:
        """For docs/performance.md."""
        print("|", " | ".join(_COLUMNS), "|")
        print("| --- |", " | ".join("---:" for _ in _COLUMNS[1:]), "|")
        for result in self.results:
            for row in result.rows():
                print("|", " | ".join(row), "|")
        print()
        for line in self.lines():
            print(f"- {line}")
