"""Scheduled jobs: once per slot, whoever schedules; and what they delete."""

import asyncio
from datetime import UTC, datetime, timedelta

from fastapi import FastAPI

from app.core.clock import utc_now
from app.core.db.transaction import transaction
from app.core.events.jobs import JOBS, open_slots

from .conftest import Ask, Change, RunningWorker, StartWorker, all_done, until


async def test_each_slot_is_opened_once_though_many_schedulers_look(live_app: FastAPI, ask: Ask) -> None:
    now = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)

    async def look(at: datetime) -> list[str]:
        async with transaction(live_app.state.database, live_app.state.cache) as session:
            return await open_slots(session, at)

    opened = await asyncio.gather(*(look(now + timedelta(seconds=n)) for n in range(4)))
    assert sorted(name for names in opened for name in names) == sorted(JOBS)
    assert "purge_identity" not in await look(now + timedelta(minutes=10))
    assert "purge_identity" in await look(now + timedelta(hours=1))
    events = await ask("SELECT count(*) FROM outbox_events WHERE type = 'job.due'")
    assert events == await ask("SELECT count(*) FROM job_slots")


async def test_schedulers_and_workers_run_every_job_of_a_slot_once(
    ask: Ask, start_worker: StartWorker, running_worker: RunningWorker
) -> None:
    start_worker("scheduler")
    async with running_worker(is_scheduling=True):

        async def are_done() -> bool:
            # Of those that run often another slot may have begun meanwhile.
            done = "SELECT count(DISTINCT job) FROM job_slots WHERE done_at IS NOT NULL"
            return bool(await ask(done) == len(JOBS))

        await until(are_done)
        await all_done(ask)
    slots = await ask("SELECT count(DISTINCT job) FROM job_slots")
    assert slots == len(JOBS)


async def test_what_has_expired_is_deleted_and_what_is_alive_stays(
    live_app: FastAPI, ask: Ask, change: Change
) -> None:
    await change(
        "INSERT INTO users (username, email, email_key, password_hash, version)"
        " VALUES ('ada', 'ada@example.com', 'ada@example.com', '', 1)"
    )
    await change(
        "INSERT INTO auth_sessions (user_id, scopes, factors, device, ip, expires_at, ended_at, end_reason)"
        " SELECT 1, '{}', '{}', '', '', now() + (n || ' days')::interval, NULL, NULL"
        " FROM unnest(ARRAY[-40, -10, 10]) AS n"
    )
    await change(
        "INSERT INTO refresh_tokens (session_id, token_hash, expires_at)"
        " SELECT id, decode(md5(id::text), 'hex'), expires_at FROM auth_sessions"
    )
    await change(
        "INSERT INTO one_time_tokens (user_id, purpose, token_hash, email, expires_at)"
        " SELECT 1, 'verify_email', decode(md5(n::text), 'hex'), '', now() + (n || ' hours')::interval"
        " FROM unnest(ARRAY[-30, -1, 1]) AS n"
    )
    await change(
        "INSERT INTO outbox_events (type, payload, done_at)"
        " SELECT 'test.done', '{}', now() - (n || ' days')::interval FROM unnest(ARRAY[1, 8]) AS n"
    )
    await change(
        "INSERT INTO outbox_events (type, payload, created_at) VALUES ('test.old', '{}', '2020-01-01')"
    )
    for job in JOBS.values():
        async with transaction(live_app.state.database, live_app.state.cache) as session:
            await job.run(session)
    assert await ask("SELECT count(*) FROM auth_sessions") == 2
    assert await ask("SELECT count(*) FROM refresh_tokens") == 1
    assert await ask("SELECT count(*) FROM one_time_tokens") == 2
    assert await ask("SELECT count(*) FROM outbox_events WHERE type LIKE 'test.%'") == 2
    assert utc_now() > await ask("SELECT min(created_at) FROM outbox_events WHERE type = 'test.old'")
