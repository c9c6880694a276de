"""FastAPI's own command line serves the application too."""

import http.client
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.process import wait_until
from tests.conftest import ROOT
from tests.ports import free_port


def is_alive(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


@pytest.mark.parametrize("command", ["dev", "run"])
@pytest.mark.usefixtures("environment")
def test_fastapi_serves_the_app(tmp_path: Path, command: str) -> None:
    port = free_port()
    program = Path(sys.executable).with_name("fastapi")
    output = tmp_path / "output"
    with output.open("wb") as file:
        server = subprocess.Popen(  # noqa: S603 (FastAPI's own program)
            (program, command, "--host", "127.0.0.1", "--port", str(port)),
            cwd=ROOT,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        assert wait_until(lambda: is_alive(port), timeout=120), output.read_text()
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
