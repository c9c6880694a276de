"""`bookstore …`: what developers and operators run; `bookstore --help` lists it."""

import gc
import logging
import os
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app import __version__
from app.cli import admin, backup, dev
from app.cli.certificate import certificate
from app.cli.demo import demo_cli
from app.cli.dev import ROOT, HostOption, PortOption
from app.cli.errors import exit_code_kept, faults_reported
from app.cli.jobs import jobs_cli
from app.cli.keys import keys_cli
from app.cli.probe import warn_of_servers_away
from app.cli.reconcile import reconcile
from app.cli.remedies import remedy
from app.cli.running import use_running_servers
from app.cli.smoke.command import smoke
from app.core.logging import configure_logging, guard_process
from app.core.settings.groups import LogSettings
from app.core.settings.settings import SettingsError, load_database_settings, load_settings
from app.worker import run_scheduler, run_worker


class _Commands(TyperGroup):
    """All commands; a refusal is one line on standard error."""

    def invoke(self, ctx: Any) -> Any:  # Typer's own copy of Click has no public name for it
        """Run the command that was asked for."""
        with faults_reported(remedy):
            return super().invoke(ctx)


cli = typer.Typer(
    cls=_Commands,
    # Its own pretty tracebacks tell messages, which may hold a value.
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help=__doc__,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"bookstore {__version__}")
        raise typer.Exit


@cli.callback()
def bookstore(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """What developers and operators of the bookstore run."""


dev.register(cli)
admin.register(cli)
backup.register(cli)
cli.command()(reconcile)
cli.command()(smoke)
cli.command()(certificate)
cli.add_typer(demo_cli, name="demo")
cli.add_typer(jobs_cli, name="jobs")
cli.add_typer(keys_cli, name="keys")


@cli.command()
def serve(host: HostOption = "127.0.0.1", port: PortOption = 8000) -> None:
    """Run the API as in production: Gunicorn with `gunicorn.conf.py`, in place of this process."""
    warn_of_servers_away(load_settings())
    os.environ |= {"HOST": host, "PORT": str(port)}
    config = str(ROOT / "gunicorn.conf.py")
    gunicorn = (sys.executable, "-m", "gunicorn", "--config", config, "app.main:app")
    os.execv(sys.executable, gunicorn)  # noqa: S606 - no shell is wanted


@cli.command()
def worker(
    with_scheduler: Annotated[
        bool, typer.Option("--with-scheduler", help="Open the slots of scheduled jobs too.")
    ] = False,
) -> None:
    """Relay events from the outbox and work on them: mails and the like. As many as you like may run."""
    settings = load_settings()
    warn_of_servers_away(settings)
    run_worker(settings, is_scheduling=with_scheduler)


@cli.command()
def scheduler() -> None:
    """Open the slots of scheduled jobs. Several may run: each slot is opened once."""
    settings = load_settings()
    warn_of_servers_away(settings)
    run_scheduler(settings)


@cli.command()
def migrate(revision: Annotated[str, typer.Argument(help="Where to go.")] = "head") -> None:
    """Bring the database to the newest schema, as DATABASE_OWNER_URL where it is set, else as DATABASE_URL.

    One that a newer release migrated stays as it is. With an owner of its own, the role that DATABASE_URL names is
    created or refreshed: it may read and write rows, and change neither the schema nor the audit log.
    """
    import_module("app.cli.schema").bring_to(revision)


def main() -> None:
    """Run the console script."""
    # What was imported stays: the collector, which had to keep out of it, need not look at it again.
    gc.freeze()
    gc.enable()
    try:
        is_database_named = "url" in load_database_settings().model_fields_set
    except SettingsError:
        # A wrong setting is the command's to report.
        is_database_named = True
    if not is_database_named:
        use_running_servers(ROOT)
    # Commands speak for themselves; `serve`, `worker` and `scheduler` set up their own log.
    configure_logging(LogSettings(level="WARNING", format="text"), stream=sys.stderr)
    guard_process()
    # Typer would put its own hook in place of ours before it raises a bug.
    try:
        with exit_code_kept():
            cli(prog_name="bookstore")
    except Exception as fault:
        logging.getLogger("process").critical("uncaught", exc_info=fault)
        sys.exit(1)
