"""What follows from failures: the schedule, the breaker, switching off, and the ways back."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.core.clock import utc_now
from tests.conftest import Caller
from tests.worker.post_office import PostOffice

from .conftest import WEBHOOKS, Shop, done, messages, verify


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def hook(shop: Shop, path: str, **fields: object) -> tuple[Caller, dict[str, Any]]:
    owner = await shop.sign_up()
    return owner, await shop.register(owner, path, events=["order.*"], **fields)


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/status/500", 500, "the receiver answered 500"),
        ("/status/404", 404, "the receiver answered 404"),
        ("/redirect", 302, "the receiver answered 302"),
        ("/hang-up", None, ""),
    ],
)
async def test_a_try_that_fails_is_repeated_later_with_the_same_id(
    shop: Shop, path: str, status: int | None, error: str
) -> None:
    owner, webhook = await hook(shop, path)
    async with shop.running_worker():
        await shop.tell(done("A", owner.id))
        await shop.holds("attempts = 1 AND claimed_until IS NULL FROM webhook_deliveries")
        [delivery] = await shop.deliveries(owner, webhook)
        assert (delivery["state"], delivery["status"]) == ("pending", status)
        assert error in delivery["error"]
        assert moment(delivery["due_at"]) - moment(delivery["attempted_at"]) < timedelta(minutes=1)
        await shop.change("UPDATE webhook_deliveries SET due_at = now()")
        await shop.holds("attempts = 2 AND claimed_until IS NULL FROM webhook_deliveries")
        shown = await shop.details(owner, webhook, delivery["id"])
    first, second = messages(shop.receiver, path)
    assert first.id == second.id
    assert first.body == second.body
    verify(webhook, second)
    assert [one["status"] for one in shown["tries"]] == [status, status]
    assert all(one["url"] == webhook["url"] and error in one["error"] for one in shown["tries"])
    assert shown["tries"][0]["attempted_at"] == delivery["attempted_at"] < shown["tries"][1]["attempted_at"]
    assert (await shop.read(owner, webhook))["failures"] == 2
    # The address that a redirect names is not called.
    assert {request.path for request, _ in shop.receiver.requests} == {path}


async def test_a_new_address_gets_what_the_old_one_failed_to_take(shop: Shop) -> None:
    owner, webhook = await hook(shop, "/status/500")
    path = f"{WEBHOOKS}/{webhook['id']}"
    async with shop.running_worker():
        await shop.tell(done("A", owner.id))
        await shop.holds("attempts = 1 AND claimed_until IS NULL FROM webhook_deliveries")
        await shop.change("UPDATE webhook_deliveries SET attempts = 9, due_at = now() + interval '1 day'")
        moved = {"url": webhook["url"].replace("/status/500", "/new")}
        await shop.client.patch(path, json={"url": webhook["url"]}, headers=owner.headers)
        assert (await shop.deliveries(owner, webhook))[0]["attempts"] == 9
        await shop.client.patch(path, json=moved, headers=owner.headers)
        await shop.all_sent()
    [delivery] = await shop.deliveries(owner, webhook)
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)
    assert len(messages(shop.receiver, "/new")) == 1


async def test_the_receivers_wish_is_honoured(shop: Shop) -> None:
    owner, webhook = await hook(shop, "/busy")
    shop.receiver.retry_after = "3600"
    async with shop.running_worker():
        await shop.tell(done("A", owner.id))
        await shop.holds("attempts = 1 AND claimed_until IS NULL FROM webhook_deliveries")
    [delivery] = await shop.deliveries(owner, webhook)
    assert delivery["status"] == 503
    assert moment(delivery["due_at"]) > utc_now() + timedelta(minutes=50)
    assert moment((await shop.read(owner, webhook))["paused_until"]) > utc_now() + timedelta(minutes=50)


async def test_the_tenth_failure_is_the_last_and_the_owner_is_mailed(
    shop: Shop, post_office: PostOffice
) -> None:
    owner, webhook = await hook(shop, "/status/500")
    async with shop.running_worker():
        await shop.tell(done("A", owner.id))
        for attempt in range(1, 11):
            await shop.holds(f"attempts = {attempt} AND claimed_until IS NULL FROM webhook_deliveries")
            await shop.change("UPDATE webhook_endpoints SET paused_until = NULL")
            await shop.change("UPDATE webhook_deliveries SET due_at = now()")
        [mail] = await post_office.receives()
    shown = await shop.read(owner, webhook)
    assert (shown["is_enabled"], shown["disabled_reason"], shown["failures"]) == (False, "failures", 10)
    [dead] = await shop.deliveries(owner, webhook, state="dead")
    assert len((await shop.details(owner, webhook, dead["id"]))["tries"]) == 10
    assert len(messages(shop.receiver, "/status/500")) == 10
    assert mail["Subject"] == "One of your webhooks was switched off"
    assert "127" in str(mail)


async def test_a_receiver_that_is_gone_is_switched_off_at_once(shop: Shop, post_office: PostOffice) -> None:
    owner, webhook = await hook(shop, "/status/410", ordered=True)
    async with shop.running_worker():
        for _ in range(3):
            await shop.tell(done("A", owner.id))
        await shop.all_sent()
        [mail] = await post_office.receives()
    shown = await shop.read(owner, webhook)
    assert (shown["is_enabled"], shown["disabled_reason"]) == (False, "gone")
    assert len(messages(shop.receiver, "/status/410")) == 1
    assert len(await shop.deliveries(owner, webhook, state="dead")) == 3
    assert "410" in str(mail)


async def test_the_breaker_lets_one_try_through_and_closes_after_a_success(shop: Shop) -> None:
    owner, webhook = await hook(shop, "/moody")
    shop.receiver.statuses["/moody"] = 500
    async with shop.running_worker():
        for number in range(12):
            await shop.tell(done(str(number), owner.id))
        await shop.holds("failures = 3 AND paused_until > now() FROM webhook_endpoints")
        await shop.holds("count(*) = 0 FROM webhook_deliveries WHERE claimed_until IS NOT NULL")
        tried = len(shop.receiver.requests)
        # Four at once until the first failure was seen, one at a time after that.
        assert 3 <= tried <= 8
        shop.receiver.statuses["/moody"] = 202
        await shop.change("UPDATE webhook_deliveries SET due_at = now() WHERE attempts > 0")
        await shop.change("UPDATE webhook_endpoints SET paused_until = now()")
        await shop.all_sent()
    shown = await shop.read(owner, webhook)
    assert (shown["failures"], shown["paused_until"]) == (0, None)
    assert len({one.id for one in messages(shop.receiver, "/moody")}) == 12


async def test_an_ordered_receiver_hears_of_one_thing_in_its_order(shop: Shop) -> None:
    owner, webhook = await hook(shop, "/moody", ordered=True, payload="full")
    shop.receiver.statuses["/moody"] = 500
    async with shop.running_worker():
        for number in ("A", "A", "B"):
            await shop.tell(done(number, owner.id))
        await shop.holds("count(*) = 2 FROM webhook_deliveries WHERE attempts = 1 AND claimed_until IS NULL")
        third, second, first = await shop.deliveries(owner, webhook, state="pending", type="order.delivered")
        assert [one["attempts"] for one in (first, second, third)] == [1, 0, 1]
        shop.receiver.statuses["/moody"] = 202
        await shop.change("UPDATE webhook_deliveries SET due_at = now() WHERE attempts > 0")
        await shop.all_sent()
    tried = [one.id for one in messages(shop.receiver, "/moody")]
    assert sorted(tried[:2]) == sorted((first["message_id"], third["message_id"]))
    assert tried.index(second["message_id"]) > max(
        index for index, one in enumerate(tried) if one == first["message_id"]
    )


async def test_of_a_dead_letter_the_next_one_no_longer_waits(shop: Shop) -> None:
    owner, webhook = await hook(shop, "/moody", ordered=True)
    shop.receiver.statuses["/moody"] = 500
    async with shop.running_worker():
        await shop.tell(done("A", owner.id))
        await shop.tell(done("A", owner.id))
        await shop.holds("attempts = 1 AND claimed_until IS NULL FROM webhook_deliveries WHERE sequence = 1")
        shop.receiver.statuses["/moody"] = 202
        await shop.change("UPDATE webhook_deliveries SET state = 'dead' WHERE sequence = 1")
        await shop.all_sent()
    told = [one["message_id"] for one in await shop.deliveries(owner, webhook)]
    assert [one.id for one in messages(shop.receiver, "/moody")] == told[::-1]


async def test_a_new_secret_signs_beside_the_old_one_for_a_while(shop: Shop) -> None:
    owner, old = await hook(shop, "/")
    path = f"{WEBHOOKS}/{old['id']}"
    rotated = await shop.client.post(f"{path}/rotate-secret", headers=owner.headers)
    assert rotated.status_code == 201, rotated.text
    new = rotated.json()
    assert (new["id"], new["version"]) == (old["id"], 2)
    assert new["secret"] != old["secret"]
    assert moment(new["old_keys_until"]) > utc_now() + timedelta(hours=23)
    async with shop.running_worker():
        assert (await shop.client.post(f"{path}/test", headers=owner.headers)).status_code == 202
        await shop.all_sent()
        [both] = messages(shop.receiver)
        assert len(both.headers["webhook-signature"].split(" ")) == 4
        verify(new, both)
        versions = both.headers["webhook-signature"].split(" ")
        verify(old, both._replace(headers={**both.headers, "webhook-signature": " ".join(versions[2:])}))
        await shop.change("UPDATE webhook_endpoints SET old_keys_until = now() - interval '1 second'")
        await shop.client.post(f"{path}/test", headers=owner.headers)
        await shop.all_sent()
    alone = messages(shop.receiver)[-1]
    assert len(alone.headers["webhook-signature"].split(" ")) == 2
    verify(new, alone)
    at_once = await shop.client.post(
        f"{path}/rotate-secret", json={"overlap_seconds": 0}, headers=owner.headers
    )
    assert at_once.json()["old_keys_until"] is None


async def test_rotated_again_the_secret_that_receivers_have_signs_on(shop: Shop) -> None:
    owner, first = await hook(shop, "/")
    path = f"{WEBHOOKS}/{first['id']}"
    # Whoever missed the answer asks once more.
    rotated = [await shop.client.post(f"{path}/rotate-secret", headers=owner.headers) for _ in range(4)]
    async with shop.running_worker():
        await shop.client.post(f"{path}/test", headers=owner.headers)
        await shop.all_sent()
        [message] = messages(shop.receiver)
        signatures = message.headers["webhook-signature"].split(" ")
        pairs = [" ".join(signatures[at : at + 2]) for at in range(0, len(signatures), 2)]
        assert len(pairs) == 4
        for answer, pair in zip(rotated[::-1], pairs, strict=True):
            verify(answer.json(), message._replace(headers={**message.headers, "webhook-signature": pair}))
        await shop.client.post(f"{path}/rotate-secret", json={"overlap_seconds": 0}, headers=owner.headers)
        await shop.client.post(f"{path}/test", headers=owner.headers)
        await shop.all_sent()
    assert len(messages(shop.receiver)[-1].headers["webhook-signature"].split(" ")) == 2


async def test_a_made_up_event_of_any_kind_can_be_sent(shop: Shop) -> None:
    owner, webhook = await hook(shop, "/", payload="full")
    path = f"{WEBHOOKS}/{webhook['id']}/test"
    async with shop.running_worker():
        queued = await shop.client.post(path, headers=owner.headers)
        assert queued.headers["location"].endswith(f"/deliveries/{queued.json()['id']}")
        await shop.client.post(path, json={"event": "stock.back"}, headers=owner.headers)
        await shop.all_sent()
    told = [json.loads(one.body) for one in messages(shop.receiver)]
    assert sorted(one["type"] for one in told) == ["order.created", "stock.back"]
    assert all(one["id"].startswith("test_") for one in told)
    refused = await shop.client.post(path, json={"event": "order.eaten"}, headers=owner.headers)
    assert refused.status_code == 422


async def test_a_delivery_is_sent_again_on_request_delivered_or_dead(shop: Shop) -> None:
    owner, webhook = await hook(shop, "/")
    async with shop.running_worker():
        await shop.tell(done("A", owner.id))
        await shop.all_sent()
        [delivery] = await shop.deliveries(owner, webhook)
        path = f"{WEBHOOKS}/{webhook['id']}/deliveries/{delivery['id']}/redeliver"
        again = await shop.client.post(path, headers={**owner.headers, "Idempotency-Key": "once"})
        assert (again.status_code, again.json()["state"]) == (202, "pending")
        assert (await shop.client.post(path, headers={**owner.headers, "Idempotency-Key": "once"})).json()
        await shop.all_sent()
        unknown = path.replace(str(delivery["id"]), "999999")
        assert (await shop.client.post(unknown, headers=owner.headers)).status_code == 404
    first, second = messages(shop.receiver)
    assert (first.id, first.body) == (second.id, second.body)
    assert [one["answer"] for one in (await shop.details(owner, webhook, delivery["id"]))["tries"]] == [
        "taken",
        "taken",
    ]


async def test_of_many_tries_the_last_ten_are_kept_as_they_were(shop: Shop) -> None:
    owner, webhook = await hook(shop, "/moody")
    shop.receiver.bodies["/moody"] = b"first"
    async with shop.running_worker():
        await shop.tell(done("A", owner.id))
        await shop.all_sent()
        [delivery] = await shop.deliveries(owner, webhook)
        await shop.change(
            "INSERT INTO webhook_tries SELECT delivery_id, attempted_at - make_interval(mins => n), url, 500, n,"
            " 'the receiver answered 500', NULL FROM webhook_tries, generate_series(1, 9) AS n"
        )
        shop.receiver.bodies["/moody"] = b"second"
        path = f"{WEBHOOKS}/{webhook['id']}/deliveries/{delivery['id']}"
        await shop.client.post(f"{path}/redeliver", headers=owner.headers)
        await shop.all_sent()
    shown = await shop.details(owner, webhook, delivery["id"])
    assert [one["duration_ms"] for one in shown["tries"][:8]] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert [one["answer"] for one in shown["tries"][8:]] == ["first", "second"]
    assert shown["answer"] == "second"


async def test_a_window_is_replayed_without_what_was_delivered(shop: Shop) -> None:
    owner, webhook = await hook(shop, "/")
    path = f"{WEBHOOKS}/{webhook['id']}"
    async with shop.running_worker():
        await shop.tell(done("delivered", owner.id))
        await shop.all_sent()
        await shop.client.patch(path, json={"is_enabled": False}, headers=owner.headers)
        for number in ("missed", "missed too"):
            await shop.tell(done(number, owner.id))
        await shop.tell(done("somebody else's", (await shop.sign_up()).id))
        await shop.all_sent()
        await shop.client.patch(path, json={"is_enabled": True}, headers=owner.headers)
        now = utc_now()
        window = {
            "from": (now - timedelta(hours=1)).isoformat(),
            "to": (now + timedelta(hours=1)).isoformat(),
        }
        replayed = await shop.client.post(f"{path}/replay", json=window, headers=owner.headers)
        assert (replayed.status_code, replayed.json()) == (202, {"matched": 3, "queued": 2})
        again = await shop.client.post(f"{path}/replay", json=window, headers=owner.headers)
        assert again.json() == {"matched": 3, "queued": 0}
        await shop.all_sent()
    told = [json.loads(one.body)["subject"] for one in messages(shop.receiver)]
    assert sorted(told) == ["order:delivered", "order:missed", "order:missed too"]
    turned = {"from": window["to"], "to": window["from"]}
    assert (await shop.client.post(f"{path}/replay", json=turned, headers=owner.headers)).status_code == 422


async def test_the_beginning_of_an_answer_is_kept_whatever_bytes_it_has(shop: Shop) -> None:
    owner, webhook = await hook(shop, "/binary")
    shop.receiver.bodies["/binary"] = b"\x00\xff" + "ü".encode() + b"x" * 5000
    async with shop.running_worker():
        await shop.tell(done("A", owner.id))
        await shop.all_sent()
    [delivery] = await shop.deliveries(owner, webhook)
    path = f"{WEBHOOKS}/{webhook['id']}/deliveries/{delivery['id']}"
    answer = (await shop.client.get(path, headers=owner.headers)).json()["answer"]
    assert answer == "\ufffd\ufffdü" + "x" * 2044


async def test_a_secret_that_cannot_be_read_any_more_is_told_of(shop: Shop) -> None:
    owner, webhook = await hook(shop, "/")
    await shop.change("UPDATE webhook_endpoints SET sealed_keys = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'")
    async with shop.running_worker():
        await shop.tell(done("A", owner.id))
        await shop.holds("attempts = 1 AND claimed_until IS NULL FROM webhook_deliveries")
    [delivery] = await shop.deliveries(owner, webhook)
    assert "rotate it" in delivery["error"]
    assert shop.receiver.requests == []
