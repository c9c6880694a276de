"""`bookstore migrate`: Alembic, which only this command imports."""

import asyncio

import typer
from alembic.config import Config
from alembic.script.revision import ResolutionError
from alembic.util import CommandError

from alembic import command
from app.cli.dev import ROOT
from app.cli.errors import refuse
from app.core.db.roles import prepare_roles
from app.core.settings.settings import load_database_settings


def bring_to(revision: str) -> None:
    """Bring the schema to the revision and its roles up to date; one that a newer release made stays as it is."""
    try:
        command.upgrade(Config(ROOT / "alembic.ini"), revision)
    except CommandError as fault:
        # Who goes back a release keeps the schema, which the older one can work with.
        if revision != "head" or not isinstance(fault.__cause__, ResolutionError):
            refuse(str(fault))
        stands_at = fault.__cause__.argument
        typer.echo(f"The database stands at {stands_at}, which a newer release made: nothing to do.")
    if role := asyncio.run(prepare_roles(load_database_settings())):
        typer.echo(f"The role {role} may read and write rows, and nothing else.")
