"""A real SMTP server on loopback that keeps what it accepts, and does what a test tells it."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope

ACCEPTED = "250 kept"
Answer = Callable[[EmailMessage], Awaitable[str]]


async def accept(_message: EmailMessage) -> str:
    return ACCEPTED


@dataclass
class PostOffice:
    """`messages` are those that were accepted; `answer` decides, once the whole mail is there."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    seen: int = 0
    answer: Answer = accept
    refused: str | None = None
    stalls: bool = False
    stalled: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, _server: object, _session: object, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.refused:
            return self.refused
        if self.stalls:
            self.stalled.set()
            await self.released.wait()
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:  # noqa: N802 - as above
        content: Any = envelope.content
        message = message_from_bytes(content, policy=policy.default)
        self.seen += 1
        answer = await self.answer(message)
        if answer == ACCEPTED:
            self.messages.append(message)
        return answer

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def to(self, recipient: str) -> list[EmailMessage]:
        return [message for message in self.messages if message["To"] == recipient]

    async def receives(self, count: int = 1, within: float = 15) -> list[EmailMessage]:
        """Wait until that many mails were accepted."""
        async with asyncio.timeout(within):
            while len(self.messages) < count:
                await asyncio.sleep(0.02)
        return self.messages


@asynccontextmanager
async def open_post_office(port: int = 0) -> AsyncIterator[PostOffice]:
    office = PostOffice()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(office, hostname="localhost", enable_SMTPUTF8=True, loop=loop), "127.0.0.1", port
    )
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        server.close()
        server.close_clients() if hasattr(server, "close_clients") else None


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    """What the mail says, as plain text or as `html`."""
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def token_of(mail: EmailMessage, page: str) -> str:
    """The token of the link that leads to this page."""
    found = re.search(rf"https://shop\.example\.com{page}\?token=(\S+)", text_of(mail))
    assert found, text_of(mail)
    return found[1]
