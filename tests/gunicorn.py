"""Gunicorn as production starts it, on the test servers."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from devstack import Servers
from devstack.process import wait_until
from tests.conftest import JWT_SECRET, PUBLIC_URL, ROOT
from tests.ports import free_port

Metrics = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass
class Gunicorn:
    """One master with its workers."""

    popen: subprocess.Popen[bytes]
    http: httpx.Client
    output: Path
    metrics_folder: Path
    exit_code: int | None = field(default=None)

    @property
    def said(self) -> str:
        return self.output.read_text()

    def is_ready(self) -> bool:
        try:
            return self.http.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    def metrics(self) -> Metrics:
        for _ in range(10):
            # A worker that is being replaced may hang up on a connection that it has not read from.
            with suppress(httpx.TransportError):
                return parse(self.http.get("/metrics").text)
        raise AssertionError(self.said)

    def stop(self) -> int:
        if self.exit_code is None:
            self.popen.send_signal(signal.SIGTERM)
            self.exit_code = self.popen.wait(40)
            self.http.close()
        return self.exit_code


StartGunicorn = Callable[..., Gunicorn]


def parse(text: str) -> Metrics:
    """Every sample by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def start_gunicorn(servers: Servers, empty_database_url: str, tmp_path: Path) -> Iterator[StartGunicorn]:
    """Starts Gunicorn; options come after those of `gunicorn.conf.py`."""
    started: list[Gunicorn] = []

    def start(*options: str, is_awaited: bool = True, **environment: str) -> Gunicorn:
        port = str(free_port())
        given = {
            "PATH": os.environ["PATH"],
            "PORT": port,
            "DATABASE_URL": empty_database_url,
            "REDIS_URL": servers.redis_url,
            "STORAGE_URL": servers.files.as_uri(),
            "JWT_SECRET": JWT_SECRET,
            "PUBLIC_URL": PUBLIC_URL,
            "ALLOWED_HOSTS": "127.0.0.1",
            "RATE_LIMIT_FACTOR": "100",
            "DRAIN_SECONDS": "0",
            "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
        }
        output = tmp_path / f"output-{port}"
        with output.open("wb") as file:
            popen = subprocess.Popen(  # noqa: S603 - our own server
                (sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", *options),
                cwd=ROOT,
                env=given | environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        # Without keep-alive each request may meet another worker.
        limits = httpx.Limits(max_keepalive_connections=0)
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", limits=limits, trust_env=False, timeout=60)
        started.append(Gunicorn(popen, client, output, tmp_path / "metrics"))
        if is_awaited:
            assert wait_until(started[-1].is_ready, timeout=120), started[-1].said
        return started[-1]

    yield start
    for each in started:
        each.stop()
