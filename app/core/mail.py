"""Sending one mail: a port, an SMTP server behind it, or a folder of `.eml` files in development.

SMTP has no transactions. Between the last byte of a mail and the server's 250 nobody can know
whether it was accepted, so `send` calls `hand_over` right before the content goes out, and the
caller remembers that: a mail that was handed over by a worker that then died is not sent again.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import aiosmtplib

from app.core.redaction import fault_line
from app.core.settings.groups import MailSettings
from app.core.settings.settings import Settings, SettingsError

HandOver = Callable[[], Awaitable[None]]

CONTENT_TIMEOUTS = 6
"""How many times `MAIL_TIMEOUT` the server may take to accept the content (RFC 5321 §4.5.3.2.6)."""

_PERMANENT = 500
_ACCOUNT_TROUBLE = frozenset({530, 534, 535, 538})
# By the extended code (RFC 3463) where there is one: 550 is also what a server says that dislikes us (5.7.1).
_NO_MAILBOX = re.compile(r"5\d\d[ -]5\.(1\.([12346]|10)|2\.1)\b|55[01] (?!5\.\d)")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"smtp": 587, "smtp+tls": 465}


class MailDelayed(Exception):
    """The server did not take the mail this time: try again."""

    is_log_safe = True


class MailRefused(Exception):
    """The server will never take this mail."""

    is_log_safe = True


class RecipientUnknown(MailRefused):
    """There is no such mailbox: no mail to this address will ever be taken."""


class MailInDoubt(Exception):
    """The server got the whole mail and never said what became of it: do not send it again."""

    is_log_safe = True


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one recipient. `message_id` is the same for each attempt at the same mail.

    `headers` are further ones, of ASCII, such as `List-Unsubscribe`.
    """

    message_id: str
    recipient: str
    subject: str
    text: str
    html: str
    created_at: datetime
    headers: tuple[tuple[str, str], ...] = ()


class Mailer(Protocol):
    """Where mails go."""

    async def send(self, mail: Mail, hand_over: HandOver) -> None:
        """Send it. `hand_over` is awaited before the point of no return, where there is one; if it
        raises, nothing was sent. Raises MailDelayed, MailRefused, MailInDoubt.
        """


class SmtpMailer:
    """An SMTP server: `smtp://` uses STARTTLS where it is offered, and insists on it before it would
    send a password to another machine; `smtp+tls://` is TLS from the first byte.
    """

    def __init__(self, url: str, sender: str, timeout: float) -> None:
        parts = urlsplit(url)
        self._sender = sender
        self._timeout = timeout
        self._host = parts.hostname or "localhost"
        self._port = parts.port or _PORTS[parts.scheme]
        self._username = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._uses_tls = parts.scheme == "smtp+tls"

    async def send(self, mail: Mail, hand_over: HandOver) -> None:
        """Send it as the port says. A refusal with a 5xx is final, but for trouble with our own account."""
        client, content = self._client(), mail_bytes(mail, self._sender)
        try:
            async with asyncio.timeout(self._timeout):
                await self._open(client, mail)
            await hand_over()
            await self._transmit(client, content)
        except aiosmtplib.SMTPResponseException as refusal:
            if refusal.code in _ACCOUNT_TROUBLE:
                # What the server says of a login may repeat it.
                raise MailDelayed(f"{refusal.code} the server refuses our login") from refusal
            said = f"{refusal.code} {refusal.message}"
            if isinstance(refusal, aiosmtplib.SMTPRecipientRefused) and _NO_MAILBOX.match(said):
                raise RecipientUnknown(said) from refusal
            raise (MailRefused if refusal.code >= _PERMANENT else MailDelayed)(said) from refusal
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as fault:
            # A server that hangs up without a word did not take responsibility: as after a 4xx.
            raise MailDelayed(fault_line(fault)) from fault
        finally:
            client.close()

    def _client(self) -> aiosmtplib.SMTP:
        insists = self._password is not None and self._host not in _LOOPBACK
        return aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            use_tls=self._uses_tls,
            start_tls=None if self._uses_tls or not insists else True,
            timeout=self._timeout,
        )

    async def _open(self, client: aiosmtplib.SMTP, mail: Mail) -> None:
        await client.connect()
        wants_utf8 = not mail.recipient.isascii()
        if wants_utf8 and not client.supports_extension("smtputf8"):
            raise MailRefused("the server does not know addresses beyond ASCII (SMTPUTF8)")
        options = ["SMTPUTF8"] if wants_utf8 else []
        encoding = "utf-8" if wants_utf8 else "ascii"
        await client.mail(parseaddr(self._sender)[1], options=options, encoding=encoding)
        await client.rcpt(mail.recipient, encoding=encoding)

    async def _transmit(self, client: aiosmtplib.SMTP, content: bytes) -> None:
        try:
            await client.data(content, timeout=self._timeout * CONTENT_TIMEOUTS)
        except aiosmtplib.SMTPTimeoutError as silence:
            raise MailInDoubt("the server got the mail and did not answer") from silence


class FileMailer:
    """A folder of `.eml` files. The name comes from the mail, so that a second attempt replaces the
    first: there is no point of no return.
    """

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, mail: Mail, hand_over: HandOver) -> None:
        """Write the file, whole or not at all."""
        del hand_over
        try:
            await asyncio.to_thread(self._write, mail)
        except OSError as fault:
            raise MailDelayed(f"cannot write to {self._folder}: {fault.strerror}") from fault

    def _write(self, mail: Mail) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        digest = mail.message_id.strip("<>").partition("@")[0]
        path = self._folder / f"{mail.created_at:%Y%m%dT%H%M%S}-{digest}.eml"
        partial = path.with_suffix(".partial")
        partial.write_bytes(mail_bytes(mail, self._sender))
        partial.replace(path)


def make_mailer(settings: Settings) -> Mailer:
    """Make the mailer that `MAIL_URL` names. Raises SettingsError when it names none, or in production a folder."""
    mail = settings.mail
    folder = mail_folder(mail)
    if mail.url is None or (folder is not None and settings.in_production):
        raise SettingsError("MAIL_URL: say where mails go, such as smtp://user:password@mail.example.com:587")
    if folder is not None:
        return FileMailer(folder, mail.sender)
    return SmtpMailer(mail.url.get_secret_value(), mail.sender, mail.timeout)


def mail_folder(settings: MailSettings) -> Path | None:
    """The folder that `MAIL_URL` names, if it names one."""
    parts = urlsplit(settings.url.get_secret_value() if settings.url else "")
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def mail_bytes(mail: Mail, sender: str) -> bytes:
    """The message as it goes over the wire: text and HTML side by side, marked as made by a machine."""
    message = EmailMessage(policy=SMTP if mail.recipient.isascii() else SMTPUTF8)
    name, address = parseaddr(sender)
    # Not `addr_spec`, which refuses addresses beyond ASCII.
    message["From"] = Address(name, *address.rsplit("@", 1))
    message["To"] = Address("", *mail.recipient.rsplit("@", 1))
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    # Beside the library, which writes a word that is longer than a line in a code that programs do not read in them.
    more = "".join(f"{name}: {value}\r\n" for name, value in mail.headers)
    return more.encode("ascii") + message.as_bytes()
