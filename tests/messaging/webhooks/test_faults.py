"""Receivers that are slow, down, or lead inside; workers, Redis and connections that end in the middle: nothing is lost."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import pytest
from fastapi import FastAPI

from app.core.events.events import HandlerContext
from app.core.events.feed import EventsSequenced
from app.core.outbound import Outbound
from app.core.settings.outbound import OutboundSettings
from app.core.settings.settings import Settings
from app.messaging.webhooks.jobs import purge_webhook_deliveries
from app.messaging.webhooks.repository import WebhookRepository
from app.messaging.webhooks.sending.schedule import PARALLEL
from app.messaging.webhooks.sending.sender import WebhookSender
from app.worker import Worker
from devstack import Servers
from tests.conftest import Caller, ask_sql
from tests.receiver import Names
from tests.worker.conftest import StartWorker, until

from .conftest import NETWORKS, Shop, done, messages

ALLOWED = {"ENVIRONMENT": "testing", "OUTBOUND_NETWORKS": NETWORKS}


async def orders(shop: Shop, owner: Caller, count: int) -> None:
    for number in range(count):
        await shop.tell(done(str(number), owner.id))


async def test_sixty_four_deliveries_to_a_receiver_that_hangs_delay_nobody(shop: Shop) -> None:
    owner = await shop.sign_up()
    slow = await shop.register(owner, "/slow", events=["order.*"])
    well = await shop.register(owner, "/well", events=["order.*"])
    shop.receiver.gate = asyncio.Event()
    async with shop.running_worker():
        await orders(shop, owner, 64)
        await shop.holds(
            f"count(*) = 64 FROM webhook_deliveries WHERE endpoint_id = {well['id']} AND state = 'delivered'"
        )
        # All of them while not one of the others was answered; and all else that follows from the events.
        await shop.holds("count(*) = 0 FROM outbox_events WHERE done_at IS NULL")
        waiting = f"FROM webhook_deliveries WHERE endpoint_id = {slow['id']} AND state = 'pending'"
        assert await shop.ask(f"SELECT count(*) {waiting}") == 64
        assert 0 < await shop.ask(f"SELECT count(claimed_until) {waiting}") <= PARALLEL
        shop.receiver.gate.set()
        await shop.all_sent()
    assert len({one.id for one in messages(shop.receiver, "/slow")}) == 64
    assert Counter(one.id for one in messages(shop.receiver, "/well")).most_common(1)[0][1] == 1


async def test_where_nobody_listens_is_tried_again_and_others_are_not_delayed(shop: Shop) -> None:
    owner = await shop.sign_up()
    await shop.register(owner, "/well")
    dead = await shop.register(owner, "/", url="http://127.0.0.1:9/")
    async with shop.running_worker():
        await orders(shop, owner, 20)
        await shop.holds("count(*) = 20 FROM webhook_deliveries WHERE state = 'delivered'")
        await shop.holds("failures = 3 AND paused_until > now() FROM webhook_endpoints WHERE failures > 0")
    tried = [one for one in await shop.deliveries(owner, dead, limit="50") if one["attempts"]]
    assert 3 <= len(tried) <= 8
    assert all(one["error"] and one["status"] is None for one in tried)


async def test_a_name_that_means_this_machine_is_never_called(shop: Shop, worker_settings: Settings) -> None:
    owner = await shop.sign_up()
    webhook = await shop.register(owner, "/", url="https://localhost/latest/meta-data/")
    strict = worker_settings.model_copy(update={"outbound": OutboundSettings()})
    async with shop.running_worker(strict):
        await shop.tell(done("A", owner.id))
        await shop.holds("attempts = 1 AND claimed_until IS NULL FROM webhook_deliveries")
    [delivery] = await shop.deliveries(owner, webhook)
    assert (delivery["state"], delivery["status"]) == ("pending", None)
    assert "not on the public internet" in delivery["error"]
    assert shop.receiver.requests == []


@asynccontextmanager
async def worker_with(names: Names, settings: Settings) -> AsyncIterator[None]:
    """A worker that looks names up here."""
    outbound = Outbound(OutboundSettings(networks=(ip_network(NETWORKS),)), names.resolve)
    worker = Worker(settings)
    outside = worker._outside  # noqa: SLF001 (its database, with names of ours)
    fields = {name: getattr(outside, name) for name in HandlerContext.__dataclass_fields__}
    stopping = worker._stopping  # noqa: SLF001 (as above)
    worker._sender = WebhookSender(HandlerContext(**{**fields, "outbound": outbound}), stopping)  # noqa: SLF001 (as above)
    task = asyncio.create_task(worker.run(is_scheduling=False))
    try:
        yield
    finally:
        worker.stop()
        await task


async def test_where_a_name_leads_is_looked_at_with_each_try(shop: Shop, worker_settings: Settings) -> None:
    owner = await shop.sign_up()
    path = f"http://hooks.example:{shop.receiver.port}/"
    webhook = await shop.register(owner, "/", url=path)
    # Outside, then a machine inside, then both at once, and back.
    names = Names([["10.0.0.1"], ["127.0.0.1", "10.0.0.1"], ["127.0.0.1"]])
    async with worker_with(names, worker_settings):
        await shop.tell(done("A", owner.id))
        for attempt in (1, 2):
            await shop.holds(f"attempts = {attempt} AND claimed_until IS NULL FROM webhook_deliveries")
            [delivery] = await shop.deliveries(owner, webhook)
            assert "not on the public internet" in delivery["error"]
            assert shop.receiver.requests == []
            await shop.change("UPDATE webhook_deliveries SET due_at = now()")
        await shop.all_sent()
    assert len(shop.receiver.requests) == 1
    assert names.asked == ["hooks.example"] * 3


async def test_a_try_that_nobody_foresaw_failed_too(shop: Shop, worker_settings: Settings) -> None:
    owner = await shop.sign_up()
    path = f"http://hooks.example:{shop.receiver.port}/"
    webhook = await shop.register(owner, "/", url=path)
    async with worker_with(Names([["no address at all"], ["127.0.0.1"]]), worker_settings):
        await shop.tell(done("A", owner.id))
        await shop.holds("attempts = 1 AND claimed_until IS NULL FROM webhook_deliveries", within=10)
        [delivery] = await shop.deliveries(owner, webhook)
        assert "not on your side" in delivery["error"]
        assert (await shop.read(owner, webhook))["failures"] == 1
        await shop.change("UPDATE webhook_deliveries SET due_at = now()")
        await shop.all_sent()


async def test_killed_in_the_middle_the_next_worker_sends_it_once_more_with_the_same_id(
    shop: Shop, start_worker: StartWorker
) -> None:
    owner = await shop.sign_up()
    webhook = await shop.register(owner, "/slow")
    shop.receiver.gate = asyncio.Event()
    worker = start_worker(**ALLOWED)
    await orders(shop, owner, 3)
    await until(_is_true(lambda: len(shop.receiver.requests) == 3))
    worker.kill()
    worker.wait()
    shop.receiver.gate.set()
    assert await shop.ask("SELECT count(*) FROM webhook_deliveries WHERE state = 'delivered'") == 0
    start_worker(**ALLOWED)
    await shop.all_sent(120)
    counted = Counter(one.id for one in messages(shop.receiver, "/slow"))
    assert list(counted.values()) == [2, 2, 2]
    bodies = {one.id: one.body for one in messages(shop.receiver, "/slow")}
    assert all(one.body == bodies[one.id] for one in messages(shop.receiver, "/slow"))
    assert {one["attempts"] for one in await shop.deliveries(owner, webhook)} == {2}


async def test_a_worker_that_is_told_to_stop_waits_for_answers(shop: Shop, start_worker: StartWorker) -> None:
    owner = await shop.sign_up()
    await shop.register(owner, "/slow")
    shop.receiver.gate = asyncio.Event()
    worker = start_worker(**ALLOWED)
    await orders(shop, owner, 1)
    await until(_is_true(lambda: len(shop.receiver.requests) == 1))
    worker.terminate()
    shop.receiver.gate.set()
    await asyncio.to_thread(worker.wait, 60)
    assert worker.returncode == 0
    assert await shop.ask("SELECT state FROM webhook_deliveries") == "delivered"


async def test_workers_killed_again_and_again_lose_nothing(shop: Shop, start_worker: StartWorker) -> None:
    owner = await shop.sign_up()
    await shop.register(owner, "/well", payload="full")
    for number in range(4):
        worker = start_worker(**ALLOWED)
        for part in range(10):
            await shop.tell(done(f"{number}.{part}", owner.id))
        before = len(shop.receiver.requests)
        await until(_is_true(lambda before=before: len(shop.receiver.requests) > before))
        worker.kill()
        worker.wait()
    start_worker(**ALLOWED)
    await shop.all_sent(120)
    told = [json.loads(one.body) for one in messages(shop.receiver, "/well")]
    by_id = {one["id"]: one["data"]["number"] for one in told}
    assert sorted(by_id.values()) == sorted(f"{number}.{part}" for number in range(4) for part in range(10))


async def test_what_redis_forgets_is_sent_all_the_same(shop: Shop, servers: Servers) -> None:
    owner = await shop.sign_up()
    await shop.register(owner, "/well")
    async with shop.running_worker():
        await orders(shop, owner, 5)
        await shop.holds("count(*) >= 1 FROM webhook_deliveries")
        servers.redis.stop()
        await orders(shop, owner, 5)
        servers.redis.start()
        await shop.all_sent(120)
    counted = Counter(one.id for one in messages(shop.receiver, "/well"))
    assert list(counted.values()) == [1] * 10


async def test_connections_cut_while_a_receiver_thinks_lose_no_answer(
    shop: Shop, live_app: FastAPI, worker_settings: Settings
) -> None:
    owner = await shop.sign_up()
    webhook = await shop.register(owner, "/slow")
    shop.receiver.gate = asyncio.Event()
    async with shop.running_worker():
        await orders(shop, owner, 3)
        await until(_is_true(lambda: len(shop.receiver.requests) == 3))
        # The application's own, by which this test looks on, are not cut but closed.
        for engine in (live_app.state.database.engine, live_app.state.database.read_engine):
            await engine.dispose()
        ask_sql(
            worker_settings.database.url.get_secret_value(),
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        shop.receiver.gate.set()
        await shop.holds("count(*) = 3 FROM webhook_deliveries WHERE state = 'delivered'")
    assert len(shop.receiver.requests) == 3
    assert {one["attempts"] for one in await shop.deliveries(owner, webhook)} == {1}


async def test_two_workers_send_each_event_once(shop: Shop, start_worker: StartWorker) -> None:
    owner = await shop.sign_up()
    for path in ("/a", "/b", "/c"):
        await shop.register(owner, path)
    start_worker(**ALLOWED)
    start_worker(**ALLOWED)
    await orders(shop, owner, 60)
    await shop.all_sent(120)
    for path in ("/a", "/b", "/c"):
        counted = Counter(one.id for one in messages(shop.receiver, path))
        assert list(counted.values()) == [1] * 60


async def test_a_range_that_is_handled_twice_makes_each_delivery_once(shop: Shop, live_app: FastAPI) -> None:
    owner = await shop.sign_up()
    await shop.register(owner, "/well")
    async with shop.running_worker():
        await orders(shop, owner, 3)
        await shop.all_sent()
        await shop.tell(EventsSequenced(1, 6))
        await shop.all_sent()
    async with live_app.state.database.sessions.begin() as session:
        await WebhookRepository(session).fan_out(1, 6)
    assert await shop.ask("SELECT count(*) FROM webhook_deliveries") == 3
    assert len(shop.receiver.requests) == 3


async def test_many_who_register_at_once_get_no_more_than_allowed(shop: Shop) -> None:
    owner = await shop.sign_up()
    body = {"url": "https://hooks.example.com/", "events": ["*"]}

    async def register() -> int:
        answer = await shop.client.post("/api/v1/webhooks", json=body, headers=owner.headers)
        return answer.status_code

    counted = Counter(await asyncio.gather(*(register() for _ in range(15))))
    assert counted == {201: 10, 409: 5}


async def test_deliveries_of_a_month_ago_are_deleted(shop: Shop, live_app: FastAPI) -> None:
    owner = await shop.sign_up()
    webhook = await shop.register(owner, "/well")
    async with shop.running_worker():
        await orders(shop, owner, 2)
        await shop.all_sent()
    latest, _ = await shop.deliveries(owner, webhook)
    await shop.change(
        "UPDATE webhook_deliveries SET created_at = now() - interval '31 days' WHERE sequence = 1"
    )
    async with live_app.state.database.sessions.begin() as session:
        assert await purge_webhook_deliveries(session) == 1
    assert await shop.deliveries(owner, webhook) == [latest]
    assert await shop.ask("SELECT count(*) FROM webhook_tries") == 1


async def test_a_try_that_another_one_overtook_is_kept_and_decides_nothing(shop: Shop) -> None:
    owner = await shop.sign_up()
    webhook = await shop.register(owner, "/slow")
    shop.receiver.gate = asyncio.Event()
    async with shop.running_worker():
        await orders(shop, owner, 1)
        await until(_is_true(lambda: len(shop.receiver.requests) == 1))
        [delivery] = await shop.deliveries(owner, webhook)
        path = f"/api/v1/webhooks/{webhook['id']}/deliveries/{delivery['id']}/redeliver"
        assert (await shop.client.post(path, headers=owner.headers)).status_code == 202
        shop.receiver.gate.set()
        await shop.holds("count(*) = 1 FROM webhook_tries")
        shown = await shop.details(owner, webhook, delivery["id"])
    assert (shown["state"], shown["status"], [one["status"] for one in shown["tries"]]) == (
        "pending",
        None,
        [204],
    )


@pytest.mark.parametrize("status", [410, 500])
async def test_what_the_old_address_answers_is_not_held_against_the_new_one(shop: Shop, status: int) -> None:
    owner = await shop.sign_up()
    webhook = await shop.register(owner, "/slow")
    shop.receiver.gate = asyncio.Event()
    shop.receiver.slow_status = status
    path = f"/api/v1/webhooks/{webhook['id']}"
    async with shop.running_worker():
        await orders(shop, owner, 1)
        await until(_is_true(lambda: len(shop.receiver.requests) == 1))
        moved = {"url": webhook["url"].replace("/slow", "/new")}
        assert (await shop.client.patch(path, json=moved, headers=owner.headers)).status_code == 200
        shop.receiver.gate.set()
        await shop.holds("count(*) = 1 FROM webhook_tries")
        assert (await shop.read(owner, webhook))["failures"] == 0
        assert (await shop.read(owner, webhook))["is_enabled"]
        await shop.change("UPDATE webhook_deliveries SET due_at = now()")
        await shop.all_sent()
    assert [one.id for one in messages(shop.receiver, "/new")] == [
        one.id for one in messages(shop.receiver, "/slow")
    ]


async def test_what_was_taken_while_its_webhook_was_disabled_is_delivered(shop: Shop) -> None:
    owner = await shop.sign_up()
    webhook = await shop.register(owner, "/slow")
    shop.receiver.gate = asyncio.Event()
    path = f"/api/v1/webhooks/{webhook['id']}"
    async with shop.running_worker():
        await orders(shop, owner, PARALLEL + 1)
        await until(_is_true(lambda: len(shop.receiver.requests) == PARALLEL))
        await shop.client.patch(path, json={"is_enabled": False}, headers=owner.headers)
        shop.receiver.gate.set()
        await shop.holds(f"count(*) = {PARALLEL} FROM webhook_deliveries WHERE state = 'delivered'")
    [dead] = await shop.deliveries(owner, webhook, state="dead")
    assert (dead["error"], dead["attempts"]) == ("the webhook was disabled", 0)


async def test_a_webhook_that_is_deleted_takes_what_waits_with_it(shop: Shop, live_app: FastAPI) -> None:
    owner = await shop.sign_up()
    webhook = await shop.register(owner, "/slow")
    kept = await shop.register(owner, "/well")
    shop.receiver.gate = asyncio.Event()
    async with shop.running_worker():
        await orders(shop, owner, 6)
        await until(_is_true(lambda: len(messages(shop.receiver, "/slow")) == PARALLEL))
        path = f"/api/v1/webhooks/{webhook['id']}"
        assert (await shop.client.delete(path, headers=owner.headers)).status_code == 204
        shop.receiver.gate.set()
        await shop.holds(
            f"count(*) = 6 FROM webhook_deliveries WHERE state = 'delivered' AND endpoint_id = {kept['id']}"
        )
    assert len(messages(shop.receiver, "/slow")) == PARALLEL
    assert (await shop.client.get(f"{path}/deliveries", headers=owner.headers)).status_code == 404
    assert await shop.ask("SELECT count(*) FROM webhook_deliveries") == 12
    async with live_app.state.database.sessions.begin() as session:
        assert await purge_webhook_deliveries(session) == 6
        assert await purge_webhook_deliveries(session) == 0
    assert len(await shop.deliveries(owner, kept)) == 6


def _is_true(condition: Any) -> Any:
    async def check() -> bool:
        return bool(condition())

    return check
