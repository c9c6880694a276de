"""Text messages and push messages: what leaves, and what becomes of each answer."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt import decode
from pydantic import SecretStr, ValidationError

from app.core.outbound import Outbound
from app.core.push import (
    LARGEST_PAYLOAD,
    FilePush,
    PushDelayed,
    PushGone,
    PushRefused,
    PushSubscription,
    WebPushSender,
)
from app.core.settings.outbound import OutboundSettings
from app.core.settings.people import PushSettings, SmsSettings
from app.core.sms import FileSms, GatewaySms, SmsDelayed, SmsRefused
from tests.receiver import LOOPBACK, Receiver, serve

pytestmark = pytest.mark.anyio

NUMBER = "+4930123456"
OURS = Outbound(OutboundSettings(networks=LOOPBACK))
SERVER_KEY = ec.generate_private_key(ec.SECP256R1())
SERVER_PEM = SERVER_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
BROWSER_KEY = ec.generate_private_key(ec.SECP256R1())
AUTH = b"sixteen byte key"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A gateway, or a push service."""
    async for one in serve(Receiver(), None):
        yield one


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _files(folder: Path) -> list[dict[str, str]]:
    return [orjson.loads(path.read_bytes()) for path in folder.iterdir()]


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _subscription(endpoint: str) -> PushSubscription:
    return PushSubscription(endpoint, _encoded(_point(BROWSER_KEY.public_key())), _encoded(AUTH))


def _opened(body: bytes) -> bytes:
    """What a browser makes of a message: RFC 8291, written out."""
    ends = 21 + body[20]
    salt, sender = body[:16], body[21:ends]
    shared = BROWSER_KEY.exchange(
        ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
    )

    def derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
        return HKDF(hashes.SHA256(), length, salt, info).derive(secret)

    info = b"WebPush: info\0" + _point(BROWSER_KEY.public_key()) + sender
    secret = derive(shared, AUTH, info, 32)
    key = derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = derive(secret, salt, b"Content-Encoding: nonce\0", 12)
    return AESGCM(key).decrypt(nonce, body[ends:], None).removesuffix(b"\2")


async def test_a_text_message_goes_to_the_gateway_with_its_reference(receiver: Receiver) -> None:
    url = f"http://127.0.0.1:{receiver.port}/messages"
    settings = SmsSettings(url=url, token=SecretStr("a-token"), sender="Bücher")
    await GatewaySms(settings, OURS).send(NUMBER, "Dein Paket ist da 📦", "event-7")
    ((request, body),) = receiver.requests
    said = {"to": NUMBER, "from": "Bücher", "text": "Dein Paket ist da 📦", "reference": "event-7"}
    assert (orjson.loads(body), request.path) == (said, "/messages")
    assert request.headers["authorization"] == "Bearer a-token"
    assert request.headers["idempotency-key"] == "event-7"


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/status/400", SmsRefused),
        ("/status/422", SmsRefused),
        ("/status/401", SmsDelayed),
        ("/status/429", SmsDelayed),
        ("/status/302", SmsDelayed),
        ("/status/500", SmsDelayed),
        ("/hang-up", SmsDelayed),
    ],
)
async def test_what_the_gateway_says_decides_on_another_try(
    receiver: Receiver, path: str, error: type[Exception]
) -> None:
    gateway = GatewaySms(SmsSettings(url=f"http://127.0.0.1:{receiver.port}{path}"), OURS)
    with pytest.raises(error):
        await gateway.send(NUMBER, "Hello", "1")


async def test_a_gateway_that_may_not_be_called_is_one_that_was_set_wrong() -> None:
    gateway = GatewaySms(SmsSettings(url="https://10.0.0.1/messages"), OURS)
    with pytest.raises(SmsDelayed, match="may not be called"):
        await gateway.send(NUMBER, "Hello", "1")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("030123456", "a"),
        ("+0123456789", "a"),
        ("+49 30 1", "a"),
        ("+٤٩٣٠١٢٣٤٥", "a"),
        (NUMBER, " "),
        (NUMBER, "a" * 1601),
    ],
)
async def test_what_is_no_message_is_refused_here(tmp_path: Path, number: str, text: str) -> None:
    with pytest.raises(SmsRefused):
        await FileSms(tmp_path, "Bookstore").send(number, text, "1")
    assert _files(tmp_path) == []


