"""However much waits for some receivers, what can be sent to the others is found at once."""

from collections.abc import Awaitable, Callable

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.messaging.webhooks.sending.queries import read_backlog
from app.messaging.webhooks.sending.repository import Outcome
from app.messaging.webhooks.sending.service import SendingService

from .conftest import WEBHOOKS, Shop, done, messages

READ = text(
    "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'webhook_deliveries'"
)
# Of one thing, in order; the first one just failed.
STUCK = (
    "INSERT INTO webhook_deliveries (endpoint_id, message_id, sequence, type, subject, due_at)"
    " SELECT :webhook, 'evt_' || n, n, 'order.delivered', 'order:stuck',"
    " now() + CASE n WHEN 1 THEN interval '1 hour' ELSE -interval '1 second' END"
    " FROM generate_series(1, CAST(:count AS bigint)) AS n"
)
TEST = (
    "INSERT INTO webhook_deliveries (endpoint_id, message_id, type, subject, body)"
    " VALUES (:webhook, 'test_' || :number, 'stock.changed', 'item:1', '{}')"
)

Write = Callable[..., Awaitable[None]]


@pytest.fixture
def write(live_app: FastAPI) -> Write:
    """One statement with values, committed."""

    async def run(statement: str, **values: object) -> None:
        async with live_app.state.database.sessions.begin() as session:
            await session.execute(text(statement), values)

    return run


async def test_what_waits_is_not_read_to_find_what_is_due(
    shop: Shop, live_app: FastAPI, write: Write
) -> None:
    owner = await shop.sign_up()
    dead = (await shop.register(owner, "/dead"))["id"]
    stuck = (await shop.register(owner, "/stuck", ordered=True))["id"]
    well = (await shop.register(owner, "/well"))["id"]
    # What the planner knows of is a quiet day.
    await write(
        "INSERT INTO webhook_deliveries (endpoint_id, message_id, type, subject, state)"
        " SELECT :well, 'old_' || n, 'order.paid', 'order:A', 'delivered' FROM generate_series(1, 10000) AS n",
        well=well,
    )
    await write("ANALYZE webhook_deliveries")
    await write(
        "UPDATE webhook_endpoints SET paused_until = now() + interval '1 hour' WHERE id = :dead", dead=dead
    )
    for webhook in (dead, stuck):
        await write(STUCK, webhook=webhook, count=3000)
    for webhook in (stuck, well):
        await write(TEST, webhook=webhook, number="1")
    async with live_app.state.database.sessions.begin() as session:
        claimed = await SendingService.build(session).claim(50, 30)
        assert await session.scalar(READ) < 1000
    assert sorted(one.endpoint_id for one in claimed) == [stuck, well]
    async with live_app.state.database.sessions.begin() as session:
        assert (await read_backlog(session)).pending == 6002


async def test_what_waits_for_its_turn_hides_nothing_of_other_things(shop: Shop, write: Write) -> None:
    owner = await shop.sign_up()
    webhook = await shop.register(owner, ordered=True)
    await write(STUCK, webhook=webhook["id"], count=300)
    async with shop.running_worker():
        # Their places in the feed are taken.
        await shop.change("UPDATE feed_head SET last = 1000")
        for number in ("next", "last"):
            await shop.tell(done(number, owner.id))
        await shop.holds("count(*) = 2 FROM webhook_deliveries WHERE state = 'delivered'")
    assert len(messages(shop.receiver)) == 2


async def test_receivers_that_are_busy_do_not_hide_one_that_is_not(
    shop: Shop, live_app: FastAPI, write: Write
) -> None:
    owner = await shop.sign_up()
    *busy, idle = [(await shop.register(owner))["id"] for _ in range(10)]
    await write(TEST, webhook=idle, number="1")
    for webhook in busy:
        for number in ("1", "2"):
            await write(TEST, webhook=webhook, number=number)
    await write("UPDATE webhook_endpoints SET failures = 1 WHERE id <> :idle", idle=idle)
    await write(
        "UPDATE webhook_deliveries SET claimed_until = now() + interval '1 hour',"
        " due_at = now() + interval '1 hour' WHERE message_id = 'test_1' AND endpoint_id <> :idle",
        idle=idle,
    )
    async with live_app.state.database.sessions.begin() as session:
        [claimed] = await SendingService.build(session).claim(1, 30)
    assert claimed.endpoint_id == idle


async def test_a_try_says_nothing_of_the_one_after_it(shop: Shop, live_app: FastAPI, write: Write) -> None:
    owner = await shop.sign_up()
    webhook = await shop.register(owner)
    path = f"{WEBHOOKS}/{webhook['id']}"
    await write(TEST, webhook=webhook["id"], number="1")
    sessions = live_app.state.database.sessions
    async with sessions.begin() as session:
        [first] = await SendingService.build(session).claim(1, 30)
    for is_enabled in (False, True):
        await shop.client.patch(path, json={"is_enabled": is_enabled}, headers=owner.headers)
    await shop.client.post(f"{path}/deliveries/{first.id}/redeliver", headers=owner.headers)
    async with sessions.begin() as session:
        [second] = await SendingService.build(session).claim(1, 30)
    assert (first.attempt, second.attempt) == (1, 1)
    async with sessions.begin() as session:
        await SendingService.build(session).record(first, Outcome(1, error="it hung up"))
    [delivery] = await shop.deliveries(owner, webhook)
    assert (delivery["state"], delivery["error"]) == ("pending", None)
    assert await shop.ask("SELECT claimed_until > now() FROM webhook_deliveries")
    async with sessions.begin() as session:
        await SendingService.build(session).record(second, Outcome(1, status=204))
    [delivery] = await shop.deliveries(owner, webhook)
    assert (delivery["state"], delivery["status"]) == ("delivered", 204)
    assert len((await shop.details(owner, webhook, delivery["id"]))["tries"]) == 2
