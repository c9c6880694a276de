"""Scheduled jobs: each slot of each job is opened once, by whichever scheduler comes first.

Opening a slot writes a row that only one can write, and an event with it; the worker runs
the job like any other event, so a job that fails is tried again and none is lost.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import structlog
from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import utc_now
from app.core.db.models import Base
from app.core.events import outbox
from app.core.events.events import Delivery, Event, handles, publish
from app.core.metrics import JOB_DURATION, JOB_LAST_SUCCESS, JOB_RUNS, SLOTS_OPENED, count_at_commit

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
    """A slot that was opened: the primary key is the promise that it happens once."""

    __tablename__ = "job_slots"

    job: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    opened_at: Mapped[datetime] = mapped_column(server_default=func.now())
    done_at: Mapped[datetime | None]


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
        statement = insert(JobSlot).values(job=job.name, slot=slot).on_conflict_do_nothing()
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


@handles(JobDue)
async def run_job(session: AsyncSession, event: JobDue, _delivery: Delivery) -> None:
    """Run the job of a slot; one that this release no longer knows is done with."""
    job = JOBS.get(event.job)
    if job is None:
        _log.warning("job_unknown", job=event.job)
        return
    with _counted(job.name):
        count = await job.run(session)
    ours = (JobSlot.job == event.job, JobSlot.slot == datetime.fromisoformat(event.slot))
    await session.execute(update(JobSlot).where(*ours).values(done_at=func.now()))
    _log.info("job_done", job=event.job, slot=event.slot, count=count)


@scheduled("purge_outbox", timedelta(hours=1))
async def purge_outbox(session: AsyncSession) -> int:
    """Delete events done a week ago, and after a month what the feed shows and slots; dead letters stay."""
    now = utc_now()
    await session.execute(delete(JobSlot).where(JobSlot.opened_at < now - KEEP_SLOTS))
    return await outbox.purge_done(session, now - KEEP_DONE_EVENTS, now - KEEP_FEED)
