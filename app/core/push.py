"""Sending one push message to a browser: a port, Web Push (RFC 8030, 8291, 8292) behind it, or files in development."""

import asyncio
import base64
import hashlib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import orjson
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from app.core.mail import mail_folder
from app.core.outbound import Outbound, OutboundBlocked, OutboundFailed
from app.core.settings.settings import Settings
from app.core.sms import write_message

LARGEST_PAYLOAD = 3000
"""Bytes; push services take 4,096 with what encryption adds, some less."""
KEPT_FOR = 24 * 3600
"""Seconds for which the push service keeps a message for a browser that is away."""

_GONE = frozenset({404, 410})
_TOO_LARGE = 413
_PASSING = frozenset({401, 403, 408, 425, 429})


class PushSubscription(NamedTuple):
    """What a browser's `PushSubscription.toJSON()` says: where its push service is, and its keys in base64url."""

    endpoint: str
    p256dh: str
    auth: str


class PushDelayed(Exception):
    """The push service did not take the message this time: try again."""

    is_log_safe = True


class PushRefused(Exception):
    """The push service will never take this message."""

    is_log_safe = True


class PushGone(Exception):
    """The subscription has ended: forget it."""

    is_log_safe = True


class PushSender(Protocol):
    """Where push messages go."""

    async def send(self, subscription: PushSubscription, payload: bytes, reference: str) -> None:
        """Send it; of what waits under the same reference the push service keeps the newest.

        Raises PushDelayed, PushRefused, PushGone.
        """


class WebPushSender:
    """Web Push, encrypted for the browser alone and signed by VAPID."""

    def __init__(self, private_key: bytes, contact: str, outbound: Outbound) -> None:
        public = load_pem_private_key(private_key, None).public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        # Imported by whoever sends.
        self._library: Any = import_module("webpush")
        self._webpush = self._library.WebPush(private_key, pem, contact, KEPT_FOR)
        self._outbound = outbound

    async def send(self, subscription: PushSubscription, payload: bytes, reference: str) -> None:
        """Send it by the outbound client: a browser's push service is an address that others name."""
        _check(payload)
        content, headers = self._sealed(subscription, payload)
        # A topic is a name in base64url of 32 characters at most (RFC 8030 §5.4).
        topic = hashlib.sha256(reference.encode()).hexdigest()[:32]
        try:
            answer = await self._outbound.post(subscription.endpoint, content, {**headers, "topic": topic})
        except OutboundBlocked as fault:
            raise PushRefused(str(fault)) from fault
        except OutboundFailed as fault:
            raise PushDelayed(str(fault)) from fault
        _judge(answer.status)

    def _sealed(self, subscription: PushSubscription, payload: bytes) -> tuple[bytes, Mapping[str, str]]:
        keys = {"auth": subscription.auth, "p256dh": subscription.p256dh}
        try:
            subscribed = self._library.WebPushSubscription(endpoint=subscription.endpoint, keys=keys)
            message = self._webpush.get(payload, subscribed)
        except ValueError as fault:
            raise PushRefused("the subscription's address or keys are not right") from fault
        return message.encrypted, {**message.headers, "content-type": "application/octet-stream"}


class FilePush:
    """A folder of `.push.json` files, one for each reference."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, subscription: PushSubscription, payload: bytes, reference: str) -> None:
        """Write the file, whole or not at all."""
        _check(payload)
        said = {"endpoint": subscription.endpoint, "payload": payload.decode(errors="replace")}
        content = orjson.dumps({**said, "reference": reference})
        try:
            await asyncio.to_thread(write_message, self._folder, reference, "push", content)
        except OSError as fault:
            raise PushDelayed(f"cannot write to {self._folder}: {fault.strerror}") from fault


def public_key(settings: Settings) -> str | None:
    """The public key of VAPID as browsers want it; None where no private one is set."""
    if settings.push.private_key is None:
        return None
    key = load_pem_private_key(settings.push.private_key.get_secret_value().encode(), None).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def is_push_offered(settings: Settings) -> bool:
    """Whether the shop has a way to send push messages."""
    return settings.push.private_key is not None or _folder(settings) is not None


def make_push_sender(settings: Settings, outbound: Outbound) -> PushSender | None:
    """Web Push where `PUSH_PRIVATE_KEY` is set, else files beside the mails; None where neither is there, and so no push."""
    push = settings.push
    if push.private_key is not None:
        return WebPushSender(push.private_key.get_secret_value().encode(), push.contact, outbound)
    folder = _folder(settings)
    return None if folder is None else FilePush(folder)


def _folder(settings: Settings) -> Path | None:
    return None if settings.in_production else mail_folder(settings.mail)


def _check(payload: bytes) -> None:
    if not 0 < len(payload) <= LARGEST_PAYLOAD:
        raise PushRefused(f"a message has 1 to {LARGEST_PAYLOAD} bytes")


def _judge(status: int) -> None:
    if status in _GONE:
        raise PushGone(f"the push service answered {status}")
    if status == _TOO_LARGE or (status // 100 in {3, 4} and status not in _PASSING):
        raise PushRefused(f"the push service answered {status}")
    if status // 100 != 2:  # noqa: PLR2004 (anything but success)
        raise PushDelayed(f"the push service answered {status}")
