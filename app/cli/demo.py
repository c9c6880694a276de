"""`bookstore demo`: the demo shop, and as many invented books as one likes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, TypeVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy.ext.asyncio import AsyncSession

from app.cli.admin import unit_of_work
from app.core.settings.settings import Settings, load_settings
from app.demo.accounts import ACCOUNTS, PASSWORD
from app.demo.generate import generate_books
from app.demo.loader import DatabaseNotEmpty, Report, load_demo

T = TypeVar("T")
demo_cli = typer.Typer(help="Fill a development database.")


@demo_cli.callback(invoke_without_command=True)
def demo(
    context: typer.Context,
    if_empty: Annotated[
        bool, typer.Option("--if-empty", help="Succeed without a change when the database is not empty.")
    ] = False,
) -> None:
    """Fill an empty development database with real books and demo accounts; all of it or nothing.

    Exit code 1: not in development, or the database is not empty.
    """
    if context.invoked_subcommand is not None:
        return
    try:
        shop = _fill(load_demo)
    except DatabaseNotEmpty:
        if not if_empty:
            raise
        typer.echo("The database is not empty: no demo data loaded.")
        return
    typer.echo(f"Loaded {len(shop.books):,} books and {len(shop.goods)} other goods.")
    typer.echo(f"Log in as {', '.join(account.username for account in ACCOUNTS)}; password {PASSWORD}")


@demo_cli.command()
def generate(
    books: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many.")] = 100_000,
) -> None:
    """Add invented books, to see how the shop does with many; all of them or none.

    A million take some minutes and some gigabytes. Exit code 1: not in development, or no demo is loaded.
    """
    _fill(lambda session, settings, report: generate_books(session, settings, books, report))
    typer.echo(f"Added {books:,} invented books.")


def _fill(work: Callable[[AsyncSession, Settings, Report], Awaitable[T]]) -> T:
    """Run the work in one transaction, with its progress on the screen."""
    settings = load_settings()

    async def fill() -> T:
        with _progress() as report:
            async with unit_of_work(settings) as session:
                return await work(session, settings, report)

    return asyncio.run(fill())


@contextmanager
def _progress() -> Iterator[Report]:
    columns = (TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns)

    def report(table: str, done: int, total: int) -> None:
        # A refusal comes before the first report, and shows no bar.
        if not progress.tasks:
            progress.add_task(table)
            progress.start()
        progress.update(progress.task_ids[0], description=table, completed=done, total=total)

    try:
        yield report
    finally:
        if progress.tasks:
            progress.stop()
