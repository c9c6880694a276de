"""The page of jobs, and dead letters: who may, what is shown, what is audited."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.events.events import DeadLetter, OutboxEvent
from app.core.events.jobs import JobSlot
from app.identity.permissions import Role
from tests.conftest import Audit, Caller, SignUp

JOBS = "/api/v1/admin/jobs"
EVENTS = "/api/v1/admin/events/summary"
LETTERS = "/api/v1/admin/dead-letters"


@pytest.fixture
async def admin(sign_up: SignUp) -> Caller:
    return await sign_up(Role.ADMIN)


async def put_letter(session: AsyncSession, event_id: int, kind: str = "test.dead", **payload: Any) -> None:
    letter = {
        "id": event_id,
        "type": kind,
        "payload": payload,
        "error": "TimeoutError",
        "created_at": utc_now(),
    }
    await session.execute(insert(DeadLetter).values(**letter))


async def put_slot(session: AsyncSession, job: str, hours_ago: int, **run: Any) -> None:
    slot = utc_now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours_ago)
    values = {"job": job, "slot": slot, "every": timedelta(hours=1), "opened_at": slot, **run}
    await session.execute(insert(JobSlot).values(**values))


async def test_each_state_of_a_job_shows(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    now = utc_now()
    await put_slot(session, "b_done", 0, done_at=now, started_at=now, seconds=0.5, rows=3)
    await put_slot(session, "c_running", 0, started_at=now)
    await put_slot(session, "d_failed", 0, started_at=now, seconds=1.5, failures=2, error="ValueError")
    await put_slot(session, "a_waiting", 0)
    await put_slot(session, "a_waiting", 1, done_at=now)
    await put_slot(session, "e_late", 0, done_at=None)
    await put_slot(session, "e_late", 3, started_at=now, seconds=1, failures=1, error="OSError")
    await put_slot(session, "e_late", 4, done_at=now)
    # Of a release that did not say how often.
    await put_slot(session, "f_old", 0, done_at=now, every=None)

    answer = await client.get(JOBS, headers=admin.headers)

    assert answer.headers["cache-control"] == "private, no-store"
    jobs = {job["name"]: job for job in answer.json()["jobs"]}
    assert [*jobs] == ["a_waiting", "b_done", "c_running", "d_failed", "e_late", "f_old"]
    states = [job["last"]["state"] for job in jobs.values()]
    assert states == ["waiting", "done", "running", "failed", "waiting", "done"]
    assert (jobs["f_old"]["every_s"], jobs["f_old"]["next_at"]) == (None, None)
    assert jobs["b_done"]["overdue_s"] == 0
    assert jobs["e_late"]["overdue_s"] >= 3 * 3600
    assert jobs["a_waiting"]["overdue_s"] < 3600
    assert jobs["d_failed"]["last"]["error"] == "ValueError"


async def test_a_job_shows_its_runs_the_newest_first(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    for hours in range(60):
        await put_slot(session, "hourly", hours, done_at=utc_now(), rows=hours)
    found = (await client.get(f"{JOBS}/hourly", headers=admin.headers)).json()
    assert [run["rows"] for run in found["runs"]] == list(range(50))
    assert found["last"] == found["runs"][0]

    for name in ("hourly2", "x" * 100, "é%", "a%09b"):
        unknown = await client.get(f"{JOBS}/{name}", headers=admin.headers)
        assert unknown.status_code in {404, 422}, unknown.text
    assert (await client.get(f"{JOBS}/{'x' * 101}", headers=admin.headers)).status_code == 422


async def test_a_fresh_shop_has_neither_jobs_nor_dead_letters(
    client: httpx.AsyncClient, admin: Caller
) -> None:
    assert (await client.get(JOBS, headers=admin.headers)).json() == {"jobs": []}
    assert (await client.get(LETTERS, headers=admin.headers)).json()["total"] == 0
    assert (await client.get(EVENTS, headers=admin.headers)).json()["age_s"] >= 0


async def test_events_are_counted_by_type_and_state(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    now = utc_now()
    for values in (
        {},
        {},
        {"attempts": 2},
        {"done_at": now},
        {"done_at": now - timedelta(minutes=59)},
        {"done_at": now - timedelta(minutes=61)},
    ):
        event = {"type": "test.counted", "payload": {}, **values}
        await session.execute(insert(OutboxEvent).values(**event))
    await put_letter(session, 5, "test.counted")
    found = (await client.get(EVENTS, headers=admin.headers)).json()
    [counts] = [each for each in found["types"] if each["type"] == "test.counted"]
    expected = {"waiting": 2, "started": 1, "dead": 1, "done_in_last_hour": 2}
    assert counts == {"type": "test.counted", **expected}


async def test_dead_letters_are_listed_by_type_and_their_secrets_hidden(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller
) -> None:
    for number in range(1, 6):
        await put_letter(session, number, "test.a" if number % 2 else "test.b", number=number)
    await put_letter(
        session, 9, "test.c", reset_token="abc", nested={"password": "x"}, note="Bearer abcdef", name="Zoë"
    )
    page = (await client.get(LETTERS, params={"type": "test.a", "limit": 2}, headers=admin.headers)).json()
    assert [letter["id"] for letter in page["items"]] == [5, 3]
    assert page["total"] == 3
    assert "payload" not in page["items"][0]
    cursor = {"type": "test.a", "limit": 2, "cursor": page["next_cursor"]}
    second = (await client.get(LETTERS, params=cursor, headers=admin.headers)).json()
    assert [letter["id"] for letter in second["items"]] == [1]

    letter = (await client.get(f"{LETTERS}/9", headers=admin.headers)).json()
    assert letter["error"] == "TimeoutError"
    assert letter["payload"]["name"] == "Zoë"
    told = str(letter["payload"])
    assert not any(secret in told for secret in ("abc", "'x'", "abcdef"))
    refused = await client.get(LETTERS, params={"kind": "x"}, headers=admin.headers)
    assert refused.status_code == 422


async def test_a_retried_letter_is_an_event_again_under_its_own_id(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller, audit: Audit
) -> None:
    event = {"type": "test.dead", "payload": {"n": 1}, "attempts": 9, "done_at": utc_now()}
    kept = await session.scalar(insert(OutboxEvent).values(**event).returning(OutboxEvent.id))
    assert kept is not None
    await put_letter(session, kept, n=1)
    await put_letter(session, 10**12, n=2)
    for event_id in (kept, 10**12):
        answer = await client.post(f"{LETTERS}/{event_id}/retry", headers=admin.headers)
        assert answer.status_code == 204, answer.text
        revived = await session.get_one(OutboxEvent, event_id, populate_existing=True)
        assert (revived.done_at, revived.attempts, revived.type) == (None, 0, "test.dead")
        again = await client.post(f"{LETTERS}/{event_id}/retry", headers=admin.headers)
        assert again.json()["code"] == "dead-letter-not-found"
    entries = await audit(action="dead_letter.retried")
    assert [entry["target_id"] for entry in entries] == [str(kept), str(10**12)]
    assert entries[0]["actor_id"] == admin.id
    assert entries[0]["changes"]["error"] == ["TimeoutError", None]


async def test_all_of_a_type_are_retried_and_audited_once(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller, audit: Audit
) -> None:
    for number in range(1, 4):
        await put_letter(session, 10**12 + number)
    await put_letter(session, 10**12, "test.other")
    for expected in (3, 0):
        answer = await client.post(f"{LETTERS}/retry", json={"type": "test.dead"}, headers=admin.headers)
        assert answer.json() == {"type": "test.dead", "retried": expected}
    assert (await client.get(LETTERS, headers=admin.headers)).json()["total"] == 1
    [entry] = await audit(action="dead_letters.retried")
    assert (entry["target"], entry["target_id"]) == ("event_type", "test.dead")
    assert entry["changes"]["dead"] == [3, 0]
    for body in ({}, {"type": ""}, {"type": "x" * 101}, {"type": "a", "id": 1}, {"type": None}):
        refused = await client.post(f"{LETTERS}/retry", json=body, headers=admin.headers)
        assert refused.status_code == 422, body


async def test_a_discarded_letter_leaves_its_note(
    client: httpx.AsyncClient, session: AsyncSession, admin: Caller, audit: Audit
) -> None:
    await put_letter(session, 7, email="zoe@example.com")
    for body in ({}, {"note": "  "}, {"note": "a\nb"}, {"note": "x" * 501}, {"note": "\x00"}):
        refused = await client.post(f"{LETTERS}/7/discard", json=body, headers=admin.headers)
        assert refused.status_code == 422, body
    note = {"note": "Erledigt – per Telefon ☎"}
    answer = await client.post(f"{LETTERS}/7/discard", json=note, headers=admin.headers)
    assert answer.status_code == 204
    gone = await client.post(f"{LETTERS}/7/discard", json=note, headers=admin.headers)
    assert gone.status_code == 404
    [entry] = await audit(action="dead_letter.discarded")
    assert entry["changes"]["note"] == [None, note["note"]]
    assert "zoe@example.com" not in str(entry)


async def test_moderators_see_nothing_of_it(client: httpx.AsyncClient, moderator: Caller) -> None:
    for path in (JOBS, EVENTS, LETTERS, f"{LETTERS}/1"):
        answer = await client.get(path, headers=moderator.headers)
        assert answer.json()["code"] == "insufficient-scope"
