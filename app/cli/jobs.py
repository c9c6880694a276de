"""`bookstore jobs …`: scheduled jobs, events on their way and dead letters, as `/admin/jobs` shows them.

Exit codes: 0 done, 1 refused (the message says why), 2 wrong usage.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from app import registry
from app.admin.jobs import queries
from app.admin.jobs.schemas import DeadLetterFilter, DiscardIn, JobRunOut, RetryIn
from app.admin.jobs.service import DeadLetterService
from app.cli.admin import unit_of_work
from app.cli.output import show
from app.core.db.engine import Database
from app.core.db.paging import Pager
from app.core.http.responses import ReadResult
from app.core.http.schemas import LARGEST_ID
from app.core.settings.settings import load_settings

jobs_cli = typer.Typer(
    no_args_is_help=True, help="See scheduled jobs and events; try dead letters again, or discard them."
)
_JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, as the API answers.")]
_IdArgument = Annotated[int, typer.Argument(help="The event's id.", min=1, max=LARGEST_ID)]
_TypeOption = Annotated[str | None, typer.Option("--type", help="Only events of this type.")]


@jobs_cli.command("list")
def list_jobs(as_json: _JsonOption = False) -> None:
    """List the scheduled jobs: last run, next run, duration, rows, state."""
    found = _read(queries.list_jobs, as_json=as_json)
    if found is None:
        return
    table = Table("Job", "State", "Last run", "Seconds", "Rows", "Next run", "Overdue (s)")
    for job in found.jobs:
        state, started, seconds, rows, _ = _cells(job.last)
        overdue = f"{job.overdue_s:,.0f}" if job.overdue_s else ""
        table.add_row(job.name, state, started, seconds, rows, _moment(job.next_at), overdue)
    show(table)


@jobs_cli.command("show")
def show_job(
    name: Annotated[str, typer.Argument(help="The job's name.")], as_json: _JsonOption = False
) -> None:
    """Show the last runs of a job, with the reasons of those that failed."""
    found = _read(partial(queries.get_job, name=name), as_json=as_json)
    if found is None:
        return
    table = Table("Slot", "State", "Begun", "Seconds", "Rows", "Failed with")
    for run in found.runs:
        table.add_row(_moment(run.slot), *_cells(run))
    show(table)


@jobs_cli.command()
def events(as_json: _JsonOption = False) -> None:
    """Count events by type and state."""
    found = _read(queries.summarise_events, as_json=as_json)
    if found is None:
        return
    table = Table("Type", "Waiting", "Started", "Dead", "Done in the last hour")
    for each in found.types:
        counts = (each.waiting, each.started, each.dead, each.done_in_last_hour)
        table.add_row(each.type, *(f"{count:,}" for count in counts))
    show(table)


@jobs_cli.command("dead-letters")
def dead_letters(
    kind: _TypeOption = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 20,
    as_json: _JsonOption = False,
) -> None:
    """List events that were given up, the newest first, with the reason."""
    query = DeadLetterFilter(type=kind, limit=limit)
    pager = Pager(load_settings().jwt.secret.get_secret_value().encode())
    found = _read(partial(queries.list_dead_letters, query=query, pager=pager), as_json=as_json)
    if found is None:
        return
    table = Table("Event", "Type", "Written", "Given up", "Reason")
    for each in found.items:
        table.add_row(str(each.id), each.type, _moment(each.created_at), _moment(each.died_at), each.error)
    show(table, f"{len(found.items):,} of {found.total:,}")


@jobs_cli.command("dead-letter")
def dead_letter(event_id: _IdArgument) -> None:
    """Print a dead letter as JSON, with what the event says; secrets are hidden."""
    _read(partial(queries.get_dead_letter, event_id=event_id), as_json=True)


@jobs_cli.command()
def retry(
    event_id: Annotated[int | None, typer.Argument(help="The event's id.", min=1, max=LARGEST_ID)] = None,
    kind: Annotated[str | None, typer.Option("--type", help="All of this type instead.")] = None,
) -> None:
    """Have a dead letter, or all of a type, tried again.

    Exit code 1: there is no such dead letter.
    """
    if (event_id is None) == (kind is None):
        raise typer.BadParameter("name either an event or a type.")

    async def run(letters: DeadLetterService) -> int:
        if event_id is None:
            return await letters.retry_all(RetryIn(type=kind or "").type)
        await letters.retry(event_id)
        return 1

    typer.echo(f"{_write(run):,} to be tried again.")


@jobs_cli.command()
def discard(
    event_id: _IdArgument, note: Annotated[str, typer.Argument(help="Why, for the audit log.")]
) -> None:
    """Delete a dead letter for good; what it was and the note stay in the audit log.

    Exit code 1: there is no such dead letter.
    """
    why = DiscardIn(note=note)

    async def run(letters: DeadLetterService) -> None:
        await letters.discard(event_id, why.note)

    _write(run)
    typer.echo(f"{event_id} is discarded.")


def _read(read: Callable[[AsyncConnection], Awaitable[ReadResult]], *, as_json: bool) -> Any:
    """What was read, to be shown as a table; None where it is printed as JSON already."""

    async def run() -> ReadResult:
        registry.load()
        database = Database(load_settings().database)
        try:
            async with database.reading() as connection:
                return await read(connection)
        finally:
            await database.close()

    found = asyncio.run(run()).model
    if not as_json:
        return found
    typer.echo(found.model_dump_json(indent=2))
    return None


def _write(change: Callable[[DeadLetterService], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with unit_of_work(load_settings()) as session:
            return await change(DeadLetterService.build(session))

    return asyncio.run(run())


def _cells(run: JobRunOut) -> tuple[str, str, str, str, str]:
    seconds = "" if run.seconds is None else f"{run.seconds:,.2f}"
    rows = "" if run.rows is None else f"{run.rows:,}"
    return run.state.value, _moment(run.started_at), seconds, rows, run.error or ""


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}Z"
