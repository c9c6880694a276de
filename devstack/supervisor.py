"""`make run`: servers, then one-off steps, then the services, until a signal comes; nothing is left running."""

import errno
import http.client
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.account import account_for, server_home
from devstack.errors import DevStackError
from devstack.postgres import Postgres
from devstack.process import Process, die_with_parent, read_pid, stop_orphan
from devstack.redis import Redis
from devstack.sources import Sources
from devstack.workspace import Workspace, is_given

_READY_WITHIN = 60.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Child:
    """A command under a name; the command line holds the checkout's path, by which an orphan is known."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: `steps` once, in order, then `services` side by side. The API answers on host and port.

    With `sources`, a folder, the services start again when a file in it changes.
    """

    root: Path
    host: str
    port: int
    steps: tuple[Child, ...]
    services: tuple[Child, ...]
    sources: Path | None = None

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
        self._workspace = Workspace(plan.root)
        self._halted = False
        self._stack = ExitStack()
        self._servers: dict[str, Postgres | Redis] = {}
        self._services: dict[str, Process] = {}

    def run(self) -> None:
        """Run until a stop signal, then return.

        Raises DevStackError when a step failed, a process ended, or port or checkout is taken.
        """
        # As they are before anything is started from them: what changes meanwhile is a change, too.
        sources = Sources(self._plan.sources) if self._plan.sources else None
        with self._signals(), self._stack:
            try:
                self._start()
                self._announce(self._plan)
                self._watch(sources)
            except _Halted:
                return

    def _start(self) -> None:
        self._stack.enter_context(self._workspace.lock())
        for child in (*self._plan.steps, *self._plan.services):
            # A service that outlived a killed supervisor would hold the port, or work on with old code.
            stop_orphan(read_pid(self._pid_file(child)), str(self._plan.root), signal.SIGTERM)
        self._refuse_taken_port()
        own = self._workspace.defaults() | self._start_servers()
        # Links in mails lead to where this shop listens.
        own["PUBLIC_URL"] = f"http://{self._plan.address}"
        own = {name: value for name, value in own.items() if not is_given(self._outer, name)}
        self._stack.enter_context(self._workspace.publish(own))
        # Nobody but this machine calls here, so whoever calls may know all.
        environment = {"INTERNAL_PORT": str(self._plan.port)} | dict(self._outer) | own
        for step in self._plan.steps:
            self._run_step(step, environment)
        for service in self._plan.services:
            self._services[service.name] = self._spawn(service, environment)
        self._await_ready()

    def _start_servers(self) -> dict[str, str]:
        """Start what the environment does not replace; return the addresses."""
        local, log = self._workspace.local, self._workspace.log
        urls = {}
        if not is_given(self._outer, "REDIS_URL"):
            redis = Redis(local / "redis", log("redis"))
            urls["REDIS_URL"] = redis.url()
            self._start_server("redis", redis)
        if not is_given(self._outer, "DATABASE_URL"):
            home = local / "postgres"
            postgres = Postgres(server_home(home, account_for(home / "data")), log("postgres"))
            urls["DATABASE_URL"] = postgres.url()
            self._start_server("postgres", postgres)
        return urls

    def _start_server(self, name: str, server: Postgres | Redis) -> None:
        self._stack.callback(server.stop)
        server.start()
        self._servers[name] = server
        self._check()

    def _run_step(self, step: Child, environment: Mapping[str, str]) -> None:
        process = self._spawn(step, environment)
        while process.is_running:
            self._check()
            time.sleep(0.01)
        if process.exit_code:
            raise DevStackError(
                f"The step '{step.name}' failed with exit code {process.exit_code}; see above."
            )

    def _spawn(self, child: Child, environment: Mapping[str, str]) -> Process:
        process = Process(child.command, env=environment, cwd=self._plan.root)
        self._stack.callback(process.stop)
        process.start()
        self._pid_file(child).write_text(str(process.pid))
        return process

    def _pid_file(self, child: Child) -> Path:
        return self._workspace.local / f"{child.name}.pid"

    def _watch(self, sources: Sources | None) -> None:
        """Wait for the stop signal; meanwhile a process that ends stops the rest, unless sources are watched:
        then its fault was printed, and the next change starts it again.
        """
        while True:
            self._check(services=sources is None)
            if sources is not None and sources.have_changed():
                self._restart_services()
            time.sleep(0.1)

    def _restart_services(self) -> None:
        for child in self._plan.services:
            process = self._services[child.name]
            process.stop()
            process.start()
            self._pid_file(child).write_text(str(process.pid))
        sys.stdout.write(f"A file changed: started {' and '.join(self._services)} again.\n")
        sys.stdout.flush()

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

    def _check(self, *, services: bool = True) -> None:
        """Raises _Halted after a stop signal, DevStackError when a server (or a service) ended."""
        if self._halted:
            raise _Halted
        for name, process in (*self._servers.items(), *(self._services.items() if services else ())):
            if not process.is_running:
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


def _answers(address: str) -> bool:
    connection = http.client.HTTPConnection(address, timeout=2.0)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
