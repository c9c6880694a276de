"""What operators see of webhooks: what waits, for how long, what is held off and what was given up."""

from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from app.messaging.webhooks.sending.measuring import measure_webhooks

from .conftest import WEBHOOKS, Shop, done

PENDING = "bookstore_webhook_deliveries_pending"
AGE = "bookstore_webhook_backlog_age_seconds"
HELD_OFF = "bookstore_webhook_breakers_open"
DEAD = "bookstore_webhook_dead_letters_total"
TRIES = "bookstore_webhook_try_duration_seconds_count"


async def shown(shop: Shop, name: str, **labels: str) -> float:
    families = text_string_to_metric_families((await shop.client.get("/metrics")).text)
    found = [one for family in families for one in family.samples if one.name == name]
    return sum(one.value for one in found if labels.items() <= one.labels.items())


async def gauges(shop: Shop, live_app: FastAPI) -> list[float]:
    """Deliveries that wait, for how many seconds, and webhooks that are held off."""
    await measure_webhooks(live_app.state.database)
    return [await shown(shop, name) for name in (PENDING, AGE, HELD_OFF)]


async def test_what_waits_and_what_is_held_off_is_measured(shop: Shop, live_app: FastAPI) -> None:
    owner = await shop.sign_up()
    assert await gauges(shop, live_app) == [0, 0, 0]
    webhook = await shop.register(owner)
    path = f"{WEBHOOKS}/{webhook['id']}"
    for _ in range(2):
        await shop.client.post(f"{path}/test", headers=owner.headers)
    await shop.change("UPDATE webhook_deliveries SET due_at = now() - interval '3 hours'")
    assert (await gauges(shop, live_app))[::2] == [2, 0]
    assert (await gauges(shop, live_app))[1] >= 3 * 3600
    # What waited for the breaker is late from its end on.
    await shop.change("UPDATE webhook_endpoints SET paused_until = now() - interval '1 hour'")
    assert 3600 <= (await gauges(shop, live_app))[1] < 2 * 3600
    await shop.change("UPDATE webhook_endpoints SET paused_until = now() + interval '1 hour'")
    assert await gauges(shop, live_app) == [2, 0, 1]
    dead = await shown(shop, DEAD, reason="disabled")
    await shop.client.patch(path, json={"is_enabled": False}, headers=owner.headers)
    assert await gauges(shop, live_app) == [0, 0, 0]
    assert await shown(shop, DEAD, reason="disabled") == dead + 2


async def test_what_waits_for_its_receiver_or_for_its_turn_is_not_late(shop: Shop, live_app: FastAPI) -> None:
    owner = await shop.sign_up()
    await shop.register(owner, ordered=True)
    await shop.change(
        "INSERT INTO webhook_deliveries (endpoint_id, message_id, sequence, type, subject, due_at)"
        " SELECT id, 'evt_' || n, n, 'order.delivered', 'order:A',"
        " now() + interval '1 hour' * CASE n WHEN 1 THEN 5 ELSE -5 END"
        " FROM webhook_endpoints, generate_series(1, 2) AS n"
    )
    assert await gauges(shop, live_app) == [2, 0, 0]
    await shop.change("UPDATE webhook_endpoints SET ordered = false")
    assert (await gauges(shop, live_app))[1] >= 5 * 3600
    await shop.change(
        "UPDATE webhook_deliveries SET claimed_until = now() + interval '1 hour' WHERE sequence = 1"
    )
    assert (await gauges(shop, live_app))[1] == 0


async def test_tries_are_timed(shop: Shop) -> None:
    owner = await shop.sign_up()
    await shop.register(owner)
    before = await shown(shop, TRIES)
    async with shop.running_worker():
        await shop.tell(done("A", owner.id))
        await shop.all_sent()
    assert await shown(shop, TRIES) == before + 1
