"""Sending one text message: a port, an HTTP gateway behind it, or files beside the mails in development."""

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Protocol

import orjson

from app.core.clock import utc_now
from app.core.mail import mail_folder
from app.core.outbound import Outbound, OutboundBlocked, OutboundFailed
from app.core.settings.people import SmsSettings
from app.core.settings.settings import Settings

LONGEST_TEXT = 1600
"""Characters; gateways make ten messages of it at most."""

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_PASSING = frozenset({401, 402, 403, 404, 408, 425, 429})
"""Trouble with our own account or address, or too many at once: not the message's fault."""


class SmsDelayed(Exception):
    """The gateway did not take the message this time: try again."""

    is_log_safe = True


class SmsRefused(Exception):
    """The gateway will never take this message."""

    is_log_safe = True


class SmsSender(Protocol):
    """Where text messages go."""

    async def send(self, number: str, text: str, reference: str) -> None:
        """Send it to a number as E.164 writes it. What is sent again under the same reference is sent once, where the
        gateway keeps to that. Raises SmsDelayed, SmsRefused.
        """


class GatewaySms:
    """An HTTP gateway: one POST of JSON `{to, from, text, reference}`, with a bearer token and an `Idempotency-Key`."""

    def __init__(self, settings: SmsSettings, outbound: Outbound) -> None:
        self._settings = settings
        self._outbound = outbound

    async def send(self, number: str, text: str, reference: str) -> None:
        """Send it; any 2xx means that the gateway has it."""
        content = _content(number, text, reference, self._settings.sender)
        headers = {"Content-Type": "application/json", "Idempotency-Key": reference}
        if self._settings.token is not None:
            headers["Authorization"] = f"Bearer {self._settings.token.get_secret_value()}"
        try:
            answer = await self._outbound.post(self._settings.url, content, headers)
        except (OutboundFailed, OutboundBlocked) as fault:
            # A gateway that is blocked is one that was set wrong, which somebody will set right.
            raise SmsDelayed(str(fault)) from fault
        if answer.status // 100 == 4 and answer.status not in _PASSING:  # noqa: PLR2004 (the client's fault)
            raise SmsRefused(f"the gateway answered {answer.status}")
        if answer.status // 100 != 2:  # noqa: PLR2004 (anything but success)
            raise SmsDelayed(f"the gateway answered {answer.status}")


class FileSms:
    """A folder of `.sms.json` files, one for each reference."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, number: str, text: str, reference: str) -> None:
        """Write the file, whole or not at all."""
        content = _content(number, text, reference, self._sender)
        try:
            await asyncio.to_thread(write_message, self._folder, reference, "sms", content)
        except OSError as fault:
            raise SmsDelayed(f"cannot write to {self._folder}: {fault.strerror}") from fault


def is_sms_offered(settings: Settings) -> bool:
    """Whether the shop has a way to send text messages."""
    return bool(settings.sms.url) or _folder(settings) is not None


def make_sms_sender(settings: Settings, outbound: Outbound) -> SmsSender | None:
    """The gateway that `SMS_URL` names, else files beside the mails; None where neither is there, and so no SMS."""
    if settings.sms.url:
        return GatewaySms(settings.sms, outbound)
    folder = _folder(settings)
    return None if folder is None else FileSms(folder, settings.sms.sender)


def _folder(settings: Settings) -> Path | None:
    return None if settings.in_production else mail_folder(settings.mail)


def write_message(folder: Path, reference: str, kind: str, content: bytes) -> None:
    """Write what would have been sent; under the same reference it is written once. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(reference.encode()).hexdigest()[:20]
    if any(folder.glob(f"*-{digest}.{kind}.json")):
        return
    path = folder / f"{utc_now():%Y%m%dT%H%M%S}-{digest}.{kind}.json"
    partial = path.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(path)


def _content(number: str, text: str, reference: str, sender: str) -> bytes:
    if not _NUMBER.fullmatch(number):
        raise SmsRefused("the number is none as E.164 writes it")
    if not text.strip() or len(text) > LONGEST_TEXT:
        raise SmsRefused(f"a message has 1 to {LONGEST_TEXT} characters")
    return orjson.dumps({"to": number, "from": sender, "text": text, "reference": reference})
