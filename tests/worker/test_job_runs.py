"""What is noted of the runs of scheduled jobs, also of those that fail or are killed; and dead letters tried again."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import Event, PermanentFailure
from app.core.events.jobs import JOBS, Job, JobDue
from app.identity.permissions import Role
from tests.conftest import Caller, SignUp

from .conftest import Ask, Change, Publish, RunningWorker, StartWorker, all_done, until

SLOT = "2026-11-30T12:00:00+00:00"
HOUR = timedelta(hours=1)
JOBS_PATH = "/api/v1/admin/jobs"

OpenSlot = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Poison(Event):
    type: ClassVar[str] = "user.password_changed"
    nonsense: int


async def read_run(client: httpx.AsyncClient, headers: dict[str, str], name: str) -> dict[str, Any]:
    answer = await client.get(f"{JOBS_PATH}/{name}", headers=headers)
    assert answer.status_code == 200, answer.text
    last: dict[str, Any] = answer.json()["last"]
    return last


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A job that fails as long as there is something in the list, and writes a row each time."""
    reasons: list[str] = []

    async def run(session: AsyncSession) -> int:
        await session.execute(text("INSERT INTO feed_head (id, last) VALUES (77, 1)"))
        if reasons:
            raise PermanentFailure(reasons.pop()) if reasons[-1] == "for good" else ValueError(reasons.pop())
        return 17

    monkeypatch.setitem(JOBS, "test_job", Job("test_job", HOUR, run))
    return reasons


@pytest.fixture
async def admin(live_sign_up: SignUp) -> Caller:
    return await live_sign_up(Role.ADMIN)


@pytest.fixture
def open_slot(change: Change, tell: Publish) -> OpenSlot:
    """Opens the slot of the job, as a scheduler does."""

    async def run() -> None:
        await change(f"INSERT INTO job_slots (job, slot, every) VALUES ('test_job', '{SLOT}', '1 hour')")  # noqa: S608 (a constant)
        await tell(JobDue("test_job", SLOT))

    return run


@pytest.mark.usefixtures("counted")
async def test_a_run_tells_rows_duration_and_the_next_slot(
    live_client: httpx.AsyncClient,
    admin: Caller,
    ask: Ask,
    open_slot: OpenSlot,
    running_worker: RunningWorker,
) -> None:
    await open_slot()
    waiting = await read_run(live_client, admin.headers, "test_job")
    assert (waiting["state"], waiting["started_at"]) == ("waiting", None)

    async with running_worker():
        await all_done(ask)

    [job] = (await live_client.get(JOBS_PATH, headers=admin.headers)).json()["jobs"]
    assert (job["name"], job["every_s"], job["next_at"]) == ("test_job", 3600, "2026-11-30T13:00:00Z")
    assert (job["overdue_s"], job["last_done_at"]) == (0, job["last"]["done_at"])
    last = job["last"]
    assert (last["state"], last["rows"], last["failures"], last["error"]) == ("done", 17, 0, None)
    assert last["seconds"] >= 0
    assert last["started_at"] <= last["done_at"]


async def test_a_run_that_fails_leaves_its_reason_and_nothing_of_its_work(
    live_client: httpx.AsyncClient,
    admin: Caller,
    ask: Ask,
    open_slot: OpenSlot,
    running_worker: RunningWorker,
    counted: list[str],
) -> None:
    counted.append("not told: messages of faults are nobody's")
    await open_slot()
    async with running_worker():

        async def has_failed() -> object:
            return await ask("SELECT failures FROM job_slots")

        await until(has_failed)
        assert not await ask("SELECT count(*) FROM feed_head WHERE id = 77")
        failed = await read_run(live_client, admin.headers, "test_job")
        await all_done(ask)
    # It may have been tried again before it was read.
    assert failed["state"] in {"failed", "running", "done"}
    assert (failed["failures"], failed["error"]) == (1, "ValueError")
    done = await read_run(live_client, admin.headers, "test_job")
    assert (done["state"], done["failures"], done["error"]) == ("done", 1, "ValueError")


async def test_a_run_given_up_is_dead_until_its_letter_is_tried_again(
    live_client: httpx.AsyncClient,
    admin: Caller,
    ask: Ask,
    open_slot: OpenSlot,
    running_worker: RunningWorker,
    counted: list[str],
) -> None:
    counted.append("for good")
    await open_slot()
    async with running_worker():
        await all_done(ask)
        dead = await read_run(live_client, admin.headers, "test_job")
        assert (dead["state"], dead["error"]) == ("dead", "PermanentFailure: for good")
        [job] = (await live_client.get(JOBS_PATH, headers=admin.headers)).json()["jobs"]
        assert job["overdue_s"] > 0

        event = await ask("SELECT id FROM dead_letters")
        retried = await live_client.post(f"/api/v1/admin/dead-letters/{event}/retry", headers=admin.headers)
        assert retried.status_code == 204

        async def is_done() -> object:
            return await ask("SELECT done_at FROM job_slots")

        await until(is_done)
        await all_done(ask)
    assert (await read_run(live_client, admin.headers, "test_job"))["state"] == "done"
    assert await ask("SELECT attempts FROM outbox_events WHERE type = 'job.due'") == 1


