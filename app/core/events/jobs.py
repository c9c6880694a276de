"""Scheduled jobs: each slot of each job is opened once, by whichever scheduler comes first.

Opening a slot writes a row that only one can write, and an event with it; the worker runs
the job like any other event, so a job that fails is tried again and none is lost. The row
tells what became of the run: when it was last begun, how long it took, why it failed.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import ClassVar

import structlog
from sqlalchemy import ColumnElement, Double, Select, delete, func, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import utc_now
from app.core.db.models import Base
from app.core.events import outbox
from app.core.events.events import Delivery, Event, HandlerContext, delivers, publish
from app.core.metrics import JOB_DURATION, JOB_LAST_SUCCESS, JOB_RUNS, SLOTS_OPENED, count_at_commit
from app.core.redaction import fault_line

Run = Callable[[AsyncSession], Awaitable[int]]
"""Does the work in the session's transaction; answers how many rows it touched, for the log."""

KEEP_DONE_EVENTS = timedelta(days=7)
KEEP_FEED = timedelta(days=30)
KEEP_SLOTS = timedelta(days=30)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """What runs once in every slot of this length, counted from the epoch in UTC."""

    name: str
    every: timedelta
    run: Run

    def slot(self, now: datetime) -> datetime:
        """The beginning of the slot that `now` lies in."""
        return _EPOCH + ((now - _EPOCH) // self.every) * self.every


JOBS: dict[str, Job] = {}


@dataclass(frozen=True, slots=True)
class JobDue(Event):
    """The slot of a job has begun."""

    type: ClassVar[str] = "job.due"
    job: str
    slot: str


class JobSlot(Base):
    """A slot that was opened: the primary key is the promise that it happens once.

    `every` says when the next one comes. Of the last attempt: `started_at`, and once it ended `seconds`; `rows` when
    it succeeded. `failures` counts those that did not, `error` tells of the last of them.
    """

    __tablename__ = "job_slots"

    job: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    every: Mapped[timedelta | None]
    opened_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    seconds: Mapped[float | None]
    rows: Mapped[int | None]
    failures: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[str | None]
    done_at: Mapped[datetime | None]


class SlotOver(Exception):
    """Another attempt has run the slot's job meanwhile: nothing of this one may stay."""

    is_log_safe = True


def scheduled(name: str, every: timedelta) -> Callable[[Run], Run]:
    """Register a job; it runs once per slot, however many schedulers there are."""

    def register(run: Run) -> Run:
        JOBS[name] = Job(name, every, run)
        return run

    return register


async def open_slots(session: AsyncSession, now: datetime) -> list[str]:
    """Open the current slot of every job that nobody opened yet; return the names of those jobs.

    Slots that passed while no scheduler ran are not made up for.
    """
    opened = []
    # In one order everywhere, so that two schedulers wait for each other instead of locking up.
    for job in sorted(JOBS.values(), key=lambda each: each.name):
        slot = job.slot(now)
        statement = insert(JobSlot).values(job=job.name, slot=slot, every=job.every)
        statement = statement.on_conflict_do_nothing()
        if await session.scalar(statement.returning(JobSlot.job)) is not None:
            await publish(session, JobDue(job.name, slot.isoformat()))
            count_at_commit(session, SLOTS_OPENED.labels(job.name))
            opened.append(job.name)
    return opened


@contextmanager
def _counted(job: str) -> Iterator[None]:
    """Count a run of the job and how long it takes."""
    outcome = "failed"
    try:
        with JOB_DURATION.labels(job).time():
            yield
        outcome = "ok"
        JOB_LAST_SUCCESS.labels(job).set_to_current_time()
    finally:
        JOB_RUNS.labels(job, outcome).inc()


@delivers(JobDue)
async def run_job(outside: HandlerContext, event: JobDue, _delivery: Delivery) -> None:
    """Run the job of a slot, once; one that this release no longer knows is done with.

    What the job writes commits with the note that the slot is done. The attempt's beginning and its failure are
    noted in transactions of their own: they are true whatever becomes of the job's.
    """
    job = JOBS.get(event.job)
    if job is None:
        _log.warning("job_unknown", job=event.job)
        return
    is_open = _open_slot(event)
    async with outside.transaction() as session:
        if not await _note(session, is_open, started_at=func.now(), seconds=None):
            # Done by an attempt that could not say so to the outbox, or so old that it is deleted.
            _log.info("job_slot_over", job=event.job, slot=event.slot)
            return
    started = monotonic()
    try:
        with _counted(job.name):
            async with outside.transaction() as session:
                count = await job.run(session)
                seconds = monotonic() - started
                if not await _note(session, is_open, done_at=func.now(), seconds=seconds, rows=count):
                    raise SlotOver(f"{job.name} was run by another attempt")
    except Exception as fault:
        failed = {"seconds": monotonic() - started, "error": fault_line(fault)}
        async with outside.transaction() as session:
            await _note(session, is_open, failures=JobSlot.failures + 1, **failed)
        raise
    _log.info("job_done", job=event.job, slot=event.slot, count=count)


def _open_slot(event: JobDue) -> ColumnElement[bool]:
    slot = datetime.fromisoformat(event.slot)
    return (JobSlot.job == event.job) & (JobSlot.slot == slot) & JobSlot.done_at.is_(None)


def job_standings() -> Select[str, datetime, datetime | None, float]:
    """Of each job its newest slot, when one last ended well, and for how many seconds a slot after that one waits.

    The names are found one after the other in the primary key: slots there are a thousand times as many.
    """
    first = select(func.min(JobSlot.job).label("job")).cte("names", recursive=True)
    following = select(func.min(JobSlot.job)).where(JobSlot.job > first.c.job).scalar_subquery()
    names = first.union_all(select(following).where(first.c.job.is_not(None)))
    of_job = (JobSlot.job == names.c.job,)
    newest = select(func.max(JobSlot.slot)).where(*of_job).scalar_subquery()
    done = select(JobSlot.slot, JobSlot.done_at).where(*of_job, JobSlot.done_at.is_not(None))
    last = done.order_by(JobSlot.slot.desc()).limit(1).lateral("last_done")
    waiting = select(JobSlot.opened_at).where(
        *of_job, JobSlot.slot > func.coalesce(last.c.slot, _EPOCH), JobSlot.done_at.is_(None)
    )
    since = waiting.order_by(JobSlot.slot).limit(1).scalar_subquery()
    overdue = func.coalesce(func.extract("epoch", func.clock_timestamp() - since), 0).cast(Double)
    columns = (names.c.job, newest.label("newest"), last.c.done_at.label("last_done_at"))
    return (
        select(*columns, overdue.label("overdue"))
        .select_from(names.outerjoin(last, true()))
        .where(names.c.job.is_not(None))
    )


async def read_overdue(connection: AsyncConnection) -> dict[str, float]:
    """For how many seconds each job is overdue; 0 where nothing waits."""
    standings = job_standings().subquery()
    rows = await connection.execute(select(standings.c.job, standings.c.overdue))
    return {row.job: row.overdue for row in rows}


async def _note(session: AsyncSession, is_open: ColumnElement[bool], **values: object) -> bool:
    """Write what is known of the run; False when the slot is done or gone."""
    statement = update(JobSlot).where(is_open).values(**values).returning(JobSlot.job)
    return await session.scalar(statement) is not None


@scheduled("purge_outbox", timedelta(hours=1))
async def purge_outbox(session: AsyncSession) -> int:
    """Delete events done a week ago, and after a month what the feed shows and slots; dead letters stay."""
    now = utc_now()
    await session.execute(delete(JobSlot).where(JobSlot.opened_at < now - KEEP_SLOTS))
    return await outbox.purge_done(session, now - KEEP_DONE_EVENTS, now - KEEP_FEED)
