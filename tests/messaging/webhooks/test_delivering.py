"""Events reach the receivers that they concern, signed, once for each."""

import json
from base64 import b64encode

from app.core.events.events import Event
from app.identity.events import PasswordChanged
from app.identity.permissions import Role
from tests.factories import a_book

from .conftest import WEBHOOKS, Shop, done, messages, verify


async def test_an_event_comes_signed_as_the_feed_has_it(shop: Shop) -> None:
    reader, seller = await shop.sign_up(), await shop.sign_up()
    full = await shop.register(reader, "/full", payload="full", events=["item.*"])
    own = f"whsec_{b64encode(bytes(range(24))).decode()}"
    thin = await shop.register(reader, "/thin", events=["item.created"], secret=own)
    assert thin["secret"] == own
    other = await shop.register(reader, "/other", events=["order.*"])
    async with shop.running_worker():
        book = await a_book(shop.client, seller, title="Émile „Zola“ 漢字", price=10)
        await shop.all_sent()
    [whole] = messages(shop.receiver, "/full")
    [outline] = messages(shop.receiver, "/thin")
    assert messages(shop.receiver, "/other") == []
    verify(full, whole)
    verify(thin, outline)
    assert whole.headers["content-type"] == "application/json"
    told = json.loads(whole.body)
    assert told["id"] == whole.id == f"evt_{told['sequence']}"
    assert told["data"]["title"] == "Émile „Zola“ 漢字"
    assert told["data"]["price"] == 10
    assert json.loads(outline.body) == {
        "id": whole.id,
        "type": "item.created",
        "subject": f"item:{book['id']}",
        "timestamp": told["created_at"],
    }
    shown = await shop.client.get(f"{WEBHOOKS}/{full['id']}/deliveries", headers=reader.headers)
    [delivery] = shown.json()["items"]
    assert (delivery["state"], delivery["attempts"], delivery["status"]) == ("delivered", 1, 202)
    assert delivery["due_at"] is None
    path = f"{WEBHOOKS}/{full['id']}/deliveries/{delivery['id']}"
    details = (await shop.client.get(path, headers=reader.headers)).json()
    assert details["answer"] == "taken"
    assert details["request"]["body"] == whole.body.decode()
    assert details["request"]["url"] == full["url"]
    missing = await shop.client.get(
        f"{WEBHOOKS}/{other['id']}/deliveries/{delivery['id']}", headers=reader.headers
    )
    assert missing.json()["code"] == "webhook-delivery-not-found"


async def test_everybody_hears_what_concerns_them_and_staff_of_all(shop: Shop) -> None:
    ada, bob = await shop.sign_up(), await shop.sign_up()
    staff = await shop.sign_up(Role.ADMIN)
    for owner, path in ((ada, "/ada"), (bob, "/bob"), (staff, "/narrow")):
        await shop.register(owner, path)
    await shop.register(staff, "/wide", all_accounts=True)
    events: list[Event] = [done("A", ada.id), PasswordChanged(bob.id)]
    for event in events:
        await shop.tell(event)
    await shop.change(
        "INSERT INTO outbox_events (type, payload, subject, done_at) VALUES ('stock.low',"
        """ '{"item_id": 1, "available": 1}', 'item:1', now()), ('item.deleted', '{"item_id": 1, "kind": "book"}',"""
        " 'item:1', now()), ('test.unknown', '{}', 'item:1', now())"
    )
    async with shop.running_worker():
        await shop.all_sent()

    def types(path: str) -> list[str]:
        return sorted(json.loads(one.body)["type"] for one in messages(shop.receiver, path))

    assert types("/ada") == ["item.deleted", "order.delivered"]
    assert types("/bob") == ["item.deleted", "user.password_changed"]
    assert types("/narrow") == ["item.deleted"]
    assert types("/wide") == ["item.deleted", "order.delivered", "stock.low", "user.password_changed"]


