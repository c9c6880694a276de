"""`python -m devstack run`, `… revision MESSAGE`, `… openapi-diff REF`: without loading the application, so that Ctrl-C is heard at once."""

import typer

from app.cli.errors import exit_code_kept
from devstack.contract.command import openapi_diff
from devstack.drill import restore_drill
from devstack.revision import revision
from devstack.run import run

cli = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
cli.command()(run)
cli.command()(revision)
cli.command()(openapi_diff)
cli.command()(restore_drill)

if __name__ == "__main__":
    with exit_code_kept():
        cli(prog_name="bookstore")
