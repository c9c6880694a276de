"""The worker's fixtures, and mails from events."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from app.core.events.events import Event
from app.core.events.jobs import JobDue
from tests.conftest import SignUp
from tests.worker.conftest import (
    Ask,
    Change,
    Publish,
    RunningWorker,
    all_done,
    ask,
    change,
    post_office,
    running_worker,
    start_worker,
    tell,
    worker_settings,
)
from tests.worker.post_office import PostOffice

__all__ = ["ask", "change", "post_office", "running_worker", "start_worker", "tell", "worker_settings"]

Mailed = Callable[[Event | None], Awaitable[list[EmailMessage]]]


@pytest.fixture
async def mailed(
    live_sign_up: SignUp, tell: Publish, ask: Ask, running_worker: RunningWorker, post_office: PostOffice
) -> Mailed:
    """Account 1, `ada`, exists; publishes an event, works until nothing is left, answers the mails so far."""
    assert (await live_sign_up(username="ada")).id == 1

    async def run(event: Event | None) -> list[EmailMessage]:
        if event is not None:
            await tell(event)
        async with running_worker():
            await all_done(ask)
        return post_office.messages

    return run


OpenJob = Callable[[str], Awaitable[None]]


@pytest.fixture
def open_job(change: Change, tell: Publish) -> OpenJob:
    """Opens another slot of a scheduled job, as the scheduler does."""
    opened = 0

    async def run(job: str) -> None:
        nonlocal opened
        opened += 1
        slot = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=opened)).isoformat()
        await change(f"INSERT INTO job_slots (job, slot, every) VALUES ('{job}', '{slot}', '1 day')")  # noqa: S608 (the test's own)
        await tell(JobDue(job, slot))

    return run