@pytest.mark.usefixtures("counted")
async def test_a_slot_that_is_done_is_not_run_again(
    ask: Ask, change: Change, tell: Publish, open_slot: OpenSlot, running_worker: RunningWorker
) -> None:
    await open_slot()
    async with running_worker():
        await all_done(ask)
        await change("DELETE FROM feed_head WHERE id = 77")
        await tell(JobDue("test_job", SLOT))
        await tell(JobDue("test_job", "2026-01-01T00:00:00+00:00"))
        await all_done(ask)
    assert not await ask("SELECT count(*) FROM feed_head WHERE id = 77")
    assert not await ask("SELECT count(*) FROM dead_letters")


async def test_two_attempts_at_one_slot_leave_the_work_of_one(
    ask: Ask,
    tell: Publish,
    open_slot: OpenSlot,
    running_worker: RunningWorker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = asyncio.Barrier(2)

    async def run(session: AsyncSession) -> int:
        if both.n_waiting < 2 and not await ask("SELECT done_at FROM job_slots"):
            await both.wait()
        await session.execute(text("UPDATE feed_head SET last = last + 1000000 WHERE id = 1"))
        return 1

    monkeypatch.setitem(JOBS, "test_job", Job("test_job", HOUR, run))
    before = await ask("SELECT last FROM feed_head WHERE id = 1")
    await open_slot()
    await tell(JobDue("test_job", SLOT))
    async with running_worker():
        await all_done(ask)
    assert await ask("SELECT last FROM feed_head WHERE id = 1") - before == 1_000_000


async def test_a_killed_worker_s_run_shows_as_running_and_is_done_by_the_next_one(
    live_app: FastAPI,
    ask: Ask,
    change: Change,
    tell: Publish,
    start_worker: StartWorker,
    running_worker: RunningWorker,
) -> None:
    await change(f"INSERT INTO job_slots (job, slot) VALUES ('purge_mails', '{SLOT}')")  # noqa: S608 (a constant)
    await tell(JobDue("purge_mails", SLOT))
    # The job waits for the lock on its table until it is killed.
    async with live_app.state.database.sessions.begin() as session:
        await session.execute(text("LOCK TABLE mail_log IN ACCESS EXCLUSIVE MODE"))
        killed = start_worker("worker")

        async def is_begun() -> object:
            return await ask("SELECT started_at FROM job_slots WHERE job = 'purge_mails'")

        await until(is_begun)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert await ask(
            "SELECT seconds IS NULL AND done_at IS NULL FROM job_slots WHERE job = 'purge_mails'"
        )
    async with running_worker():
        await all_done(ask)
    assert not await ask("SELECT count(*) FROM job_slots WHERE done_at IS NULL")
    assert not await ask("SELECT count(*) FROM dead_letters")


async def test_what_is_put_off_is_not_late(
    ask: Ask, change: Change, live_client: httpx.AsyncClient, admin: Caller
) -> None:
    put = "INSERT INTO outbox_events (type, payload, created_at, attempts, locked_until, available_at) SELECT"
    await change(
        f"{put} 'test.later', '{{}}', now() - interval '3 days', 4, later, later"
        " FROM (SELECT now() + interval '1 hour' AS later) AS times"
    )
    summary = "/api/v1/admin/events/summary"
    found = (await live_client.get(summary, headers=admin.headers)).json()
    assert found["age_s"] == 0
    assert {"type": "test.later", "waiting": 0, "started": 1, "dead": 0, "done_in_last_hour": 0} in found[
        "types"
    ]

    await change(
        "UPDATE outbox_events SET locked_until = now() - interval '5 minutes' WHERE type = 'test.later'"
    )
    assert (await live_client.get(summary, headers=admin.headers)).json()["age_s"] >= 300
    assert await ask("SELECT count(*) FROM outbox_events WHERE type = 'test.later'") == 1


async def test_all_dead_letters_of_a_kind_are_tried_again_and_those_of_another_stay(
    live_client: httpx.AsyncClient,
    admin: Caller,
    ask: Ask,
    change: Change,
    tell: Publish,
    running_worker: RunningWorker,
) -> None:
    for number in range(3):
        await tell(Poison(number))
    await change(
        "INSERT INTO dead_letters (id, type, payload, error, created_at) VALUES (1000000, 'test.other', '{}', 'E', now())"
    )
    retry = "/api/v1/admin/dead-letters/retry"
    body = {"type": Poison.type}
    async with running_worker():
        await all_done(ask, within=60)
        assert await ask("SELECT count(*) FROM dead_letters") == 4
        # One event is deleted meanwhile: it comes back under its own id.
        await change("DELETE FROM outbox_events WHERE id = (SELECT min(id) FROM dead_letters)")
        # At once, too: what one takes the other does not.
        answers = await asyncio.gather(
            *(live_client.post(retry, json=body, headers=admin.headers) for _ in range(3))
        )
        assert sorted(answer.json()["retried"] for answer in answers) == [0, 0, 3]
        await all_done(ask, within=60)
    assert await ask("SELECT count(*) FROM dead_letters WHERE type = 'user.password_changed'") == 3
    assert await ask("SELECT count(*) FROM dead_letters") == 4
