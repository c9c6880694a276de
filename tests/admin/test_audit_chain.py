"""The chain of hashes: whole under concurrency, and what it shows when somebody tampers with it."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from dirty_equals import IsPartialDict
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import AuditEntry, entry_hash, record_audit
from app.core.db.batches import STREAMED_AT_ONCE
from app.core.db.transaction import transaction
from app.identity.permissions import Role
from tests.conftest import Caller, SignUp, audit_entries

VERIFY = "/api/v1/admin/audit/verify"


@pytest.fixture
async def auditor(live_sign_up: SignUp) -> Caller:
    return await live_sign_up(Role.ADMIN)


@pytest.fixture
async def tampering(live_app: FastAPI) -> AsyncIterator[AsyncSession]:
    """A session of somebody with power over the database: the trigger does not fire for them."""
    async with live_app.state.database.sessions.begin() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        yield session


async def write(app: FastAPI, *actions: str) -> None:
    async with transaction(app.state.database, app.state.cache) as session:
        for action in actions:
            record_audit(session, action, ("thing", 1), {"number": (None, 1.5)})


async def verdict(client: httpx.AsyncClient, auditor: Caller, **query: str) -> dict[str, object]:
    answer = await client.get(VERIFY, params=query, headers=auditor.headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


async def ids(client: httpx.AsyncClient, auditor: Caller) -> list[int]:
    return [entry["id"] for entry in await audit_entries(client, auditor)]


async def test_an_empty_log_is_whole(live_client: httpx.AsyncClient, auditor: Caller) -> None:
    assert await verdict(live_client, auditor) == {
        "valid": True,
        "checked": 0,
        "first_broken_id": None,
        "has_anchor": None,
        "head_id": None,
        "head_hash": None,
    }


async def test_entries_of_many_transactions_at_once_form_one_chain(
    live_app: FastAPI, live_client: httpx.AsyncClient, auditor: Caller
) -> None:
    await asyncio.gather(*(write(live_app, f"first.{number}", f"second.{number}") for number in range(40)))
    found = await verdict(live_client, auditor)
    entries = await audit_entries(live_client, auditor)
    assert found == IsPartialDict(valid=True, checked=80, head_id=entries[-1]["id"])
    assert len({entry["previous_hash"] for entry in entries}) == 80
    for first, second in zip(entries[::2], entries[1::2], strict=True):
        assert second["action"] == first["action"].replace("first", "second")


async def test_a_chain_longer_than_a_batch_is_walked_to_its_end(
    live_app: FastAPI, live_client: httpx.AsyncClient, auditor: Caller
) -> None:
    await write(live_app, *(f"thing.{number}" for number in range(2 * STREAMED_AT_ONCE)))
    assert await verdict(live_client, auditor) == IsPartialDict(valid=True, checked=2 * STREAMED_AT_ONCE)


async def test_audited_writers_do_not_deadlock_with_row_locks(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp, auditor: Caller
) -> None:
    ada = await live_sign_up()

    async def touch(audits_first: bool) -> None:
        async with transaction(live_app.state.database, live_app.state.cache) as session:
            if audits_first:
                record_audit(session, "a.first", ("user", ada.id))
            await session.execute(
                text("UPDATE users SET version = version + 1 WHERE id = :id"), {"id": ada.id}
            )
            await asyncio.sleep(0.01)
            record_audit(session, "a.second", ("user", ada.id))

    await asyncio.gather(*(touch(bool(number % 2)) for number in range(12)))
    assert await verdict(live_client, auditor) == IsPartialDict(valid=True, checked=18)


@pytest.mark.parametrize(
    "change",
    [
        "action = 'innocent'",
        "actor_id = 99",
        "at = at + interval '1 microsecond'",
        'changes = \'{"number": [null, "1.6"]}\'',
        "ip = '10.0.0.1'",
        "hash = sha256('x')",
        "previous_hash = sha256('x')",
        "target_id = '2'",
    ],
)
async def test_a_changed_entry_is_found(
    live_app: FastAPI, live_client: httpx.AsyncClient, auditor: Caller, tampering: AsyncSession, change: str
) -> None:
    await write(live_app, "one", "two", "three")
    second = (await ids(live_client, auditor))[1]
    await tampering.execute(text(f"UPDATE audit_log SET {change} WHERE id = {second}"))  # noqa: S608 (constants of this test)
    await tampering.commit()
    assert await verdict(live_client, auditor) == IsPartialDict(
        valid=False, checked=3, first_broken_id=second
    )


@pytest.mark.parametrize("gone", [0, 1])
async def test_a_removed_entry_is_found_at_the_one_after_it(
    live_app: FastAPI, live_client: httpx.AsyncClient, auditor: Caller, tampering: AsyncSession, gone: int
) -> None:
    await write(live_app, "one", "two", "three")
    known = await ids(live_client, auditor)
    await tampering.execute(text("DELETE FROM audit_log WHERE id = :id"), {"id": known[gone]})
    await tampering.commit()
    found = await verdict(live_client, auditor)
    assert found == IsPartialDict(valid=False, checked=2, first_broken_id=known[gone + 1])


async def test_removed_newest_entries_show_against_an_anchor_alone(
    live_app: FastAPI, live_client: httpx.AsyncClient, auditor: Caller, tampering: AsyncSession
) -> None:
    await write(live_app, "one", "two")
    early = await verdict(live_client, auditor)
    await write(live_app, "three")
    noted = await verdict(live_client, auditor)
    anchors = [str(early["head_hash"]), str(noted["head_hash"])]
    assert [(await verdict(live_client, auditor, anchor=anchor))["valid"] for anchor in anchors] == [
        True,
        True,
    ]
    await tampering.execute(text("DELETE FROM audit_log WHERE id = :id"), {"id": noted["head_id"]})
    await tampering.commit()
    assert await verdict(live_client, auditor) == IsPartialDict(valid=True, has_anchor=None)
    await write(live_app, "four")
    assert await verdict(live_client, auditor, anchor=anchors[0]) == IsPartialDict(
        valid=True, has_anchor=True
    )
    assert await verdict(live_client, auditor, anchor=anchors[1]) == IsPartialDict(
        valid=False, has_anchor=False, first_broken_id=None
    )


async def test_a_chain_computed_anew_shows_against_an_anchor_alone(
    live_app: FastAPI, live_client: httpx.AsyncClient, auditor: Caller, tampering: AsyncSession
) -> None:
    await write(live_app, "one", "two")
    noted = await verdict(live_client, auditor)
    entries = (await tampering.scalars(select(AuditEntry).order_by(AuditEntry.id))).all()
    previous = b""
    for entry in entries:
        entry.action, entry.previous_hash = "innocent", previous
        entry.hash = previous = entry_hash(entry)
    await tampering.commit()
    assert await verdict(live_client, auditor) == IsPartialDict(valid=True)
    found = await verdict(live_client, auditor, anchor=str(noted["head_hash"]))
    assert found == IsPartialDict(valid=False, has_anchor=False)


async def test_a_malformed_anchor_is_refused(live_client: httpx.AsyncClient, auditor: Caller) -> None:
    answer = await live_client.get(VERIFY, params={"anchor": "abc"}, headers=auditor.headers)
    assert answer.status_code == 422
