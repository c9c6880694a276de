"""Reads jobs, events on their way and dead letters."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    DateTime,
    Integer,
    SQLColumnExpression,
    Subquery,
    cast,
    func,
    literal,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from app.admin.jobs.errors import JobNotFound, no_dead_letter
from app.admin.jobs.schemas import (
    DeadLetterDetailOut,
    DeadLetterFilter,
    DeadLetterOut,
    EventSummaryOut,
    EventTypeOut,
    JobDetailOut,
    JobOut,
    JobRunOut,
    JobsOut,
    JobState,
)
from app.core.db.paging import Pager
from app.core.db.queries import AnyRow, find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.events.events import DeadLetter, OutboxEvent
from app.core.events.jobs import JobDue, JobSlot, job_standings
from app.core.events.outbox import read_backlog
from app.core.http.responses import ReadResult
from app.core.redaction import redacted

RUNS = 50
"""Slots of a job that are shown."""

_DEAD_SLOTS = select(
    DeadLetter.payload["job"].astext, cast(DeadLetter.payload["slot"].astext, DateTime(timezone=True))
).where(DeadLetter.type == JobDue.type)
_RUN: Sequence[SQLColumnExpression[Any]] = (
    JobSlot.job,
    JobSlot.slot,
    JobSlot.every,
    JobSlot.started_at,
    JobSlot.done_at,
    JobSlot.seconds,
    JobSlot.rows,
    JobSlot.failures,
    JobSlot.error,
    tuple_(JobSlot.job, JobSlot.slot).in_(_DEAD_SLOTS).label("is_dead"),
)
_LETTER: Sequence[SQLColumnExpression[Any]] = (
    DeadLetter.id,
    DeadLetter.type,
    DeadLetter.error,
    DeadLetter.created_at,
    DeadLetter.died_at,
)
_NEWEST_FIRST = Order(((DeadLetter.__table__.c.id, True),))


async def list_jobs(connection: AsyncConnection) -> ReadResult:
    """Every job by its name."""
    snapshot, jobs = await _read_jobs(connection)
    return ReadResult(JobsOut(jobs=jobs), snapshot)


async def get_job(connection: AsyncConnection, name: str) -> ReadResult:
    """One job and its last slots. Raises JobNotFound."""
    snapshot, jobs = await _read_jobs(connection, name)
    if not jobs:
        raise JobNotFound(f"There is no job {name}.")
    newest = select(*_RUN).where(JobSlot.job == name).order_by(JobSlot.slot.desc()).limit(RUNS)
    runs = [_run(row) for row in await connection.execute(newest)]
    return ReadResult(JobDetailOut(**dict(jobs[0]), runs=runs), snapshot)


async def _read_jobs(connection: AsyncConnection, name: str | None = None) -> tuple[str, list[JobOut]]:
    standings = job_standings().subquery()
    columns = (*_RUN, standings.c.last_done_at, standings.c.overdue)
    newest = (standings.c.job == JobSlot.job) & (standings.c.newest == JobSlot.slot)
    # The snapshot is there where no job is, too.
    one = select(snapshot_text).subquery()
    found = select(*columns).join_from(standings, JobSlot, newest)
    if name is not None:
        found = found.where(standings.c.job == name)
    jobs = found.subquery("jobs")
    statement = select(one.c.snapshot, jobs).select_from(one.outerjoin(jobs, true())).order_by(jobs.c.job)
    rows = (await connection.execute(statement)).all()
    return rows[0].snapshot, [_job(row) for row in rows if row.job is not None]


def _job(row: AnyRow) -> JobOut:
    return JobOut(
        name=row.job,
        every_s=row.every.total_seconds() if row.every else None,
        next_at=row.slot + row.every if row.every else None,
        last=_run(row),
        last_done_at=row.last_done_at,
        overdue_s=round(row.overdue, 1),
    )


def _run(row: AnyRow) -> JobRunOut:
    return JobRunOut.model_validate({**row._mapping, "state": _state(row)})  # noqa: SLF001 (public, for all its name)


def _state(row: AnyRow) -> JobState:
    if row.done_at is not None:
        return JobState.DONE
    if row.is_dead:
        return JobState.DEAD
    if row.started_at is None:
        return JobState.WAITING
    return JobState.RUNNING if row.seconds is None else JobState.FAILED


async def summarise_events(connection: AsyncConnection) -> ReadResult:
    """Count events by type and state; those of the last hour alone where they are done."""
    backlog = await read_backlog(connection)
    counted = _counted_events()
    sums = [func.sum(counted.c[name]).cast(Integer).label(name) for name in _COUNTS]
    by_type = select(counted.c.type, *sums).group_by(counted.c.type).subquery()
    one = select(snapshot_text).subquery()
    statement = select(one.c.snapshot, by_type).select_from(one.outerjoin(by_type, true()))
    rows = (await connection.execute(statement.order_by(by_type.c.type))).all()
    types = [EventTypeOut.model_validate(row) for row in rows if row.type is not None]
    return ReadResult(EventSummaryOut(age_s=round(backlog.age, 1), types=types), rows[0].snapshot)


_COUNTS = ("waiting", "started", "dead", "done_in_last_hour")


def _counted_events() -> Subquery:
    """One row for each type in each state, all but one of its counts 0."""

    def counts(**given: SQLColumnExpression[Any]) -> list[SQLColumnExpression[Any]]:
        return [given.get(name, literal(0)).label(name) for name in _COUNTS]

    is_new = OutboxEvent.attempts == 0
    pending = select(
        OutboxEvent.type.label("type"),
        *counts(waiting=func.count().filter(is_new), started=func.count().filter(~is_new)),
    ).where(OutboxEvent.done_at.is_(None))
    an_hour_ago = func.now() - func.make_interval(0, 0, 0, 0, 1)
    done = select(OutboxEvent.type, *counts(done_in_last_hour=func.count())).where(
        OutboxEvent.done_at > an_hour_ago
    )
    dead = select(DeadLetter.type, *counts(dead=func.count())).group_by(DeadLetter.type)
    return union_all(pending.group_by(OutboxEvent.type), done.group_by(OutboxEvent.type), dead).subquery()


async def list_dead_letters(connection: AsyncConnection, query: DeadLetterFilter, pager: Pager) -> ReadResult:
    """One page of the dead letters, the newest events first. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(DeadLetter.id)
    if query.type is not None:
        matching = matching.where(DeadLetter.type == query.type)
    found = await find_page(connection, matching, _NEWEST_FIRST, window, _LETTER)
    letters = [DeadLetterOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, letters), found.snapshot)


async def get_dead_letter(connection: AsyncConnection, event_id: int) -> ReadResult:
    """A dead letter with what the event says, secrets hidden. Raises DeadLetterNotFound."""
    statement = select(*_LETTER, DeadLetter.payload, snapshot_text).where(DeadLetter.id == event_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise no_dead_letter(event_id)
    letter = DeadLetterOut.model_validate(row)
    detail = DeadLetterDetailOut(**dict(letter), payload=redacted(row.payload))
    return ReadResult(detail, row.snapshot)
