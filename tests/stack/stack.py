"""One run of docker-compose.yml: a copy of the checkout, a project and ports of its own, nothing left behind."""

import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.conftest import ROOT
from tests.ports import free_port

PRODUCTION = ("docker-compose.yml", "docker/compose.prod.yml")
_FAILURE = re.compile(r"failed to solve|dependency failed to start|is unhealthy|Error response from daemon")
"""What Compose says when something went wrong; not every build of it ends with another code than 0 then."""
_NOT_OF_THE_CHECKOUT = shutil.ignore_patterns(
    ".git", ".venv", ".local", ".env", "node_modules", "__pycache__", ".*_cache", ".hypothesis", "secrets"
)


def engine_fault() -> str | None:
    """Why no stack can be run here; None when one can."""
    if shutil.which("docker") is None:
        return "there is no `docker` on PATH"
    for question in (("version", "--format", "{{.Server.Version}}"), ("compose", "version")):
        asked = _run(["docker", *question])
        if asked.returncode:
            return f"`docker {' '.join(question)}` says: {(asked.stderr or asked.stdout).strip()}"
    return None


@dataclass
class Stack:
    """A Compose project over a copy of the checkout with `.env` from `.env.example`."""

    project: str
    folder: Path
    files: tuple[str, ...] = ("docker-compose.yml",)
    variables: dict[str, str] = field(default_factory=dict)
    """What the shell says, which goes before `.env`."""
    options: tuple[str, ...] = ()
    """Of `docker compose` itself, such as `--profile=mail`."""

    def __post_init__(self) -> None:
        shutil.copytree(ROOT, self.folder, ignore=_NOT_OF_THE_CHECKOUT, symlinks=True, dirs_exist_ok=True)
        shutil.copy(self.folder / ".env.example", self.folder / ".env")
        self.http_port, self.https_port = free_port(), free_port()
        self.variables = {
            "HTTP_PORT": str(self.http_port),
            "HTTPS_PORT": str(self.https_port),
            "HTTP_BIND": "127.0.0.1",
            "IMAGE_TAG": "stack-test",
            **self.variables,
        }

    @property
    def url(self) -> str:
        """Nginx, by plain HTTP."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def tls_url(self) -> str:
        """Nginx, by TLS with the certificate that it made itself."""
        return f"https://127.0.0.1:{self.https_port}"

    def set_in_env(self, **values: str) -> None:
        """Change lines of `.env`, as an operator does; a line that is not there is added."""
        path = self.folder / ".env"
        text = path.read_text()
        for name, value in values.items():
            text = re.sub(rf"^#?{name}=.*$", "", text, count=1, flags=re.MULTILINE)
            text = f"{text}\n{name}={value}\n"
        path.write_text(text)

    def compose(self, *arguments: str, check: bool = True, timeout: float = 1200) -> str:
        """`docker compose ARGUMENTS`; what it printed. Fails with what it complained of."""
        files = [part for name in self.files for part in ("-f", name)]
        command = ["docker", "compose", "-p", self.project, *files, *self.options, *arguments]
        done = _run(command, folder=self.folder, variables=self.variables, timeout=timeout)
        if check and (done.returncode or _FAILURE.search(done.stderr)):
            raise AssertionError(f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done.stdout

    def up(self, *arguments: str) -> None:
        """Build what is to be built, start, and wait until every service says that it is well."""
        try:
            self.compose("up", "--build", "--detach", "--wait", "--wait-timeout", "540", *arguments)
        except AssertionError as refusal:
            raise AssertionError(f"{refusal}\n{self.logs('--tail=40')}") from None

    def down(self) -> None:
        """Stop it, and remove containers, networks and volumes."""
        self.compose(
            "--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "10", check=False
        )

    def logs(self, *arguments: str) -> str:
        """What the services wrote."""
        return self.compose("logs", "--no-color", *arguments, check=False)

    def execute(self, service: str, *command: str, check: bool = True) -> str:
        """What a command prints within the first container of a service."""
        return self.compose("exec", "-T", service, *command, check=check)

    def containers(self, service: str) -> list[str]:
        """The ids of a service's running containers."""
        return self.compose("ps", "-q", service).split()

    def client(self, *, tls: bool = False, **options: object) -> httpx.Client:
        """A client of Nginx, which believes the certificate that Nginx made for itself."""
        base, context = self.tls_url if tls else self.url, any_certificate()
        return httpx.Client(base_url=base, verify=context, timeout=40, **options)  # type: ignore[arg-type]  # passed on as they are


def any_certificate() -> ssl.SSLContext:
    """TLS that believes the certificate that Nginx made for itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def docker(*arguments: str) -> str:
    """`docker ARGUMENTS`; what it printed."""
    done = _run(["docker", *arguments])
    assert not done.returncode, done.stderr
    return done.stdout


@contextmanager
def running(stack: Stack, *arguments: str) -> Iterator[Stack]:
    """The stack, started for this block; KEEP_STACK=1 in the environment leaves it for a look."""
    stack.down()
    try:
        stack.up(*arguments)
        yield stack
    finally:
        if not os.environ.get("KEEP_STACK"):
            stack.down()


def eventually(is_so: Callable[[], bool], *, within: float = 30, what: str = "") -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < deadline, f"not within {within:g} s: {what}"
        time.sleep(0.1)


def _run(
    command: list[str],
    folder: Path | None = None,
    variables: dict[str, str] | None = None,
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    # Of this shell's variables only those that find the engine: nothing of a checkout's own settings.
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in {"PATH", "HOME", "LANG"} or name.startswith(("DOCKER_", "XDG_"))
    }
    return subprocess.run(  # noqa: S603 (the commands stand here)
        command,
        cwd=folder,
        env={**kept, **(variables or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