async def test_development_writes_each_message_once_beside_its_mails(tmp_path: Path) -> None:
    for _ in range(2):
        await FileSms(tmp_path, "Bookstore").send(NUMBER, "Hello", "../../event 7")
        await FilePush(tmp_path).send(_subscription("https://push.example/1"), b'{"a": 1}', "../../event 7")
    push, sms = sorted(_files(tmp_path), key=lambda said: "text" in said)
    assert (sms["text"], push["payload"]) == ("Hello", '{"a": 1}')


async def test_a_push_message_is_for_its_browser_alone_and_signed(receiver: Receiver) -> None:
    endpoint = f"http://127.0.0.1:{receiver.port}/push/abc"
    payload = '{"title": "Wieder da: Bücher"}'.encode()
    await WebPushSender(SERVER_PEM, "shop@example.com", OURS).send(
        _subscription(endpoint), payload, "event-7"
    )
    ((request, body),) = receiver.requests
    assert payload not in body
    assert _opened(body) == payload
    headers = request.headers
    assert (headers["content-encoding"], headers["ttl"], len(headers["topic"])) == ("aes128gcm", "86400", 32)
    token, key = (
        part.partition("=")[2] for part in headers["authorization"].removeprefix("vapid ").split(", ")
    )
    claims = decode(token, SERVER_KEY.public_key(), ["ES256"], audience="http://127.0.0.1")
    assert claims["sub"] == "mailto:shop@example.com"
    assert key == _encoded(_point(SERVER_KEY.public_key()))


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/status/404", PushGone),
        ("/status/410", PushGone),
        ("/status/400", PushRefused),
        ("/status/413", PushRefused),
        ("/status/301", PushRefused),
        ("/status/429", PushDelayed),
        ("/status/503", PushDelayed),
        ("/hang-up", PushDelayed),
    ],
)
async def test_what_the_push_service_says_decides_on_the_subscription(
    receiver: Receiver, path: str, error: type[Exception]
) -> None:
    sender = WebPushSender(SERVER_PEM, "shop@example.com", OURS)
    with pytest.raises(error):
        await sender.send(_subscription(f"http://127.0.0.1:{receiver.port}{path}"), b"{}", "1")


async def test_a_subscription_reaches_nothing_inside() -> None:
    sender = WebPushSender(SERVER_PEM, "shop@example.com", Outbound(OutboundSettings()))
    for endpoint in ("https://169.254.169.254/latest", "https://localhost/", "http://10.0.0.1/", "nothing"):
        with pytest.raises(PushRefused):
            await sender.send(_subscription(endpoint)._replace(endpoint=endpoint), b"{}", "1")
    broken = _subscription("https://push.example/")
    for keys in ({"p256dh": "AAAA"}, {"p256dh": "ü"}, {"p256dh": ""}):
        with pytest.raises(PushRefused):
            await sender.send(broken._replace(**keys), b"{}", "1")
    for payload in (b"", b"a" * (LARGEST_PAYLOAD + 1)):
        with pytest.raises(PushRefused):
            await sender.send(broken, payload, "1")


def test_settings_that_are_no_key_are_refused() -> None:
    assert (
        PushSettings(private_key=SecretStr(SERVER_PEM.decode().replace("\n", "\\n"))).private_key is not None
    )
    assert PushSettings(private_key=SecretStr("")).private_key is None
    other = ec.generate_private_key(ec.SECP384R1())
    for wrong in ("no key", other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()):
        with pytest.raises(ValidationError):
            PushSettings(private_key=SecretStr(wrong))
    with pytest.raises(ValidationError):
        SmsSettings(url="gateway.example.com")
