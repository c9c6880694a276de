"""How every command reports what went wrong: a line that says what to do, and exit code 1.

Light to import, so that `make run` answers Ctrl-C at once; what is known of the application's faults is in `remedies`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

Remedy = Callable[[Exception], str | None]
"""What a person can do about a fault; None where it is a bug."""


@contextmanager
def faults_reported(remedy: Remedy) -> Iterator[None]:
    """Report a fault that has a remedy in a line; anything else is a bug and shows its traceback."""
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except Exception as fault:
        reason = remedy(fault)
        if reason is None:
            raise
        refuse(reason)


def refuse(reason: str) -> NoReturn:
    """End the command with exit code 1 and this reason."""
    typer.echo(f"bookstore: {reason}", err=True)
    raise typer.Exit(1) from None
