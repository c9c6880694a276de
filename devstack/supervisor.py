"""`make run`: servers, then one-off steps, then the services, until a signal comes; nothing is left running."""

import errno
import http.client
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.account import account_for, server_home
from devstack.checkout import Checkout, is_given
from devstack.errors import DevStackError
from devstack.postgres import Postgres
from devstack.process import Process, die_with_parent, read_pid, stop_orphan
from devstack.redis import Redis

_READY_WITHIN = 60.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Child:
    """A command under a name; the command line holds the checkout's path, by which an orphan is known."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: `steps` once, in order, then `services` side by side. The API answers on host and port."""

    root: Path
    host: str
    port: int
    steps: tuple[Child, ...]
    services: tuple[Child, ...]

    @property
    def address(self) -> str:
        """For a client on this machine; `0.0.0.0` and `::` are no place to connect to."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104 - compared with, not bound to
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


class _Halted(Exception):
    """A stop signal came."""


class Supervisor:
    """Owns every process of one `make run`; they stop in the reverse order of their start."""

    def __init__(
        self, plan: Plan, announce: Callable[[Plan], None], outer: Mapping[str, str] = os.environ
    ) -> None:
        self._plan = plan
        self._announce = announce
        self._outer = outer
        self._halted = False
        self._watched: list[tuple[str, Postgres | Redis | Process]] = []

    def run(self) -> None:
        """Until a stop signal, then return. DevStackError: a step failed, a process ended, port or checkout is taken."""
        with self._signals(), ExitStack() as stack:
            try:
                self._start(stack)
                self._announce(self._plan)
                while True:
                    self._check()
                    time.sleep(0.1)
            except _Halted:
                return

    def _start(self, stack: ExitStack) -> None:
        checkout = Checkout(self._plan.root)
        stack.enter_context(checkout.lock())
        for child in (*self._plan.steps, *self._plan.services):
            self._stop_earlier(checkout, child)
        self._refuse_taken_port()
        environment = checkout.environment(self._outer) | self._servers(checkout, stack)
        # Links in mails lead to where this shop listens.
        environment["PUBLIC_URL"] = self._outer.get("PUBLIC_URL") or f"http://{self._plan.address}"
        for step in self._plan.steps:
            self._run_step(checkout, stack, step, environment)
        for service in self._plan.services:
            self._watched.append((service.name, self._spawn(checkout, stack, service, environment)))
        self._await_ready()

    def _servers(self, checkout: Checkout, stack: ExitStack) -> dict[str, str]:
        """Start what the environment does not replace; answers the addresses."""
        urls = {}
        if not is_given(self._outer, "REDIS_URL"):
            redis = Redis(checkout.local / "redis", checkout.log("redis"))
            urls["REDIS_URL"] = redis.url()
            self._start_server("redis", redis, stack)
        if not is_given(self._outer, "DATABASE_URL"):
            home = checkout.local / "postgres"
            postgres = Postgres(server_home(home, account_for(home / "data")), checkout.log("postgres"))
            urls["DATABASE_URL"] = postgres.url()
            self._start_server("postgres", postgres, stack)
        return urls

    def _start_server(self, name: str, server: Postgres | Redis, stack: ExitStack) -> None:
        stack.callback(server.stop)
        server.start()
        self._watched.append((name, server))
        self._check()

    def _run_step(
        self, checkout: Checkout, stack: ExitStack, step: Child, environment: Mapping[str, str]
    ) -> None:
        process = self._spawn(checkout, stack, step, environment)
        while process.is_running:
            self._check()
            time.sleep(0.01)
        if process.exit_code:
            raise DevStackError(
                f"The step '{step.name}' failed with exit code {process.exit_code}; see above."
            )

    def _spawn(
        self, checkout: Checkout, stack: ExitStack, child: Child, environment: Mapping[str, str]
    ) -> Process:
        process = Process(child.command)
        stack.callback(process.stop)
        process.start(env=environment, cwd=checkout.root)
        _pid_file(checkout, child).write_text(str(process.pid))
        return process

    def _stop_earlier(self, checkout: Checkout, child: Child) -> None:
        """A service that outlived a killed supervisor would hold the port, or work on with old code."""
        stop_orphan(read_pid(_pid_file(checkout, child)), str(checkout.root), signal.SIGTERM)

    def _refuse_taken_port(self) -> None:
        """Only asked, not held: should another take the port in between, the API ends and says so."""
        try:
            family, kind, _, _, address = socket.getaddrinfo(
                self._plan.host or None, self._plan.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            with socket.socket(family, kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError as error:
            where = f"{self._plan.host}:{self._plan.port}"
            if error.errno == errno.EADDRINUSE:
                raise DevStackError(
                    f"{where} is taken by another program: try `make run PORT={self._plan.port % 65_535 + 1}`."
                ) from error
            raise DevStackError(f"Cannot listen on {where} ({error.strerror}): set HOST and PORT.") from error

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while not _answers(self._plan.address):
            self._check()
            if time.monotonic() > deadline:
                raise DevStackError(f"The API did not become ready within {_READY_WITHIN:.0f} s; see above.")
            time.sleep(0.05)

    def _check(self) -> None:
        if self._halted:
            raise _Halted
        for name, watched in self._watched:
            if not watched.is_running:
                raise DevStackError(
                    f"{name} ended by itself, so the rest was stopped; see above and .local/log/."
                )

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Signals only set a flag that every wait looks at: none can strike between a start and its record."""

        def halt(_number: int, _frame: object) -> None:
            self._halted = True

        before = {each: signal.signal(each, halt) for each in _STOP_SIGNALS}
        if "MAKELEVEL" in self._outer:
            die_with_parent(signal.SIGTERM)  # make killed with -9 takes us along, in order
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def _pid_file(checkout: Checkout, child: Child) -> Path:
    return checkout.local / f"{child.name}.pid"


def _answers(address: str) -> bool:
    connection = http.client.HTTPConnection(address, timeout=2.0)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
