"""The plan of `make run` and what it says when the shop is open."""

import sys
from pathlib import Path

import typer
from rich.table import Table

from app.cli.dev import ROOT, HostOption, PortOption, ReloadOption
from app.cli.errors import faults_reported
from app.cli.output import show
from app.demo.accounts import ACCOUNTS, PASSWORD
from devstack.errors import remedy
from devstack.supervisor import Child, Plan, Supervisor


def run(host: HostOption = "127.0.0.1", port: PortOption = 8000, reload: ReloadOption = False) -> None:
    """Run everything on this machine: embedded servers, migrations, demo data, API. Ctrl-C stops all of it."""
    with faults_reported(remedy):
        plan = _plan(host, port, ROOT / "app" if reload else None)
        Supervisor(plan, _announce).run()
    typer.echo("Stopped.")


def _plan(host: str, port: int, sources: Path | None) -> Plan:
    """A new process is a line here."""
    return Plan(
        root=ROOT,
        host=host,
        port=port,
        steps=(_python("migrate", "app.cli", "migrate"), _python("demo", "app.cli", "demo", "--if-empty")),
        services=(
            _python("api", "devstack.api", host, str(port)),
            _python("worker", "app.cli", "worker", "--with-scheduler"),
        ),
        sources=sources,
    )


def _python(name: str, *module: str) -> Child:
    return Child(name, (sys.executable, "-m", *module))


def _announce(plan: Plan) -> None:
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
    show(places, logins, "Ctrl-C stops everything; the data stays in .local/.")
