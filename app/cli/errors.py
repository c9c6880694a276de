"""How every command reports what went wrong: a line that says what to do, and exit code 1.

Light to import, so that `make run` answers Ctrl-C at once; what is known of the application's faults is in `remedies`.
"""

import os
import sys
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


@contextmanager
def exit_code_kept() -> Iterator[None]:
    """End the process with the exit code that was said.

    Where files were asked for, one of obstore's threads may still be on its way back from the last call, and Python
    before 3.14 that ends then aborts.
    """
    try:
        yield
    except SystemExit as end:
        if "obstore" not in sys.modules or not isinstance(end.code, int):
            raise
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code)


def refuse(reason: str) -> NoReturn:
    """End the command with exit code 1 and this reason."""
    typer.echo(f"bookstore: {reason}", err=True)
    raise typer.Exit(1) from None
