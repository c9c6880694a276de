"""Hashing passwords holds up nobody: not the database, not the readers, not the next login for long."""

import asyncio
import threading
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from passlib.context import CryptContext
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity import passwords
from tests.conftest import PASSWORD, Caller, SignUp, account_of, change_account
from tests.identity.sessions.calls import log_in

BCRYPT = "$2b$04$9ZNyohTJ7qYx1FXtuVJVDuoFqKeRe6cVuhk2S0OiYaXzs2J4A1mH6"

# As the application has them: the suite hashes at the lowest cost.
_CONTEXT, _NOBODY = passwords._context, passwords._NOBODY  # noqa: SLF001 (to put them back)


@pytest.fixture
def real_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash at the cost that the application has."""
    monkeypatch.setattr(passwords, "_context", _CONTEXT)
    monkeypatch.setattr(passwords, "_NOBODY", _NOBODY)


async def test_a_full_pool_answers_503_and_when_to_come_back(
    client: httpx.AsyncClient, seller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_waiting", passwords._LONGEST_QUEUE)  # noqa: SLF001 - as if so many waited
    answer = await log_in(client, seller.username)
    assert (answer.status_code, answer.json()["code"]) == (503, "hashing-busy")
    assert int(answer.headers["retry-after"]) > 0


async def test_thirty_two_logins_at_once_all_succeed_without_a_connection_while_they_hash(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    caller = await live_sign_up()
    may_hash = threading.Event()
    for _ in range(passwords._THREADS):  # noqa: SLF001 - so that no login gets ahead of the others
        passwords._pool.submit(may_hash.wait, 30)  # noqa: SLF001 - as above
    try:
        logins = [asyncio.ensure_future(log_in(live_client, caller.username)) for _ in range(32)]
        async with asyncio.timeout(25):
            while passwords._waiting < len(logins):  # noqa: SLF001 - until all of them wait for the pool
                await asyncio.sleep(0.01)
        engines = live_app.state.database.engines().values()
        assert sum(engine.pool.checkedout() for engine in engines) == 0
    finally:
        may_hash.set()
    answers = await asyncio.gather(*logins)
    assert [answer.status_code for answer in answers] == [200] * 32


@pytest.mark.usefixtures("real_hashes")
async def test_hot_reads_pass_logins_that_hash(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    caller = await live_sign_up()
    async with live_app.state.database.sessions.begin() as session:
        await change_account(session, caller.id, password_hash=await passwords.hash_password(PASSWORD))
    body = {"title": "Sketches", "price": 9.5}
    address = (await live_client.post("/api/v1/books", json=body, headers=caller.headers)).headers["location"]
    logins = [asyncio.ensure_future(log_in(live_client, caller.username)) for _ in range(16)]
    for _ in range(20):
        assert (await live_client.get(address)).status_code == 200
    assert not all(login.done() for login in logins), "the readers did not wait for the logins"
    assert {answer.status_code for answer in await asyncio.gather(*logins)} == {200}


@pytest.mark.usefixtures("real_hashes")
async def test_an_unknown_name_costs_the_same_hash_as_a_known_one(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    await change_account(session, seller.id, password_hash=await passwords.hash_password(PASSWORD))
    verified: list[str] = []
    verify = CryptContext.verify_and_update

    def note(context: CryptContext, secret: str, hashed: str) -> Any:
        verified.append(hashed)
        return verify(context, secret, hashed)

    monkeypatch.setattr(CryptContext, "verify_and_update", note)
    for name in (seller.username, "nobody"):
        assert (await log_in(client, name, "Wrong-horse-1!")).status_code == 401
    # Algorithm, version, memory, passes and lanes: what a verification costs.
    [known, unknown] = [hashed.split("$")[1:4] for hashed in verified]
    assert known == unknown == ["argon2id", "v=19", "m=65536,t=3,p=4"]


async def test_old_bcrypt_hashes_are_verified_and_replaced(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    await change_account(session, seller.id, password_hash=BCRYPT)
    for wrong in (PASSWORD + "x" * 90, PASSWORD + "\0"):
        assert (await log_in(client, seller.username, wrong)).status_code == 401
    assert (await log_in(client, seller.username)).status_code == 200
    assert (await account_of(session, seller.id)).password_hash.startswith("$argon2id$")
    assert (await log_in(client, seller.username)).status_code == 200


async def test_an_account_without_a_password_cannot_log_in(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    for unusable in ("!", ""):
        await change_account(session, seller.id, password_hash=unusable)
        assert (await log_in(client, seller.username)).status_code == 401


async def test_a_password_changed_while_the_old_one_was_hashed_is_refused(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await live_sign_up()
    verify = passwords.verify_password

    async def change_meanwhile(*arguments: Any) -> tuple[bool, str | None]:
        verdict = await verify(*arguments)
        async with live_app.state.database.sessions.begin() as session:
            await session.execute(text("UPDATE users SET password_hash = '!'"))
        return verdict

    monkeypatch.setattr("app.identity.sessions.gate.verify_password", change_meanwhile)
    assert (await log_in(live_client, caller.username)).status_code == 401