async def test_who_may_no_longer_hear_it_when_it_is_sent_does_not(shop: Shop) -> None:
    ada = await shop.sign_up()
    staff, gone = await shop.sign_up(Role.ADMIN), await shop.sign_up(Role.ADMIN)
    await shop.register(staff, "/demoted", all_accounts=True)
    await shop.register(gone, "/closed", all_accounts=True)
    await shop.change("UPDATE webhook_endpoints SET paused_until = now() + interval '1 hour'")
    await shop.tell(done("A", ada.id))
    async with shop.running_worker():
        await shop.holds("count(*) = 2 FROM webhook_deliveries")
        await shop.change(f"UPDATE users SET role = 'user' WHERE id = {staff.id}")  # noqa: S608 (a number of ours)
        await shop.change(f"UPDATE users SET is_active = false WHERE id = {gone.id}")  # noqa: S608 (a number of ours)
        await shop.change("UPDATE webhook_endpoints SET paused_until = NULL")
        await shop.tell(done("B", ada.id))
        await shop.all_sent()
    assert shop.receiver.requests == []
    assert (
        await shop.ask("SELECT count(*) FROM webhook_deliveries WHERE state = 'dead' AND attempts = 0") == 2
    )


async def test_what_is_no_longer_kept_is_not_sent_any_more(shop: Shop) -> None:
    owner = await shop.sign_up()
    webhook = await shop.register(owner, "/status/500", payload="full")
    async with shop.running_worker():
        await shop.tell(done("A", owner.id))
        await shop.holds("attempts = 1 AND claimed_until IS NULL FROM webhook_deliveries")
        await shop.change("DELETE FROM outbox_events")
        await shop.change("UPDATE webhook_deliveries SET due_at = now()")
        await shop.all_sent()
    [dead] = await shop.deliveries(owner, webhook)
    assert (dead["state"], dead["attempts"]) == ("dead", 1)
    assert "no longer kept" in dead["error"]
    assert len(messages(shop.receiver, "/status/500")) == 1


async def test_whose_role_was_taken_hears_of_others_neither_at_a_new_try_nor_on_request(shop: Shop) -> None:
    staff, ada = await shop.sign_up(Role.ADMIN), await shop.sign_up()
    webhook = await shop.register(staff, "/moody", all_accounts=True, payload="full")
    path = f"{WEBHOOKS}/{webhook['id']}"
    shop.receiver.statuses["/moody"] = 500
    async with shop.running_worker():
        # One of each kind, each tried once, so that what it says is kept.
        for number, event in enumerate((done("hers", ada.id), done("own", staff.id)), 1):
            await shop.tell(event)
            await shop.holds(f"count(body) = {number} FROM webhook_deliveries WHERE claimed_until IS NULL")
        await shop.change(
            "INSERT INTO outbox_events (type, payload, subject, done_at) VALUES"
            """ ('stock.low', '{"item_id": 1, "available": 1}', 'item:1', now()),"""
            """ ('item.deleted', '{"item_id": 1, "kind": "book"}', 'item:1', now())"""
        )
        await shop.holds("count(*) = 4 FROM webhook_deliveries")
        await shop.change("UPDATE webhook_endpoints SET failures = 0, paused_until = NULL")
        await shop.holds("count(body) = 4 FROM webhook_deliveries WHERE claimed_until IS NULL")
        await shop.change(f"UPDATE users SET role = 'user' WHERE id = {staff.id}")  # noqa: S608 (a number of ours)
        shop.receiver.statuses.clear()
        shop.receiver.requests.clear()
        await shop.change("UPDATE webhook_endpoints SET failures = 0, paused_until = NULL")
        await shop.change("UPDATE webhook_deliveries SET due_at = now()")
        await shop.all_sent()
        for delivery in await shop.deliveries(staff, webhook, state="dead"):
            await shop.client.post(f"{path}/deliveries/{delivery['id']}/redeliver", headers=staff.headers)
        window = {"from": "2026-01-01", "to": "2999-01-01"}
        replayed = await shop.client.post(f"{path}/replay", json=window, headers=staff.headers)
        assert replayed.json() == {"matched": 2, "queued": 0}
        await shop.all_sent()
    told = [json.loads(one.body) for one in messages(shop.receiver, "/moody")]
    assert sorted((one["type"], one["subject"]) for one in told) == [
        ("item.deleted", "item:1"),
        ("order.delivered", "order:own"),
    ]
    dead = await shop.deliveries(staff, webhook, state="dead")
    assert sorted(one["type"] for one in dead) == ["order.delivered", "stock.low"]
