"""What followers are told."""

from collections.abc import Awaitable, Callable
from email.message import EmailMessage

import pytest

from tests.messaging.conftest import Mailed, OpenJob
from tests.worker.conftest import Ask, RunningWorker, all_done, until

JOB = "tell_followers"

Told = Callable[[], Awaitable[list[EmailMessage]]]


@pytest.fixture
def told(mailed: Mailed, running_worker: RunningWorker, ask: Ask, open_job: OpenJob) -> Told:
    """Lets a worker note what is new, then run the job of the hour; the mails about it so far."""

    async def run() -> list[EmailMessage]:
        async with running_worker():
            await until(lambda: is_sequenced(ask))
            await all_done(ask)
        await open_job(JOB)
        mails = await mailed(None)
        return [mail for mail in mails if mail["Subject"] == "New from those you follow"]

    return run


async def is_sequenced(ask: Ask) -> bool:
    """Whether all that others may hear of has its place in the feed."""
    unsequenced = "SELECT count(*) FROM outbox_events WHERE subject IS NOT NULL AND sequence IS NULL"
    return not await ask(unsequenced)
