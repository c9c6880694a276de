"""`make soak`: a low load for twenty minutes on servers of its own, and whether API or worker leak meanwhile.

Exit code 1: something leaked, by the rule in `leaks`, or shoppers met errors. It needs Linux.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from redis.asyncio import Redis

from devstack import Servers, throwaway_servers
from tests.load.leaks import Watch
from tests.performance.server import ROOT, Server, environment_of, production, serving

SAMPLE_EVERY = 10.0
LOCUST = ROOT / ".venv-load" / "bin" / "locust"
SHOPPERS = ROOT / "tests" / "load" / "locustfile.py"
_SESSIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True, slots=True)
class Soak:
    """How long, with how many shoppers; `report` is the page that Locust writes."""

    minutes: float
    users: int
    report: Path


def main() -> None:
    """Run it and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--report", type=Path, default=ROOT / ".local" / "load" / "soak.html")
    given = parser.parse_args()
    given.report.parent.mkdir(parents=True, exist_ok=True)
    soak = Soak(given.minutes, given.users, given.report)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = stack.enter_context(throwaway_servers())
        environment = production(servers) | {
            # So that mails go to a folder, and the demo catalogue may be loaded.
            "ENVIRONMENT": "development",
            "MAIL_URL": (folder / "mail").as_uri(),
            "STORAGE_URL": servers.files.as_uri(),
            "LOG_LEVEL": "WARNING",
        }
        run_once(folder, environment, "migrate")
        run_once(folder, environment, "demo", "--if-empty")
        worker = stack.enter_context(working(folder, environment))
        api = stack.enter_context(serving(None, environment, folder, "/health/live"))
        watches, exit_code = asyncio.run(watch(soak, servers, api, worker))
    sys.exit(tell(soak, watches, exit_code))


def run_once(folder: Path, environment: dict[str, str], *command: str) -> None:
    """One command of the shop, to its end."""
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "app.cli", *command],
        cwd=folder,
        env=environment_of(environment),
        check=True,
        stdout=subprocess.DEVNULL,
    )


@contextmanager
def working(folder: Path, environment: dict[str, str]) -> Iterator[int]:
    """The worker, with its scheduler; its process id."""
    with (folder / "worker.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "worker", "--with-scheduler"],
            cwd=folder,
            env=environment_of(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


async def watch(soak: Soak, servers: Servers, api: Server, worker: int) -> tuple[list[Watch], int]:
    """Let shoppers in, and look at everything each ten seconds until they have left; their program's exit code."""
    command = [str(LOCUST), "-f", str(SHOPPERS), "--headless", "--host", api.url, "--only-summary"]
    length = ["-u", str(soak.users), "-r", "1", "-t", f"{round(soak.minutes * 60)}s"]
    shoppers = subprocess.Popen([*command, *length, "--html", str(soak.report)])  # noqa: ASYNC220, S603 - it only forks
    database = await asyncpg.connect(servers.database_url.replace("+asyncpg", ""))
    redis = Redis.from_url(servers.redis_url)
    watches: dict[str, Watch] = {}
    started = time.monotonic()
    try:
        while shoppers.poll() is None:
            figures = {
                **process_figures("API", api.worker),
                **process_figures("worker", worker),
                "PostgreSQL: connections": await database.fetchval(_SESSIONS),
                "Redis: connections": (await redis.info("clients"))["connected_clients"] - 1,
            }
            for name, value in figures.items():
                kept = watches.setdefault(name, Watch(name, name.endswith("MiB")))
                kept.add(time.monotonic() - started, float(value))
            await asyncio.sleep(SAMPLE_EVERY)
    finally:
        shoppers.terminate()
        await redis.aclose()
        await database.close()
    return list(watches.values()), shoppers.wait()


def process_figures(name: str, pid: int) -> dict[str, float]:
    """What `/proc` tells of a process; of its memory what no file backs, since the kernel takes the rest as it likes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines if ":" in line)
    return {
        f"{name}: memory, MiB": int(status["RssAnon"].split()[0]) / 1024,
        f"{name}: file handles": len(list(Path(f"/proc/{pid}/fd").iterdir())),
        f"{name}: threads": int(status["Threads"]),
    }


def tell(soak: Soak, watches: list[Watch], exit_code: int) -> int:
    """Print a table; the exit code."""
    print(f"\n{soak.minutes:g} minutes, {soak.users} shoppers; their report: {soak.report}")
    print("| What | Start | After warm-up | End | Growth per hour | |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    for each in watches:
        start, verdict = each.samples[0][1], "leaks" if each.leaks else ""
        print(
            f"| {each.name} | {start:.1f} | {each.before:.1f} | {each.after:.1f} | {each.slope:+.1f} | {verdict} |"
        )
    if exit_code:
        print("Shoppers met errors: see the report.")
    return 1 if exit_code or any(each.leaks for each in watches) else 0


if __name__ == "__main__":
    main()
