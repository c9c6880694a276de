"""A load generator light enough to share two cores with what it measures."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

CONNECTIONS = 16
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class UnexpectedAnswer(Exception):
    """A measured route did not answer as it should; measuring on would be pointless."""


@dataclass(slots=True)
class Burst:
    """What one burst of requests took: the seconds of each answer and of all of them."""

    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0


def request_bytes(path: str, headers: Mapping[str, str] | None = None) -> bytes:
    """A GET as clients send it."""
    sent = {
        "Host": "127.0.0.1",
        "User-Agent": "bench/1",
        "Accept": "application/json",
        "Accept-Encoding": "gzip, br",
        **(headers or {}),
    }
    lines = (f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", "")
    return "\r\n".join(lines).encode()


def post_bytes(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A POST of JSON as clients send it."""
    sent = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    return request_bytes(path, sent).replace(b"GET", b"POST", 1) + body


async def send_for(port: int, requests: Iterator[bytes], seconds: float, status: int) -> Burst:
    """Requests over all connections, each waiting for its answer, until the time is up."""
    deadline = time.perf_counter() + seconds
    return await _send(port, itertools.takewhile(lambda _: time.perf_counter() < deadline, requests), status)


async def send_count(
    port: int, requests: Iterator[bytes], count: int, status: int, connections: int = CONNECTIONS
) -> Burst:
    """As `send_for`, for so many requests."""
    return await _send(port, itertools.islice(requests, count), status, connections)


async def _send(port: int, requests: Iterator[bytes], status: int, connections: int = CONNECTIONS) -> Burst:
    burst = Burst()
    loop = asyncio.get_running_loop()
    make = partial(_Connection, requests, burst.latencies, b"HTTP/1.1 %d " % status)
    opened = [await loop.create_connection(make, "127.0.0.1", port) for _ in range(connections)]
    started = time.perf_counter()
    for transport, connection in opened:
        connection.start(transport)
    try:
        await asyncio.gather(*(connection.done for _, connection in opened))
    finally:
        for transport, _ in opened:
            transport.close()
    burst.seconds = time.perf_counter() - started
    return burst


class _Connection(asyncio.Protocol):
    """One keep-alive connection; reads no more of an answer than its status and its end."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float], status_line: bytes) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._latencies = latencies
        self._status_line = status_line
        self._buffer = b""
        self._sent = 0.0

    def start(self, transport: asyncio.Transport) -> None:
        """Send the first request."""
        self._transport = transport
        self.send_next()

    def send_next(self) -> None:
        """Send the next request; without one, be done."""
        request = next(self._requests, None)
        if request is not None:
            self._sent = time.perf_counter()
            self._transport.write(request)
        elif not self.done.done():
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._buffer = answer = self._buffer + data if self._buffer else data
        head_end = answer.find(_HEAD_END)
        if head_end < 0:
            return
        if not answer.startswith(self._status_line):
            self._fail(answer[:head_end].decode("latin-1"))
            return
        if len(answer) >= head_end + len(_HEAD_END) + _content_length(answer, head_end):
            self._latencies.append(time.perf_counter() - self._sent)
            self._buffer = b""
            self.send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"connection lost: {exc}")

    def _fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(UnexpectedAnswer(reason))


def _content_length(answer: bytes, head_end: int) -> int:
    """The length that the head announces; none for an answer without a body, such as 304."""
    start = answer.find(_LENGTH, 0, head_end)
    if start < 0:
        return 0
    start += len(_LENGTH)
    end = answer.find(b"\r", start)
    return int(answer[start:end])
