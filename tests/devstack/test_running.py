"""`bookstore …` beside a running `make run`: it finds the servers of its checkout by itself."""

import os
import shutil
import signal
import subprocess
import sys

from app.cli.running import RUNNING
from tests.conftest import ROOT
from tests.devstack.conftest import Place

_SET = ("DATABASE_URL", "REDIS_URL", "JWT_SECRET", "ENVIRONMENT", "DOTENV")


def bookstore(place: Place, *arguments: str) -> subprocess.CompletedProcess[str]:
    bare = {name: value for name, value in os.environ.items() if name not in _SET}
    return subprocess.run(  # noqa: S603 - our own program
        (sys.executable, "-m", "app.cli", *arguments),
        cwd=place.root,
        env=bare | {"BOOKSTORE_ADMIN_PASSWORD": "Lovelace-1815!"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_commands_use_the_servers_that_run_in_their_checkout(place: Place) -> None:
    for folder in ("app", "alembic"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, place.root / folder, ignore=ignored)
    shutil.copy(ROOT / "alembic.ini", place.root)
    start = place.start()
    assert start.is_ready(), start.said

    assert (place.local / RUNNING).stat().st_mode & 0o077 == 0
    migrated = bookstore(place, "migrate")
    assert migrated.returncode == 0, migrated.stderr
    made = bookstore(place, "create-admin", "ada", "ada@example.com")
    assert made.returncode == 0, made.stderr

    (place.root / ".env").write_text(
        "DATABASE_URL=postgresql://nobody@127.0.0.1:1/nothing\nJWT_SECRET="
        + "x" * 32
        + "\nENVIRONMENT=development"
    )
    elsewhere = bookstore(place, "create-admin", "eve", "eve@example.com")
    assert elsewhere.returncode == 1
    assert "check DATABASE_URL" in elsewhere.stderr

    (place.root / ".env").unlink()
    start.popen.send_signal(signal.SIGKILL)
    start.popen.wait()
    assert (place.local / RUNNING).exists()
    left = bookstore(place, "check-settings")
    assert left.returncode == 1
    assert "JWT_SECRET" in left.stderr
