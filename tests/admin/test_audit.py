"""Reading and exporting the audit log, and what an entry holds."""

import json
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import httpx
import pytest
from dirty_equals import IsPartialDict
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import record_audit, write_audit
from app.core.clock import utc_now
from app.core.db.batches import STREAMED_AT_ONCE
from app.identity.permissions import Role
from devstack import Servers
from tests.conftest import Caller, SignUp, audit_entries

AUDIT = "/api/v1/admin/audit"
EXPORT = f"{AUDIT}/export.ndjson"


@pytest.fixture
async def auditor(sign_up: SignUp) -> Caller:
    return await sign_up(Role.ADMIN)


async def record(session: AsyncSession, count: int = 1, **fields: object) -> None:
    for number in range(count):
        action, target = str(fields.get("action", "thing.done")), fields.get("target", ("thing", number))
        actor_id = fields.get("actor_id", 7)
        assert isinstance(target, tuple)
        assert isinstance(actor_id, int)
        record_audit(session, action, target, {"number": (None, number)}, actor_id=actor_id)
    await write_audit(session)
    await session.commit()


async def listed(client: httpx.AsyncClient, auditor: Caller, **query: str) -> list[str]:
    answer = await client.get(AUDIT, params=query, headers=auditor.headers)
    assert answer.status_code == 200, answer.text
    return [f"{entry['action']} {entry['target_id']}" for entry in answer.json()["items"]]


async def test_entries_are_listed_newest_first_with_a_steady_cursor(
    client: httpx.AsyncClient, session: AsyncSession, auditor: Caller
) -> None:
    await record(session, 5)
    first = (await client.get(AUDIT, params={"limit": "3"}, headers=auditor.headers)).json()
    assert [entry["target_id"] for entry in first["items"]] == ["4", "3", "2"]
    assert first["total"] == 5
    await record(session, 2)
    query = {"limit": "3", "cursor": first["next_cursor"]}
    second = (await client.get(AUDIT, params=query, headers=auditor.headers)).json()
    assert [entry["target_id"] for entry in second["items"]] == ["1", "0"]


async def test_entries_are_found_by_actor_action_target_and_time(
    client: httpx.AsyncClient, session: AsyncSession, auditor: Caller
) -> None:
    await record(session, action="user.closed", target=("user", 7), actor_id=1)
    middle = utc_now()
    await record(session, action="book.changed", target=("book", 7), actor_id=2)
    closed, changed = ["user.closed 7"], ["book.changed 7"]
    both = changed + closed
    assert await listed(client, auditor, actor_id="1") == closed
    assert await listed(client, auditor, action="book.changed") == changed
    assert await listed(client, auditor, target="user", target_id="7") == closed
    assert await listed(client, auditor, target_id="7") == both
    assert await listed(client, auditor, **{"from": middle.isoformat()}) == changed
    assert await listed(client, auditor, to=middle.isoformat()) == closed
    assert await listed(client, auditor, target_id="8") == []


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-03-01T00:00:00"},
        {"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"},
        {"actor_id": "0"},
        {"since": "2026-03-01T00:00:00Z"},
        {"target": ""},
        {"sort": "at"},
    ],
)
async def test_a_malformed_filter_is_refused_by_list_and_export(
    client: httpx.AsyncClient, auditor: Caller, query: dict[str, str]
) -> None:
    for path in (AUDIT, EXPORT):
        answer = await client.get(path, params=query, headers=auditor.headers)
        assert answer.status_code == 422


async def test_the_export_streams_every_matching_entry_oldest_first(
    client: httpx.AsyncClient, session: AsyncSession, auditor: Caller
) -> None:
    await record(session, STREAMED_AT_ONCE + 3)
    await record(session, action="other.thing")
    answer = await client.get(EXPORT, params={"action": "thing.done"}, headers=auditor.headers)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert answer.headers["cache-control"] == "private, no-store"
    entries = [json.loads(line) for line in answer.text.splitlines()]
    assert [entry["target_id"] for entry in entries] == [
        str(number) for number in range(STREAMED_AT_ONCE + 3)
    ]
    assert entries[0]["previous_hash"] == ""
    assert all(later["previous_hash"] == earlier["hash"] for earlier, later in pairwise(entries))
    nothing = await client.get(EXPORT, params={"action": "never"}, headers=auditor.headers)
    assert (nothing.status_code, nothing.text) == (200, "")


