"""`Idempotency-Key` under races, crashes and faults, with real commits."""

import asyncio
import contextlib
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from devstack import Servers
from tests.conftest import Caller, SignUp
from tests.core.test_idempotency import BOOK, BOOKS, COUNT_BOOKS, keyed

LOCK_BOOKS = text("LOCK TABLE books IN ACCESS EXCLUSIVE MODE")
WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


async def count(app: FastAPI, question: Any = COUNT_BOOKS) -> int:
    async with app.state.database.reading() as connection:
        return int(await connection.scalar(question))


@contextlib.asynccontextmanager
async def a_request_that_waits(app: FastAPI, client: httpx.AsyncClient, caller: Caller) -> Any:
    """A POST that has its claim and waits for a lock until the block ends."""
    async with app.state.database.engine.connect() as blocker:
        await blocker.execute(LOCK_BOOKS)
        sending = asyncio.ensure_future(client.post(BOOKS, json=BOOK, headers=keyed(caller)))
        async with asyncio.timeout(15):
            while await count(app, WAITING) == 0:
                await asyncio.sleep(0.01)
        yield sending
        await blocker.rollback()


async def test_of_many_at_once_one_makes_a_book(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    sent = [live_client.post(BOOKS, json=BOOK, headers=keyed(seller)) for _ in range(8)]
    answers = await asyncio.gather(*sent)
    assert await count(live_app) == 1
    made = [answer for answer in answers if answer.status_code == 201]
    assert len([answer for answer in made if "idempotent-replayed" not in answer.headers]) == 1
    assert len({answer.content for answer in made}) == 1
    for answer in answers:
        assert answer.status_code in {201, 409}
        if answer.status_code == 409:
            assert answer.json()["code"] == "idempotency-key-in-use"
            assert int(answer.headers["retry-after"]) > 0


async def test_while_the_first_runs_the_second_is_told_to_wait(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    async with a_request_that_waits(live_app, live_client, seller) as first:
        second = await live_client.post(BOOKS, json=BOOK, headers=keyed(seller))
        other = await live_client.post(BOOKS, json={**BOOK, "price": 1}, headers=keyed(seller))
    assert (second.status_code, second.json()["code"]) == (409, "idempotency-key-in-use")
    assert other.json()["code"] == "idempotency-key-reused"
    assert (await first).status_code == 201
    third = await live_client.post(BOOKS, json=BOOK, headers=keyed(seller))
    assert (third.status_code, third.content) == (201, (await first).content)


async def test_a_request_that_died_is_done_again_once_its_lease_is_over(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    async with a_request_that_waits(live_app, live_client, seller) as first:
        first.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await first
    early = await live_client.post(BOOKS, json=BOOK, headers=keyed(seller))
    assert early.json()["code"] == "idempotency-key-in-use"
    await end_leases(live_app)
    late = await live_client.post(BOOKS, json=BOOK, headers=keyed(seller))
    assert (late.status_code, "idempotent-replayed" in late.headers) == (201, False)
    assert await count(live_app) == 1


async def end_leases(app: FastAPI) -> None:
    async with app.state.database.sessions.begin() as arranging:
        await arranging.execute(text("UPDATE idempotency_keys SET claimed_until = now() - interval '1 s'"))


async def test_a_slow_request_whose_claim_was_taken_over_gives_way(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    async with a_request_that_waits(live_app, live_client, seller) as slow:
        await end_leases(live_app)
        next_one = asyncio.ensure_future(live_client.post(BOOKS, json=BOOK, headers=keyed(seller)))
        async with asyncio.timeout(15):
            while await count(live_app, WAITING) < 2:
                await asyncio.sleep(0.01)
    assert ((await slow).status_code, (await slow).json()["code"]) == (409, "idempotency-key-in-use")
    assert (await next_one).status_code == 201
    assert await count(live_app) == 1
    again = await live_client.post(BOOKS, json=BOOK, headers=keyed(seller))
    assert again.content == (await next_one).content


async def test_a_fault_leaves_the_key_free(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    rename = "ALTER TABLE items RENAME COLUMN title TO heading"
    back = "ALTER TABLE items RENAME COLUMN heading TO title"
    async with live_app.state.database.sessions.begin() as arranging:
        await arranging.execute(text(rename))
    failed = await live_client.post(BOOKS, json=BOOK, headers=keyed(seller))
    assert failed.status_code == 500
    async with live_app.state.database.sessions.begin() as arranging:
        await arranging.execute(text(back))
    assert await count(live_app) == 0
    again = await live_client.post(BOOKS, json=BOOK, headers=keyed(seller))
    assert (again.status_code, "idempotent-replayed" in again.headers) == (201, False)


async def test_postgres_stopped_in_the_middle_makes_one_book_in_the_end(
    servers: Servers, live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    blocker = await live_app.state.database.engine.connect()
    await blocker.execute(LOCK_BOOKS)
    sending = asyncio.ensure_future(live_client.post(BOOKS, json=BOOK, headers=keyed(seller)))
    await asyncio.sleep(0.3)
    await asyncio.to_thread(servers.postgres.stop, immediate=True)
    try:
        assert (await sending).status_code == 503
        away = await live_client.post(BOOKS, json=BOOK, headers=keyed(seller))
        assert away.status_code == 503
        await blocker.invalidate()
        await blocker.close()
    finally:
        await asyncio.to_thread(servers.postgres.start)
    await end_leases(live_app)
    again = await live_client.post(BOOKS, json=BOOK, headers=keyed(seller))
    assert again.status_code == 201
    assert await count(live_app) == 1


async def test_an_answer_and_what_it_tells_of_are_committed_together(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    """The commit fails: then there is neither, and the key is free."""
    seller = await live_sign_up()
    async with live_app.state.database.sessions.begin() as arranging:
        await arranging.execute(
            text(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE SQLSTATE '40001'; END $$"
            )
        )
        await arranging.execute(
            text(
                "CREATE CONSTRAINT TRIGGER refusing AFTER INSERT ON books DEFERRABLE INITIALLY DEFERRED"
                " FOR EACH ROW EXECUTE FUNCTION refuse()"
            )
        )
    failed = await live_client.post(BOOKS, json=BOOK, headers=keyed(seller))
    assert (failed.status_code, failed.json()["code"]) == (503, "write-collision")
    assert await count(live_app, text("SELECT count(*) FROM idempotency_keys")) == 0
    async with live_app.state.database.sessions.begin() as arranging:
        await arranging.execute(text("DROP TRIGGER refusing ON books"))
    again = await live_client.post(BOOKS, json=BOOK, headers=keyed(seller))
    assert again.status_code == 201
    assert await count(live_app) == 1


async def test_it_holds_while_redis_is_away(
    servers: Servers, live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    servers.redis.stop()
    try:
        answers = [await live_client.post(BOOKS, json=BOOK, headers=keyed(seller)) for _ in range(2)]
    finally:
        servers.redis.start()
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert await count(live_app) == 1
