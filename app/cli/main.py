"""`bookstore …`: what developers and operators run; `bookstore --help` lists it."""

import os
import secrets
import sys
from typing import Annotated

import typer
from alembic.config import Config

from alembic import command
from app.cli import admin
from app.cli.demo import demo_cli
from app.cli.keys import keys_cli
from app.core.settings.settings import SettingsError, load_settings
from app.worker import run_scheduler, run_worker
from devstack import throwaway_servers
from devstack.run import ROOT, HostOption, PortOption, dev, tell_errors

cli = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

cli.command()(dev)
admin.register(cli)
cli.add_typer(demo_cli, name="demo")
cli.add_typer(keys_cli, name="keys")


@cli.command()
def serve(host: HostOption = "127.0.0.1", port: PortOption = 8000) -> None:
    """Run the API as in production: Gunicorn with `gunicorn.conf.py`, in place of this process."""
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    config = str(ROOT / "gunicorn.conf.py")
    gunicorn = (sys.executable, "-m", "gunicorn", "--config", config, "--bind", bind, "app.main:app")
    os.execv(sys.executable, gunicorn)  # noqa: S606 - no shell is wanted


@cli.command()
def worker(
    with_scheduler: Annotated[
        bool, typer.Option("--with-scheduler", help="Open the slots of scheduled jobs too.")
    ] = False,
) -> None:
    """Relay events from the outbox and work on them: mails and the like. As many as you like may run."""
    run_worker(load_settings(), is_scheduling=with_scheduler)


@cli.command()
def scheduler() -> None:
    """Open the slots of scheduled jobs. Several may run: each slot is opened once."""
    run_scheduler(load_settings())


@cli.command()
def migrate(revision: Annotated[str, typer.Argument(help="Where to go.")] = "head") -> None:
    """Bring the database at DATABASE_URL to the newest schema."""
    command.upgrade(_alembic(), revision)


@cli.command()
def revision(message: Annotated[str, typer.Argument(help="What changes, in a few words.")]) -> None:
    """Write a migration from the difference between the models and the migrations so far."""
    with throwaway_servers() as servers:
        os.environ |= {"DATABASE_URL": servers.database_url, "JWT_SECRET": secrets.token_hex(32)}
        command.upgrade(_alembic(), "head")
        command.revision(_alembic(), message, autogenerate=True)


def main() -> None:
    """The console script."""
    with tell_errors(SettingsError):
        cli()


def _alembic() -> Config:
    return Config(ROOT / "alembic.ini")
