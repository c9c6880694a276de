"""What imports are measured on: an API, a worker process and a moderator."""

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from devstack import Servers
from tests.performance.server import ROOT, Server, serving

_POLL = 0.2


@dataclass(frozen=True, slots=True)
class Stand:
    """The API, the worker's process, the database, and who imports."""

    api: Server
    worker: int
    database: str
    headers: dict[str, str]

    @property
    def driver_url(self) -> str:
        """The database, as asyncpg wants it."""
        return self.database.replace("+asyncpg", "")

    def upload(self, path: Path) -> dict[str, Any]:
        """Import the file; the job when it is over."""
        with path.open("rb") as content:
            answer = httpx.post(
                f"{self.api.url}/api/v1/admin/imports",
                files={"file": (path.name, content)},
                headers=self.headers,
                timeout=600,
            )
        answer.raise_for_status()
        location = self.api.url + answer.headers["location"]
        while True:
            job: dict[str, Any] = httpx.get(location, headers=self.headers).raise_for_status().json()
            if job["state"] not in {"pending", "running"}:
                return job
            time.sleep(_POLL)

    def memory(self, key: str) -> float:
        """A line of the worker's status in MiB, such as VmRSS or the peak VmHWM."""
        lines = Path(f"/proc/{self.worker}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) / 1024


def import_stand(stack: ExitStack, servers: Servers, folder: Path) -> Stand:
    """Everything that an import needs, until the stack is left."""
    environment = {
        "ENVIRONMENT": "production",
        "PUBLIC_URL": "https://shop.example.com",
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "STORAGE_URL": servers.files.as_uri(),
        "JWT_SECRET": secrets.token_hex(32),
        "MAIL_URL": "smtp://127.0.0.1:1",
        "LOG_LEVEL": "WARNING",
    }
    subprocess.run(
        [sys.executable, "-m", "app.cli", "migrate"],
        cwd=folder,
        env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    api = stack.enter_context(serving(None, environment, folder, "/health/ready"))
    worker = stack.enter_context(_working(environment, folder))
    return Stand(api, worker, servers.database_url, asyncio.run(_log_in(api, servers.database_url)))


@contextmanager
def _working(environment: dict[str, str], folder: Path) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "worker"],
        cwd=folder,
        env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


async def _log_in(api: Server, database: str) -> dict[str, str]:
    password = "Quick-" + secrets.token_hex(8) + "-A1!"
    async with httpx.AsyncClient(base_url=f"{api.url}/api/v1", timeout=60) as client:
        account = {"username": "importer", "email": "importer@example.com", "password": password}
        (await client.post("/users/register", json=account)).raise_for_status()
        connection = await asyncpg.connect(database.replace("+asyncpg", ""))
        await connection.execute("UPDATE users SET role = 'moderator'")
        await connection.close()
        form = {"username": "importer", "password": password}
        answer = (await client.post("/auth/token", data=form)).raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}
