"""Browsers subscribe to push messages."""

import asyncio
import base64
import secrets
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.messaging.push_subscriptions.service import MOST_SUBSCRIPTIONS
from tests.conftest import Caller, SignUp
from tests.messaging.push_subscriptions.conftest import SERVER_KEY
from tests.worker.conftest import Ask

URL = "/api/v1/users/me/push-subscriptions"
ENDPOINT = "https://push.example.com/send/abc"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def point_of(key: ec.EllipticCurvePrivateKey) -> str:
    return encoded(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def a_browser(endpoint: str = ENDPOINT) -> dict[str, Any]:
    """What a new browser says of itself."""
    keys = {
        "p256dh": point_of(ec.generate_private_key(ec.SECP256R1())),
        "auth": encoded(secrets.token_bytes(16)),
    }
    return {"endpoint": endpoint, "expirationTime": None, "keys": keys}


async def subscribe(client: httpx.AsyncClient, owner: Caller, body: object) -> httpx.Response:
    return await client.post(URL, json=body, headers=owner.headers)


async def endpoints(client: httpx.AsyncClient, owner: Caller) -> list[str]:
    answer = await client.get(URL, headers=owner.headers)
    assert answer.status_code == 200, answer.text
    return [one["endpoint"] for one in answer.json()["items"]]


async def test_a_browser_subscribes_is_listed_and_leaves(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, ask: Ask
) -> None:
    ada, bob = await live_sign_up(), await live_sign_up()
    browser = a_browser()
    answer = await subscribe(live_client, ada, browser)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert set(made) == {"id", "endpoint", "created_at"}
    assert answer.headers["location"] == f"{URL}/{made['id']}"
    assert (await live_client.get(f"{URL}/{made['id']}", headers=ada.headers)).json() == made
    assert await endpoints(live_client, ada) == [ENDPOINT]
    assert await endpoints(live_client, bob) == []
    # Keys do not lie open.
    kept = await ask("SELECT row_to_json(push_subscriptions)::text FROM push_subscriptions")
    assert browser["keys"]["auth"] not in kept
    for method in ("GET", "DELETE"):
        refused = await live_client.request(method, f"{URL}/{made['id']}", headers=bob.headers)
        assert (refused.status_code, refused.json()["code"]) == (404, "push-subscription-not-found")
    assert (await live_client.delete(f"{URL}/{made['id']}", headers=ada.headers)).status_code == 204
    assert await endpoints(live_client, ada) == []


async def test_a_browser_that_is_known_gets_its_new_keys(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, ask: Ask
) -> None:
    ada = await live_sign_up()
    first = (await subscribe(live_client, ada, a_browser())).json()
    again = a_browser()
    assert (await subscribe(live_client, ada, again)).json() == first
    assert await ask("SELECT p256dh FROM push_subscriptions") == again["keys"]["p256dh"]


async def test_an_endpoint_of_somebody_else_needs_the_same_keys(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    ada, bob = await live_sign_up(), await live_sign_up()
    browser = a_browser()
    await subscribe(live_client, ada, browser)
    stolen = await subscribe(live_client, bob, a_browser())
    assert (stolen.status_code, stolen.json()["code"]) == (409, "push-subscription-taken")
    assert await endpoints(live_client, ada) == [ENDPOINT]
    # The same browser, in which somebody else logged in.
    assert (await subscribe(live_client, bob, browser)).status_code == 201
    assert await endpoints(live_client, ada) == []
    assert await endpoints(live_client, bob) == [ENDPOINT]


async def test_no_more_browsers_than_ten_however_many_come_at_once(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    ada = await live_sign_up()
    answers = await asyncio.gather(
        *(
            subscribe(live_client, ada, a_browser(f"{ENDPOINT}/{number}"))
            for number in range(MOST_SUBSCRIPTIONS + 3)
        )
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] * MOST_SUBSCRIPTIONS + [409] * 3
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["code"] == "too-many-push-subscriptions"
    assert len(await endpoints(live_client, ada)) == MOST_SUBSCRIPTIONS


async def test_the_same_request_sent_again_has_the_same_answer(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    ada = await live_sign_up()
    headers = {**ada.headers, "Idempotency-Key": "once"}
    browser = a_browser()
    first = await live_client.post(URL, json=browser, headers=headers)
    second = await live_client.post(URL, json=browser, headers=headers)
    assert (first.json(), second.headers["idempotent-replayed"]) == (second.json(), "true")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("p256dh", ""),
        ("p256dh", "not base64!"),
        ("p256dh", encoded(b"\4" + bytes(64))),
        ("p256dh", encoded(b"\5" * 65)),
        ("p256dh", point_of(ec.derive_private_key(7, ec.SECP384R1()))),
        ("p256dh", "é" * 20),
        ("auth", ""),
        ("auth", encoded(bytes(15))),
        ("auth", encoded(bytes(17))),
        ("auth", None),
    ],
)
async def test_keys_that_are_none_are_refused(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, field: str, value: object
) -> None:
    browser = a_browser()
    browser["keys"][field] = value
    answer = await subscribe(live_client, await live_sign_up(), browser)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [f"keys.{field}"]


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://10.0.0.1/x",
        "https://[::1]/x",
        "ftp://push.example.com/x",
        "https://user@push.example.com/x",
        "https://2130706433x:443:443/",
        "https://push.example.com/" + "x" * 2048,
        "push",
    ],
)
async def test_an_endpoint_that_may_not_be_called_is_refused(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, endpoint: str
) -> None:
    answer = await subscribe(live_client, await live_sign_up(), a_browser(endpoint))
    assert answer.status_code == 422, answer.text
    assert "endpoint" in answer.json()["errors"][0]["field"]


async def test_the_shops_key_is_public(live_client: httpx.AsyncClient) -> None:
    answer = await live_client.get("/api/v1/push/vapid-key")
    assert answer.json() == {"public_key": point_of(SERVER_KEY)}


async def test_a_shop_without_a_key_offers_no_push(client: httpx.AsyncClient, seller: Caller) -> None:
    for answer in (
        await client.get("/api/v1/push/vapid-key"),
        await subscribe(client, seller, a_browser()),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "push-not-offered")
