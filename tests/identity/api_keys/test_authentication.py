"""Calling the API with a key."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine
from fastapi import FastAPI
from sqlalchemy import text

from app.core.clock import utc_now
from app.identity.authentication.api_key_format import make_key as new_key
from app.identity.permissions import Role
from devstack import Servers
from tests.conftest import Caller, DatabaseMaker, SignUp, client_of, make_account, running_app, settings_for

from .conftest import BOOK, BOOKS, KEYS, ME, MakeKey, make_key, with_key

AUTHORS = "/api/v1/authors"


async def test_a_key_acts_for_its_owner_within_its_scopes(
    client: httpx.AsyncClient, moderator: Caller, make_key: MakeKey
) -> None:
    made = await make_key(moderator, scopes=["items:write"])
    me = await client.get(ME, headers=with_key(made))
    assert (me.status_code, me.json()["username"]) == (200, moderator.username)
    assert me.headers["cache-control"] == "private, no-store"
    assert (await client.post(BOOKS, json=BOOK, headers=with_key(made))).status_code == 201
    refused = await client.post(AUTHORS, json={"name": "Alasdair Gray"}, headers=with_key(made))
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")
    assert "catalog:manage" in refused.json()["detail"]


async def test_a_key_without_scopes_reads_its_owner_and_writes_nothing(
    client: httpx.AsyncClient, seller: Caller, make_key: MakeKey
) -> None:
    made = await make_key(seller, scopes=[])
    assert (await client.get(ME, headers=with_key(made))).status_code == 200
    assert (await client.post(BOOKS, json=BOOK, headers=with_key(made))).status_code == 403


async def test_bearer_wins_when_both_come(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, make_key: MakeKey
) -> None:
    made = await make_key(seller)
    both = await client.get(ME, headers={**moderator.headers, **with_key(made)})
    assert both.json()["username"] == moderator.username
    bad_bearer = await client.get(ME, headers={"Authorization": "Bearer nonsense", **with_key(made)})
    assert (bad_bearer.status_code, bad_bearer.json()["code"]) == (401, "invalid-token")
    bad_key = await client.get(ME, headers={**moderator.headers, "X-API-Key": "nonsense"})
    assert bad_key.status_code == 200


@pytest.mark.parametrize(
    "key",
    ["nonsense", "bk_", "bk_1_" + "A" * 49, "x" * 10_000, "bk_١_" + "A" * 49, new_key(2**63)],
    ids=["word", "prefix", "wrong-tail", "huge", "arabic-owner", "owner-beyond-bigint"],
)
async def test_what_is_no_key_is_refused_before_anything_is_looked_up(
    client: httpx.AsyncClient, key: str
) -> None:
    answer = await client.get(ME, headers=[(b"X-API-Key", key.encode())])
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid-api-key")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_key_that_names_another_owner_is_unknown(
    client: httpx.AsyncClient, seller: Caller, make_key: MakeKey
) -> None:
    await make_key(seller)
    answer = await client.get(ME, headers={"X-API-Key": new_key(seller.id)})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid-api-key")


async def test_a_key_expires_by_the_clock_though_it_is_cached(
    client: httpx.AsyncClient, seller: Caller, make_key: MakeKey
) -> None:
    expires_at = utc_now() + timedelta(hours=1)
    made = await make_key(seller, expires_at=expires_at.isoformat())
    assert (await client.get(ME, headers=with_key(made))).status_code == 200
    with time_machine.travel(expires_at + timedelta(seconds=1), tick=True):
        refused = await client.get(ME, headers=with_key(made))
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid-api-key")


@pytest.mark.parametrize(
    ("allowed", "address", "status"),
    [
        ("192.0.2.7", "192.0.2.7", 200),
        ("192.0.2.7", "192.0.2.8", 401),
        ("192.0.2.0/24", "192.0.2.200", 200),
        ("192.0.2.0/24", "192.0.3.1", 401),
        ("2001:db8::/32", "2001:db8:1::9", 200),
        ("2001:db8::/32", "2001:db9::1", 401),
        ("192.0.2.7", "::ffff:192.0.2.7", 200),
        ("::ffff:192.0.2.0/120", "192.0.2.9", 200),
        ("0.0.0.0/0", "2001:db8::1", 401),
        ("192.0.2.7", "not-an-address", 401),
    ],
)
async def test_a_key_works_from_its_addresses_alone(
    app: FastAPI, seller: Caller, make_key: MakeKey, allowed: str, address: str, status: int
) -> None:
    made = await make_key(seller, allowed_ips=["203.0.113.1", allowed])
    async with client_of(app, address) as elsewhere:
        answer = await elsewhere.get(ME, headers=with_key(made))
    assert answer.status_code == status
    if status == 401:
        assert address in answer.json()["detail"]


async def test_a_forwarded_address_that_no_proxy_vouches_for_opens_nothing(
    app: FastAPI, seller: Caller, make_key: MakeKey
) -> None:
    made = await make_key(seller, allowed_ips=["192.0.2.7"])
    claims = {"X-Forwarded-For": "192.0.2.7", "X-Real-IP": "192.0.2.7", "Forwarded": "for=192.0.2.7"}
    async with client_of(app, "198.51.100.1") as elsewhere:
        answer = await elsewhere.get(ME, headers={**with_key(made), **claims})
    assert answer.status_code == 401


async def test_a_key_ends_with_its_account_and_its_role_at_once(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    owner, admin = await live_sign_up(Role.MODERATOR), await live_sign_up(Role.SUPER_ADMIN)
    made = await make_key(live_client, owner, scopes=["catalog:manage"])
    author = {"name": "Alasdair Gray"}
    assert (await live_client.post(AUTHORS, json=author, headers=with_key(made))).status_code == 201
    users = f"/api/v1/admin/users/{owner.id}"
    changed = await live_client.put(f"{users}/role", json={"role": "user"}, headers=admin.headers)
    assert changed.status_code == 200, changed.text
    assert (await live_client.post(AUTHORS, json=author, headers=with_key(made))).status_code == 403
    assert (await live_client.get(ME, headers=with_key(made))).status_code == 200
    closed = await live_client.post(f"{users}/deactivate", headers=admin.headers)
    assert closed.status_code in {200, 204}, closed.text
    refused = await live_client.get(ME, headers=with_key(made))
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid-api-key")


async def test_in_the_steady_state_a_key_is_verified_without_network(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await make_key(live_client, await live_sign_up())
    assert (await live_client.get(ME, headers=with_key(made))).status_code == 200

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was asked for")

    await live_app.state.api_key_uses.stop()
    monkeypatch.setattr(live_app.state.database, "reading", refuse)
    monkeypatch.setattr(live_app.state.redis.connection_pool, "get_connection", refuse)
    for _ in range(3):
        assert (await live_client.get(ME, headers=with_key(made))).status_code == 200


async def test_in_another_worker_a_revoked_key_ends_within_moments(
    servers: Servers, empty_database_url: str
) -> None:
    settings = settings_for(servers, empty_database_url)
    async with running_app(settings) as one, running_app(settings) as other:
        async with one.state.database.sessions.begin() as arranging:
            owner = await make_account(one, arranging)
        async with client_of(one) as here, client_of(other) as there:
            made = await make_key(here, owner)
            assert (await there.get(ME, headers=with_key(made))).status_code == 200
            await here.delete(f"{KEYS}/{made['id']}", headers=owner.headers)
            await asyncio.sleep(0.1)
            assert (await there.get(ME, headers=with_key(made))).status_code == 401


async def test_while_redis_is_away_postgresql_decides(
    servers: Servers, live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    owner = await live_sign_up()
    kept, revoked = await make_key(live_client, owner), await make_key(live_client, owner)
    for made in (kept, revoked):
        assert (await live_client.get(ME, headers=with_key(made))).status_code == 200
    servers.redis.stop()
    try:
        async with asyncio.timeout(10):
            while live_app.state.cache.is_connected:
                await asyncio.sleep(0.05)
        deleted = await live_client.delete(f"{KEYS}/{revoked['id']}", headers=owner.headers)
        assert deleted.status_code == 204
        assert (await live_client.get(ME, headers=with_key(kept))).status_code == 200
        assert (await live_client.get(ME, headers=with_key(revoked))).status_code == 401
    finally:
        servers.redis.start()
        async with asyncio.timeout(10):
            while not live_app.state.cache.is_connected:
                await asyncio.sleep(0.05)


async def test_while_postgresql_is_away_a_known_key_works_and_an_unknown_one_waits(
    servers: Servers, live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    owner = await live_sign_up()
    made = await make_key(live_client, owner)
    assert (await live_client.get(ME, headers=with_key(made))).status_code == 200
    servers.postgres.stop(immediate=True)
    try:
        known = await live_client.get(ME, headers=with_key(made))
        unknown = await live_client.get(ME, headers={"X-API-Key": new_key(owner.id)})
        await live_app.state.api_key_uses.stop()
    finally:
        servers.postgres.start()
    assert known.status_code == 200
    assert (unknown.status_code, unknown.json()["code"]) == (503, "unavailable")
    assert unknown.headers["retry-after"]


@pytest.fixture
async def strict_app(servers: Servers, make_database: DatabaseMaker) -> AsyncIterator[FastAPI]:
    with make_database() as url:
        settings = settings_for(servers, url, rate_limit={"factor": 1, "api_key": "3/minute"})
        async with running_app(settings) as application:
            yield application


async def test_whoever_tries_many_unknown_keys_is_slowed_down_and_others_are_not(strict_app: FastAPI) -> None:
    async with strict_app.state.database.sessions.begin() as arranging:
        owner = await make_account(strict_app, arranging)
    async with client_of(strict_app, "192.0.2.7") as guesser, client_of(strict_app) as honest:
        made = await make_key(honest, owner)
        kept = len(strict_app.state.cache._local)  # noqa: SLF001 (that nothing is kept has no outside)
        guesses = [await guesser.get(ME, headers={"X-API-Key": new_key(owner.id)}) for _ in range(5)]
        assert [answer.status_code for answer in guesses] == [401, 401, 401, 429, 429]
        assert guesses[-1].json()["code"] == "rate-limited"
        assert int(guesses[-1].headers["retry-after"]) >= 1
        assert len(strict_app.state.cache._local) == kept  # noqa: SLF001 (as above)
        for _ in range(5):
            assert (await honest.get(ME, headers=with_key(made))).status_code == 200


async def test_a_good_key_that_nobody_remembers_passes_beside_a_neighbours_many_unknown_ones(
    strict_app: FastAPI,
) -> None:
    async with strict_app.state.database.sessions.begin() as arranging:
        owner = await make_account(strict_app, arranging)
    async with (
        client_of(strict_app, "2001:db8::7") as guesser,
        client_of(strict_app, "2001:db8::8") as honest,
    ):
        made = await make_key(honest, owner)
        guesses = [{"X-API-Key": new_key(owner.id)} for _ in range(30)]
        answers = await asyncio.gather(*(guesser.get(ME, headers=guess) for guess in guesses))
        assert {answer.status_code for answer in answers} == {401, 429}
        # Neither this worker nor Redis has its grant.
        strict_app.state.cache.connection_changed()
        await strict_app.state.redis.flushdb()
        assert (await guesser.get(ME, headers={"X-API-Key": new_key(owner.id)})).status_code == 429
        assert (await honest.get(ME, headers=with_key(made))).status_code == 200


async def last_used(client: httpx.AsyncClient, owner: Caller, made: dict[str, Any]) -> datetime | None:
    shown = (await client.get(f"{KEYS}/{made['id']}", headers=owner.headers)).json()["last_used_at"]
    return None if shown is None else datetime.fromisoformat(shown)


async def test_the_last_use_is_written_beside_the_request_and_once_a_minute(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    owner = await live_sign_up()
    made = await make_key(live_client, owner)
    uses = live_app.state.api_key_uses
    # From here on the test decides when notes are written.
    await uses.stop()
    await live_client.get(ME, headers=with_key(made))
    assert await last_used(live_client, owner, made) is None
    await uses.write()
    first = await last_used(live_client, owner, made)
    assert first is not None
    # Another worker has its own memory; the guard in the statement speaks for both.
    uses._noted.clear()  # noqa: SLF001 (stands in for a second worker)
    uses.note(made["id"])
    await uses.write()
    assert await last_used(live_client, owner, made) == first
    with time_machine.travel(utc_now() + timedelta(seconds=61), tick=True):
        uses._noted.clear()  # noqa: SLF001 (as above)
        await live_client.get(ME, headers=with_key(made))
        await uses.write()
    again = await last_used(live_client, owner, made)
    assert again is not None
    assert again > first + timedelta(seconds=59)


async def test_a_use_that_is_being_written_is_not_lost_when_the_worker_stops(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    owner = await live_sign_up()
    made = await make_key(live_client, owner)
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'api_keys'::regclass")
    async with live_app.state.database.sessions() as blocking:
        await blocking.execute(text("LOCK TABLE api_keys IN SHARE MODE"))
        live_app.state.api_key_uses.note(made["id"])
        async with asyncio.timeout(20):
            while not await blocking.scalar(waiting):
                await asyncio.sleep(0.01)
        stopping = asyncio.create_task(live_app.state.api_key_uses.stop())
        await asyncio.sleep(0)
    await stopping
    assert await last_used(live_client, owner, made) is not None


async def test_a_use_that_cannot_be_written_is_written_later(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await live_sign_up()
    made = await make_key(live_client, owner)

    def away() -> None:
        raise ConnectionError("PostgreSQL does not answer")

    uses = live_app.state.api_key_uses
    await uses.stop()
    await live_client.get(ME, headers=with_key(made))
    with monkeypatch.context() as patch:
        patch.setattr(type(live_app.state.database.read_engine), "connect", lambda _: away())
        await uses.write()
    assert await last_used(live_client, owner, made) is None
    assert (await live_client.get(ME, headers=with_key(made))).status_code == 200
    await uses.write()
    assert await last_used(live_client, owner, made) is not None


async def test_the_document_shows_the_key_beside_oauth2(app: FastAPI) -> None:
    document = app.openapi()
    schemes = document["components"]["securitySchemes"]
    assert schemes["APIKeyHeader"]["name"] == "X-API-Key"
    assert schemes["APIKeyHeader"]["in"] == "header"
    security = document["paths"][BOOKS]["post"]["security"]
    # Only OAuth2 schemes list scopes.
    assert {"APIKeyHeader": []} in security
    assert {"OAuth2PasswordBearer": ["items:write"]} in security
