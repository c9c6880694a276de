"""Notifications by SMS and push: to whom, in whose words, and once."""

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.core.events.events import Event
from app.core.settings.settings import Settings
from app.identity.events import NewDevice, PasswordChanged
from app.sales.orders.events import OrderCreated, OrderDelivered, OrderShipped
from tests.conftest import Caller, SignUp
from tests.messaging.push_subscriptions.conftest import SERVER_PEM
from tests.messaging.push_subscriptions.test_subscribing import encoded, subscribe
from tests.messaging.webhooks.conftest import NETWORKS, Moody
from tests.worker.conftest import Ask, Change, Publish, RunningWorker, StartWorker, all_done, until

Work = Callable[..., Awaitable[None]]
AGAIN = "UPDATE outbox_events SET done_at = NULL, available_at = now(), locked_until = now()"


class Browser:
    """A browser that reads what it is sent (RFC 8291)."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = b"sixteen byte key"

    @property
    def point(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def subscription(self, receiver: Moody, path: str) -> dict[str, Any]:
        keys = {"p256dh": encoded(self.point), "auth": encoded(self.auth)}
        return {"endpoint": f"http://127.0.0.1:{receiver.port}{path}", "keys": keys}

    def read(self, body: bytes) -> dict[str, Any]:
        ends = 21 + body[20]
        salt, sender = body[:16], body[21:ends]
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)

        def derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
            return HKDF(hashes.SHA256(), length, salt, info).derive(secret)

        shared = self.key.exchange(ec.ECDH(), point)
        secret = derive(shared, self.auth, b"WebPush: info\0" + self.point + sender, 32)
        key = derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
        nonce = derive(secret, salt, b"Content-Encoding: nonce\0", 12)
        read: dict[str, Any] = orjson.loads(AESGCM(key).decrypt(nonce, body[ends:], None).rstrip(b"\2"))
        return read


@pytest.fixture
def work(tell: Publish, running_worker: RunningWorker, ask: Ask) -> Work:
    """Publishes the events and works until nothing is left."""

    async def run(*events: Event) -> None:
        for event in events:
            await tell(event)
        async with running_worker():
            await all_done(ask)

    return run


@pytest.fixture
async def ada(live_sign_up: SignUp, change: Change) -> Caller:
    """Somebody with a phone, who wants text messages about orders."""
    caller = await live_sign_up(username="ada")
    await change("UPDATE users SET phone = '+442079460018'")
    await change("INSERT INTO notification_choices VALUES (1, 'orders', 'sms', true)")
    return caller


@pytest.fixture
async def browser(ada: Caller, receiver: Moody, live_client: httpx.AsyncClient) -> Browser:
    """Hers, whose push service is at `/push`."""
    made = Browser()
    answer = await subscribe(live_client, ada, made.subscription(receiver, "/push"))
    assert answer.status_code == 201, answer.text
    return made


def sent(receiver: Moody, path: str) -> list[bytes]:
    return [body for request, body in receiver.requests if request.path == path]


def shipped(user_id: int = 1) -> OrderShipped:
    """A parcel of Ada's left, or of somebody else's."""
    # Mails look orders up: there is none, and so no mail.
    return OrderShipped(404, "ORD-7", 1, user_id=user_id)


async def test_a_text_message_is_sent_once_to_who_wants_it(
    ada: Caller, live_sign_up: SignUp, work: Work, receiver: Moody, change: Change, ask: Ask
) -> None:
    bob = await live_sign_up()
    await change("UPDATE users SET phone = '+4930123456', language = 'de' WHERE username <> 'ada'")
    # By default nobody gets text messages, and not of every kind.
    await work(shipped(), shipped(bob.id), OrderDelivered(404, "ORD-7", user_id=ada.id))
    [body] = sent(receiver, "/sms")
    message = orjson.loads(body)
    reference = message.pop("reference")
    assert message == {
        "to": "+442079460018",
        "from": "Bookstore",
        "text": "Your order ORD-7 is on its way. https://shop.example.com",
    }
    assert (
        await ask("SELECT 'notification-' || id || state FROM notification_deliveries") == f"{reference}sent"
    )
    await change(AGAIN)
    await work()
    assert len(sent(receiver, "/sms")) == 1


async def test_nothing_that_a_stranger_wrote_is_in_a_text_message(
    ada: Caller, work: Work, receiver: Moody, change: Change
) -> None:
    await change("INSERT INTO notification_choices VALUES (1, 'account', 'sms', true)")
    await work(NewDevice(ada.id, "Win at evil.example", "192.0.2.1"))
    [body] = sent(receiver, "/sms")
    assert orjson.loads(body)["text"] == "A new device logged in. https://shop.example.com"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users SET phone = NULL",
        "UPDATE users SET is_active = false",
        "UPDATE notification_choices SET is_on = false",
        "DELETE FROM notification_choices",
    ],
)
async def test_who_has_no_phone_does_not_want_it_or_is_gone_gets_none(
    ada: Caller, work: Work, receiver: Moody, change: Change, statement: str
) -> None:
    await change(statement)
    await work(shipped(ada.id))
    assert receiver.requests == []


async def test_what_the_gateway_did_not_take_is_tried_again_under_its_reference(
    ada: Caller, receiver: Moody, ask: Ask, tell: Publish, running_worker: RunningWorker
) -> None:
    receiver.statuses["/sms"] = 503
    await tell(shipped(ada.id))
    async with running_worker():

        async def was_refused() -> bool:
            return bool(sent(receiver, "/sms"))

        await until(was_refused)
        receiver.statuses.clear()
        await all_done(ask)
    references = {orjson.loads(body)["reference"] for body in sent(receiver, "/sms")}
    assert len(references) == 1
    assert await ask("SELECT state FROM notification_deliveries") == "sent"
    assert await ask("SELECT count(*) FROM dead_letters") == 0


async def test_what_the_gateway_never_takes_is_a_dead_letter_without_the_number(
    ada: Caller, work: Work, receiver: Moody, ask: Ask
) -> None:
    receiver.statuses["/sms"] = 422
    await work(shipped(ada.id))
    assert len(sent(receiver, "/sms")) == 1
    assert await ask("SELECT state FROM notification_deliveries") == "refused"
    letter = await ask("SELECT error || payload::text FROM dead_letters")
    assert "the gateway answered 422" in letter
    assert "2079460018" not in letter


async def test_a_push_message_reaches_every_browser_in_the_readers_words(
    ada: Caller, work: Work, receiver: Moody, change: Change, live_client: httpx.AsyncClient, ask: Ask
) -> None:
    await change("UPDATE users SET language = 'de'")
    browsers = [Browser(), Browser()]
    for number, browser in enumerate(browsers):
        answer = await subscribe(live_client, ada, browser.subscription(receiver, f"/push/{number}"))
        assert answer.status_code == 201, answer.text
    await work(PasswordChanged(ada.id), OrderCreated(404, "ORD-7", "1.00", "EUR", user_id=ada.id))
    for number, browser in enumerate(browsers):
        [body] = sent(receiver, f"/push/{number}")
        assert browser.read(body) == {
            "title": "Ihr Passwort wurde geändert",
            "body": "Wenn Sie das nicht waren, setzen Sie es sofort zurück.",
            "kind": "password_changed",
            "subject": "user:1",
        }
    assert await ask("SELECT state FROM notification_deliveries") == "sent"
    await change(AGAIN)
    await work()
    assert len(receiver.requests) == 2


async def test_another_try_goes_to_the_browser_alone_that_has_it_not(
    ada: Caller,
    receiver: Moody,
    live_client: httpx.AsyncClient,
    tell: Publish,
    running_worker: RunningWorker,
    ask: Ask,
) -> None:
    browser = Browser()
    for path in ("/push/slow", "/push/good", "/push/gone", "/push/never"):
        await subscribe(live_client, ada, browser.subscription(receiver, path))
    receiver.statuses |= {"/push/slow": 503, "/push/gone": 410, "/push/never": 400}
    await tell(PasswordChanged(ada.id))

    async def was_tried() -> bool:
        return bool(await ask("SELECT cardinality(reached) = 2 FROM notification_deliveries"))

    async with running_worker():
        await until(was_tried)
        receiver.statuses.pop("/push/slow")
        await all_done(ask)
    assert len(sent(receiver, "/push/slow")) >= 2
    for path in ("/push/good", "/push/gone", "/push/never"):
        assert len(sent(receiver, path)) == 1, path
    assert await ask("SELECT count(*) FROM push_subscriptions") == 3
    assert await ask("SELECT count(*) FROM push_subscriptions WHERE endpoint LIKE '%gone'") == 0
    assert await ask("SELECT state FROM notification_deliveries") == "sent"


async def test_who_turned_push_off_or_has_no_browser_is_sent_none(
    ada: Caller, work: Work, receiver: Moody, change: Change, live_client: httpx.AsyncClient, ask: Ask
) -> None:
    await work(PasswordChanged(ada.id))
    await subscribe(live_client, ada, Browser().subscription(receiver, "/push"))
    await change("INSERT INTO notification_choices VALUES (1, 'account', 'push', false)")
    await work(PasswordChanged(ada.id))
    assert receiver.requests == []
    assert await ask("SELECT count(*) FROM notification_deliveries") == 0


@pytest.mark.usefixtures("browser")
async def test_without_a_gateway_what_was_to_be_sent_is_dropped(
    receiver: Moody,
    tell: Publish,
    running_worker: RunningWorker,
    worker_settings: Settings,
    ask: Ask,
) -> None:
    none = {
        "sms": worker_settings.sms.model_copy(update={"url": ""}),
        "push": worker_settings.push.model_copy(update={"private_key": None}),
    }
    await tell(shipped())
    async with running_worker(worker_settings.model_copy(update=none)):
        await all_done(ask)
    assert receiver.requests == []
    states = "SELECT string_agg(channel || ' ' || state, ', ' ORDER BY channel) FROM notification_deliveries"
    assert await ask(states) == "push dropped, sms dropped"


async def test_a_secret_that_is_sealed_by_another_key_ends_the_subscription(
    ada: Caller, work: Work, receiver: Moody, live_client: httpx.AsyncClient, change: Change, ask: Ask
) -> None:
    await subscribe(live_client, ada, Browser().subscription(receiver, "/push"))
    sealed = base64.b64encode(bytes(40)).decode()
    await change(f"UPDATE push_subscriptions SET sealed_auth = '{sealed}'")  # noqa: S608 (the test's own)
    await work(PasswordChanged(ada.id))
    assert receiver.requests == []
    assert await ask("SELECT count(*) FROM push_subscriptions") == 0
    assert await ask("SELECT state FROM notification_deliveries") == "dropped"


async def test_a_worker_that_is_killed_while_the_gateway_thinks_loses_nothing(
    browser: Browser,
    receiver: Moody,
    tell: Publish,
    start_worker: StartWorker,
    work: Work,
    ask: Ask,
) -> None:
    receiver.statuses["/sms"] = 503
    await tell(shipped())
    first = start_worker(
        ENVIRONMENT="testing",
        OUTBOUND_NETWORKS=NETWORKS,
        SMS_URL=f"http://127.0.0.1:{receiver.port}/sms",
        PUSH_PRIVATE_KEY=SERVER_PEM.replace("\n", "\\n"),
        PUSH_CONTACT="shop@example.com",
    )

    async def has_begun() -> bool:
        return bool(sent(receiver, "/sms"))

    await until(has_begun)
    first.kill()
    first.wait()
    receiver.statuses.clear()
    await work()
    # Whatever the killed one did: of one message each, under one reference.
    assert len({orjson.loads(body)["reference"] for body in sent(receiver, "/sms")}) == 1
    topics = {request.headers["topic"] for request, _ in receiver.requests if request.path == "/push"}
    assert len(topics) == 1
    assert browser.read(sent(receiver, "/push")[-1])["kind"] == "order_shipped"
    assert await ask("SELECT count(*) FROM notification_deliveries WHERE state = 'sent'") == 2
    assert await ask("SELECT count(*) FROM dead_letters") == 0
