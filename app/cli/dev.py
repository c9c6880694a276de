"""`bookstore dev` and `bookstore revision`: in a checkout alone, since `devstack/` is not part of what is shipped."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

HostOption = Annotated[str, typer.Option(envvar="HOST", help="Address to listen on.")]
PortOption = Annotated[int, typer.Option(envvar="PORT", min=1, max=65_535, help="Port to listen on.")]
ReloadOption = Annotated[
    bool,
    typer.Option("--reload", envvar="RELOAD", help="Restart API and worker when a file of app/ changes."),
]
MessageArgument = Annotated[str, typer.Argument(help="What changes, in a few words.")]
ROOT = Path(__file__).resolve().parents[2]


def register(cli: typer.Typer) -> None:
    """Add the commands where `devstack/` lies beside `app/`."""
    if (ROOT / "devstack").is_dir():
        cli.command()(dev)
        cli.command()(revision)


def dev(host: HostOption = "127.0.0.1", port: PortOption = 8000, reload: ReloadOption = False) -> None:
    """Run everything on this machine: embedded servers, migrations, demo data, API. Ctrl-C stops all of it."""
    options = ["--reload"] if reload else []
    _become("run", "--host", host, "--port", str(port), *options)


def revision(message: MessageArgument) -> None:
    """Write a migration from the difference between the models and the migrations so far."""
    _become("revision", "--", message)


def _become(*arguments: str) -> None:
    """Go on as `python -m devstack …`, which `app` never imports, in place of this process."""
    os.chdir(ROOT)
    os.execv(sys.executable, (sys.executable, "-m", "devstack", *arguments))  # noqa: S606 - no shell is wanted
