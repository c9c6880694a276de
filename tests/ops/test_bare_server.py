"""Gunicorn without a proxy: what is too large or stays half is refused, tried with real sockets."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from app.core.http.protocol import LARGEST_HEADER, LONGEST_WAIT
from tests.gunicorn import Gunicorn, StartGunicorn

HEAD = b"GET /problems HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST /api/v1/auth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture
def server(start_gunicorn: StartGunicorn) -> Gunicorn:
    return start_gunicorn("--workers", "1", RATE_LIMIT_FACTOR="10000")


@contextmanager
def _connected(server: Gunicorn) -> Iterator[socket.socket]:
    address = (server.http.base_url.host, int(server.http.base_url.port or 0))
    with socket.create_connection(address, timeout=60) as connection:
        yield connection


def _answer(connection: socket.socket) -> bytes:
    """Everything until the server hangs up."""
    received = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            received += piece
    return received


def _send(connection: socket.socket, data: bytes) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(data)


def test_a_header_block_over_64_kib_is_refused_and_one_below_is_not(server: Gunicorn) -> None:
    def filled(size: int, name: bytes = b"x") -> bytes:
        return HEAD + b"".join(
            name + b"%d: " % number + b"a" * 1000 + b"\r\n" for number in range(size // 1010)
        )

    for data, status in (
        (filled(LARGEST_HEADER - 4_000) + b"Connection: close\r\n\r\n", b"200"),
        (filled(LARGEST_HEADER + 4_000) + b"\r\n", b"431"),
        (filled(10 * LARGEST_HEADER), b"431"),
        (HEAD + b"x: " + b"a" * 20 * LARGEST_HEADER, b"431"),
        (b"GET /" + b"a" * 2 * LARGEST_HEADER + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"431"),
        (b"nonsense\r\n\r\n", b"400"),
    ):
        with _connected(server) as connection:
            _send(connection, data)
            answer = _answer(connection)
            assert answer.startswith(b"HTTP/1.1 " + status), answer[:200]
            if status != b"200":
                assert b"application/problem+json" in answer
                assert len(answer) < 1000
    trailers = b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"t: " + b"a" * 3 * LARGEST_HEADER
    with _connected(server) as connection:
        _send(connection, POST + trailers + b"\r\nu: b\r\n\r\n")
        assert not _answer(connection).startswith(b"HTTP/1.1 200")
    assert server.http.get("/health/live").status_code == 200
    assert '"level":"error"' not in server.said


def test_connections_are_kept_and_requests_may_follow_one_another(server: Gunicorn) -> None:
    with _connected(server) as connection:
        for _ in range(3):
            # An empty line between requests is allowed (RFC 9112 §2.2).
            connection.sendall(HEAD + b"\r\n\r\n")
            received = b""
            while not received.endswith(b"}"):
                received += connection.recv(65_536)
            assert received.startswith(b"HTTP/1.1 200")
        connection.sendall(HEAD + b"\r\n" + HEAD + b"Connection: close\r\n\r\n")
        assert _answer(connection).count(b"HTTP/1.1 200") == 2


def test_half_requests_are_ended_after_20_seconds(server: Gunicorn) -> None:
    whole = POST + b"Content-Length: 20\r\n\r\n"
    beginnings = {
        "nothing": b"",
        "line": b"GET /problems HT",
        "header": HEAD + b"X-Half: a",
        "dripping": HEAD,
        "body": whole + b"username=a",
        "chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nus",
        "second": HEAD + b"\r\n" + HEAD,
        "empty lines": HEAD + b"\r\n",
    }
    address = (server.http.base_url.host, int(server.http.base_url.port or 0))
    connections = {name: socket.create_connection(address, timeout=60) for name in beginnings}
    patient = socket.create_connection(address, timeout=60)
    patient.sendall(whole)
    started = time.monotonic()
    for name, beginning in beginnings.items():
        connections[name].sendall(beginning)
    sent = 0
    while time.monotonic() < started + LONGEST_WAIT + 3:
        time.sleep(1)
        _send(connections["dripping"], b"x: y\r\n")
        _send(connections["empty lines"], b"\r\n")
        if sent < 2 and time.monotonic() > started + (sent + 1) * LONGEST_WAIT / 2:
            sent += 1
            patient.sendall(b"username=a"[:5])
    patient.sendall(b"&password=")
    assert patient.recv(100).startswith((b"HTTP/1.1 401", b"HTTP/1.1 422", b"HTTP/1.1 400")), (
        "each piece renews the time"
    )
    patient.close()
    for name, connection in connections.items():
        answer = _answer(connection)
        assert time.monotonic() < started + LONGEST_WAIT * 2, name
        statuses = re.findall(rb"HTTP/1\.1 (\d{3})", answer)
        expected = [b"200", b"408"] if name in {"second", "empty lines"} else [b"408"]
        assert statuses == expected, (name, answer[:300])
        connection.close()
    assert server.http.get("/health/live").status_code == 200