async def test_only_auditors_read_export_and_verify(client: httpx.AsyncClient, sign_up: SignUp) -> None:
    moderator = await sign_up(Role.MODERATOR)
    for path in (AUDIT, EXPORT, f"{AUDIT}/verify"):
        assert (await client.get(path)).status_code == 401
        answer = await client.get(path, headers=moderator.headers)
        assert answer.status_code == 403
        assert 'scope="audit:read"' in answer.headers["www-authenticate"]


async def test_secrets_are_masked_by_name_at_any_depth(
    client: httpx.AsyncClient, session: AsyncSession, auditor: Caller
) -> None:
    record_audit(
        session,
        "user.changed",
        ("user", 1),
        {
            "password_hash": ("old-hash", "new-hash"),
            "client_secret": (None, "shh"),
            "Refresh_Token": ("r1", None),
            "settings": ({"api_key": "bk_1", "theme": "dark"}, {"api_key": "bk_2", "codes": ["1", "2"]}),
            "scopes": (["items:write"], frozenset({"b", "a"})),
            "full_name": (None, "Ada"),
        },
    )
    await write_audit(session)
    await session.commit()
    (entry,) = await audit_entries(client, auditor)
    assert entry["changes"] == {
        "password_hash": ["***", "***"],
        "client_secret": [None, "***"],
        "Refresh_Token": ["***", None],
        "settings": [{"api_key": "***", "theme": "dark"}, {"api_key": "***", "codes": "***"}],
        "scopes": [["items:write"], ["a", "b"]],
        "full_name": [None, "Ada"],
    }


async def test_a_password_never_reaches_the_log(
    client: httpx.AsyncClient, auditor: Caller, seller: Caller
) -> None:
    await client.post("/api/v1/auth/token", data={"username": seller.username, "password": "Wrong-horse-1!"})
    assert "horse" not in str(await audit_entries(client, auditor))


async def test_values_of_every_kind_are_kept_so_that_their_hash_still_fits(
    client: httpx.AsyncClient, session: AsyncSession, auditor: Caller
) -> None:
    values: list[object] = [
        0,
        -1,
        2**63 - 1,
        2**70,
        True,
        None,
        1.0,
        -0.0,
        1e16,
        1e-7,
        float("nan"),
        float("inf"),
        Decimal("9.50"),
        utc_now(),
        "ünïcödé \u2028",
        "nul \0 nul",
        "\ud800",
        "x" * 5000,
        "",
        Role.ADMIN,
        {"b": 1, "a": {"d": 2.5, "c": None}},
        (1, (2, 3)),
        {"z", "y"},
        b"bytes",
    ]
    for index, value in enumerate(values):
        record_audit(
            session, "thing.changed", ("thing", f"{index}\0\ud800"), {f"field {index}": (value, [value])}
        )
    await write_audit(session)
    await session.commit()
    verdict = (await client.get(f"{AUDIT}/verify", headers=auditor.headers)).json()
    assert verdict == IsPartialDict(valid=True, checked=len(values), first_broken_id=None)


async def test_a_refused_write_leaves_no_entry_but_that_it_was_refused(
    client: httpx.AsyncClient, sign_up: SignUp, auditor: Caller
) -> None:
    ada = await sign_up()
    answer = await client.put(
        f"/api/v1/admin/users/{ada.id}/role", json={"role": "super_admin"}, headers=auditor.headers
    )
    assert answer.status_code == 403
    [entry] = await audit_entries(client, auditor)
    assert (entry["action"], entry["changes"]) == ("access.refused", {"why": [None, answer.json()["code"]]})


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
async def test_the_database_refuses_to_change_the_log(session: AsyncSession, statement: str) -> None:
    await record(session)
    with pytest.raises(DBAPIError, match="append-only"):
        await session.execute(text(statement))


async def test_an_export_answers_a_problem_while_the_database_is_away(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp, servers: Servers
) -> None:
    del live_app
    caller = await live_sign_up(Role.ADMIN)
    await live_client.get("/api/v1/users/me", headers=caller.headers)
    servers.postgres.stop()
    try:
        answer = await live_client.get(EXPORT, headers=caller.headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    finally:
        servers.postgres.start()


async def test_a_moment_far_away_is_no_error(client: httpx.AsyncClient, auditor: Caller) -> None:
    far = (utc_now() + timedelta(days=365_000)).isoformat()
    assert await listed(client, auditor, **{"from": far}) == []
