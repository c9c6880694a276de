"""The advisory locks: one list of them, which is the order in which they are taken."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text

from app.core.db.locks import AdvisoryLock, acquire
from app.identity.permissions import Role
from tests.catalog.waiting import until_somebody_waits
from tests.conftest import ROOT, SignUp

HELD_BY_WHOEVER_WAITS = text(
    "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted"
    " AND pid = (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
)
NAME, TITLE = "Ursula Le Guin", "The Dispossessed"
Act = Callable[[httpx.AsyncClient, SignUp], Awaitable[httpx.Response]]


async def list_book(client: httpx.AsyncClient, sign_up: SignUp) -> httpx.Response:
    seller = await sign_up()
    book = {"title": TITLE, "author": NAME, "price": 5}
    return await client.post("/api/v1/books", json=book, headers=seller.headers)


async def add_category(client: httpx.AsyncClient, sign_up: SignUp) -> httpx.Response:
    manager = await sign_up(Role.MODERATOR)
    return await client.post("/api/v1/categories", json={"name": "Maps"}, headers=manager.headers)


async def promote(client: httpx.AsyncClient, sign_up: SignUp) -> httpx.Response:
    admin, user = await sign_up(Role.SUPER_ADMIN), await sign_up()
    path = f"/api/v1/admin/users/{user.id}/role"
    return await client.put(path, json={"role": "moderator"}, headers=admin.headers)


def test_the_list_has_every_lock_once() -> None:
    assert len(AdvisoryLock.__members__) == len({lock.value for lock in AdvisoryLock}) == 11
    files = [
        *(ROOT / "app").rglob("*.py"),
        *(ROOT / "alembic").rglob("*.py"),
        *(ROOT / "alembic").rglob("*.sql"),
    ]
    taking = {path.relative_to(ROOT) for path in files if "advisory_" in path.read_text()}
    # Alembic's runner is a session, not a transaction.
    assert taking == {Path("app/core/db/locks.py"), Path("alembic/env.py")}


@pytest.mark.parametrize(
    ("act", "lock"),
    [
        (list_book, AdvisoryLock.NAMING),
        (list_book, AdvisoryLock.AUTHOR_NAMES),
        (list_book, AdvisoryLock.WORK_TITLES),
        (add_category, AdvisoryLock.CATEGORY_TREE),
        (add_category, AdvisoryLock.AUDIT_CHAIN),
        (promote, AdvisoryLock.ROLES),
        (promote, AdvisoryLock.AUDIT_CHAIN),
    ],
)
async def test_whoever_waits_for_a_lock_has_only_earlier_ones(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp, act: Act, lock: AdvisoryLock
) -> None:
    keyed = {AdvisoryLock.AUTHOR_NAMES: NAME, AdvisoryLock.WORK_TITLES: TITLE}
    ranks = {int(one): rank for rank, one in enumerate(AdvisoryLock)}
    async with live_app.state.database.sessions.begin() as other:
        for each, words in keyed.items():
            hashed = select(func.hashtextextended(func.fold(words), int(each)))
            ranks[await other.scalar(hashed)] = ranks[each]
        if lock in keyed:
            key = func.hashtextextended(func.fold(keyed[lock]), int(lock))
            await other.execute(select(func.pg_advisory_xact_lock(key)))
        else:
            await other.execute(acquire(lock))
        acting = asyncio.ensure_future(act(live_client, live_sign_up))
        await until_somebody_waits(live_app)
        held = [ranks[key] for key in await other.scalars(HELD_BY_WHOEVER_WAITS)]
    assert (await acting).is_success, (await acting).text
    assert all(rank < ranks[lock] for rank in held)
