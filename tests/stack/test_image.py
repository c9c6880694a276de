"""The image by itself: what is in it, what is not, and how it starts and stops."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.ports import free_port
from tests.stack.conftest import StackMaker
from tests.stack.stack import docker, eventually

BASE = "python:3.13-slim"
LARGEST = 250_000_000
"""Bytes above its base."""
NOBODY_LISTENS = (
    "--env=ENVIRONMENT=development",
    "--env=JWT_SECRET=development-only-secret-do-not-use-in-production",
    "--env=PUBLIC_URL=http://localhost",
    "--env=DATABASE_URL=postgresql+asyncpg://nobody@127.0.0.1:1/nothing",
    "--env=REDIS_URL=redis://127.0.0.1:1/0",
)
"""Settings of a process whose servers are away: it lives, and is not ready."""


@pytest.fixture(scope="module")
def image(make_stack: StackMaker) -> str:
    """Built from the checkout with a version and a commit."""
    variables = {"IMAGE_TAG": "stack-test-image", "VERSION": "1.2.3", "REVISION": "0123abc"}
    make_stack("image", variables=variables).compose("build", "api", timeout=1800)
    return "bookstore:stack-test-image"


@contextmanager
def started(image: str, *options: str) -> Iterator[tuple[str, str]]:
    """A container without servers to talk to, by its id; and where it answers."""
    port = free_port()
    publish = f"--publish=127.0.0.1:{port}:8000"
    container = docker("run", "--detach", publish, *NOBODY_LISTENS, *options, image).strip()
    try:
        yield container, f"http://127.0.0.1:{port}"
    finally:
        docker("rm", "--force", container)


def lives(url: str) -> bool:
    """Whether the process answers."""
    try:
        return httpx.get(f"{url}/health/live", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def inspected(kind: str, name: str) -> Any:
    """What the engine knows of it."""
    return json.loads(docker(kind, "inspect", name))[0]


def ran(image: str, *command: str, options: tuple[str, ...] = ()) -> str:
    """What a command prints in a container of its own."""
    return docker("run", "--rm", *options, image, *command)


def test_it_is_small(image: str) -> None:
    assert inspected("image", image)["Size"] - inspected("image", BASE)["Size"] <= LARGEST


def test_it_says_what_it_is_and_runs_as_nobody(image: str) -> None:
    config = inspected("image", image)["Config"]
    labels = {
        name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()
    }
    assert (labels["title"], labels["version"], labels["revision"]) == ("bookstore", "1.2.3", "0123abc")
    assert (config["User"], ran(image, "id", "-u").strip()) == ("10001:10001", "10001")
    with started(image, "--env=INTERNAL_PORT=8001") as (container, url):
        eventually(lambda: lives(url), within=120)
        ask = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:8001/version').read().decode())"
        told = json.loads(docker("exec", container, "python", "-c", ask))
    assert (told["version"], told["revision"]) == ("1.2.3", "0123abc")


def test_it_holds_no_tools_and_no_leftovers(image: str) -> None:
    tools = "for tool in cc gcc make strip pip pip3 git curl; do command -v $tool; done; true"
    assert ran(image, "sh", "-c", tools) == ran(BASE, "sh", "-c", tools), "beside those of the base"
    leftovers = "find / -xdev ( -path */pip/cache -o -path */.cache -o -name *.lock -o -name .env -o -name .git ) -print"
    found = ran(image, "find", *leftovers.split()[1:], options=("--user=0",)).split()
    assert [
        path for path in found if not path.startswith(("/proc/", "/sys/", "/usr/", "/etc/", "/var/"))
    ] == []
    assert ran(image, "sh", "-c", "ls /srv/bookstore").split() == [
        "alembic",
        "alembic.ini",
        "app",
        "gunicorn.conf.py",
    ]


def test_nothing_of_it_can_be_changed_by_its_process(image: str) -> None:
    writable = "find / -xdev -writable -type d -not -path '/proc/*' -not -path '/dev/*'"
    assert set(ran(image, "sh", "-c", f"{writable} 2>/dev/null; true").split()) == {
        "/run/lock",
        # The worker writes backups there, where a volume is mounted for them (docs/backups.md).
        "/srv/backups",
        "/srv/mail",
        "/srv/storage",
        "/tmp",  # noqa: S108 (in a container)
        "/var/tmp",  # noqa: S108 (as above)
    }


def test_what_its_packages_are_for_works_with_what_is_left_of_them(image: str) -> None:
    program = Path(__file__).with_name("everything.py")
    mounted = ("--user=0", f"--volume={program}:/tmp/everything.py:ro")
    assert ran(image, "python", "/tmp/everything.py", options=mounted) == "all is there\n"  # noqa: S108 (in a container)


def test_the_programs_of_backups_speak_tls(image: str) -> None:
    nobody = (
        "for program in psql pg_dump; do $program 'sslmode=require host=127.0.0.1 port=1' 2>&1; done; true"
    )
    assert ran(image, "sh", "-c", nobody).count("Connection refused") == 2


def test_every_command_is_there(image: str) -> None:
    helped = ran(image, "bookstore", "--help")
    for command in ("serve", "worker", "scheduler", "migrate", "demo", "smoke", "check-settings"):
        assert command in helped


def test_it_stops_at_once_when_it_is_told_to_and_leaves_no_dead_processes(image: str) -> None:
    with started(image) as (container, url):
        eventually(lambda: lives(url), within=120)
        assert docker("exec", container, "cat", "/proc/1/comm") == "tini\n"
        # A process whose parent ends before it: the first process inherits it, and must take note of its end.
        docker("exec", container, "sh", "-c", "(sleep 0.1 & ) ; sleep 1")
        states = docker("exec", container, "sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null; true")
        assert ") Z " not in states
        begun = time.monotonic()
        docker("stop", "--time=40", container)
        assert time.monotonic() - begun < 30
        assert inspected("container", container)["State"]["ExitCode"] == 0
