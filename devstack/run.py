"""The plan of `make run` and what it says when the shop is open."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.demo.accounts import ACCOUNTS, PASSWORD
from devstack.errors import DevStackError
from devstack.supervisor import Child, Plan, Supervisor

HostOption = Annotated[str, typer.Option(envvar="HOST", help="Address to listen on.")]
PortOption = Annotated[int, typer.Option(envvar="PORT", min=1, max=65_535, help="Port to listen on.")]
ROOT = Path(__file__).resolve().parents[1]


def dev(host: HostOption = "127.0.0.1", port: PortOption = 8000) -> None:
    """Run everything on this machine: embedded servers, migrations, demo data, API. Ctrl-C stops all of it."""
    Supervisor(_plan(host, port), _announce).run()
    typer.echo("Stopped.")


@contextmanager
def tell_errors(*errors: type[Exception]) -> Iterator[None]:
    """What a person can mend is told in a line, with exit code 1; anything else is a bug and shows its traceback."""
    told: tuple[type[Exception], ...] = (DevStackError, OSError, *errors)
    try:
        yield
    except told as error:
        typer.echo(f"bookstore: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _plan(host: str, port: int) -> Plan:
    """A new process is a line here."""
    uvicorn = (
        "uvicorn",
        "app.main:app",
        "--app-dir",
        str(ROOT),
        "--log-level",
        "warning",
        "--no-server-header",
    )
    bounds = ("--host", host, "--port", str(port), "--timeout-graceful-shutdown", "5")
    return Plan(
        root=ROOT,
        host=host,
        port=port,
        steps=(_python("migrate", "app.cli", "migrate"), _python("demo", "app.cli", "demo", "--if-empty")),
        services=(
            _python("api", *uvicorn, *bounds),
            _python("worker", "app.cli", "worker", "--with-scheduler"),
        ),
    )


def _python(name: str, *module: str) -> Child:
    return Child(name, (sys.executable, "-m", *module))


def _announce(plan: Plan) -> None:
    console = Console(highlight=False)
    base = f"http://{plan.address}"
    places = Table(title="Bookstore is open", show_header=False, title_justify="left")
    for name, path in {
        "API": "/api/v1",
        "Docs": "/docs",
        "Health": "/health",
        "Metrics": "/metrics",
        "Mail": "/dev/mail",
    }.items():
        places.add_row(name, f"{base}{path}", style="bold" if name == "API" else "")
    logins = Table("Login", "Password", "Who", title="Demo accounts", title_justify="left")
    for account in ACCOUNTS:
        logins.add_row(account.username, PASSWORD, account.purpose)
    console.print(places, logins, "Ctrl-C stops everything; the data stays in .local/.", sep="\n")
