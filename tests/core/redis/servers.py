"""Redis servers on ports of loopback, to be given users, limits, roles and an end."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

from devstack.process import Process, tail, wait_until
from devstack.redis import redis_program
from tests.ports import free_port

HOST = "127.0.0.1"


@dataclass
class RedisServer:
    """One process; `admin` is a client of its own for arranging, with the rights of `username`."""

    home: Path
    arguments: Sequence[str] = ()
    username: str | None = None
    password: str | None = None
    port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port = free_port()
        self.home.mkdir(parents=True, exist_ok=True)
        self._process = Process(self.command, cwd=self.home)

    @property
    def command(self) -> tuple[str, ...]:
        return (redis_program(), *self.arguments, "--port", str(self.port), "--dir", str(self.home))

    @property
    def admin(self) -> Redis:
        return Redis(
            host=HOST,
            port=self.port,
            username=self.username,
            password=self.password,
            decode_responses=True,
        )

    def start(self) -> None:
        self._process.start(log=self.home / "log")
        wait_until(lambda: self.answers() or not self._process.is_running, timeout=60)
        assert self.answers(), tail(self.home / "log")

    def kill(self) -> None:
        self._process.stop()

    def answers(self) -> bool:
        with self.admin as client:
            try:
                return bool(client.ping())
            except AuthenticationError:
                return True
            except RedisError:
                return False


@contextlib.contextmanager
def running(*servers: RedisServer) -> Iterator[None]:
    """Start them; whatever became of them, they have ended afterwards."""
    try:
        for server in servers:
            server.start()
        yield
    finally:
        for server in servers:
            server.kill()
