"""Lists that an address may be on without an account: the token that puts it there, and the one that takes it off."""

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta
from enum import StrEnum
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.settings.groups import JwtSettings
from app.identity.derived_keys import derived_key
from app.identity.errors import InvalidOneTimeToken
from app.identity.verification.service import one_time_token_hash
from app.messaging.email.models import OptInToken
from app.messaging.email.repository import OptInRepository

OPT_IN_LIFETIME = timedelta(hours=48)
_TOKEN_BYTES = 32
_SIGNATURE_BYTES = 18


class MailList(StrEnum):
    """What an address can be on, and leave by one click."""

    NEWSLETTER = "newsletter"
    ALERT = "alert"
    FOLLOWS = "follows"
    """Of an account, whose id is the target."""


class OptInService:
    """Issues the tokens of double opt-in, and takes them back."""

    def __init__(self, tokens: OptInRepository) -> None:
        self._tokens = tokens

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(OptInRepository(session))

    async def issue(self, mail_list: MailList, target_id: int) -> str:
        """A new token (256 bits), of which only the hash is kept; it lasts 48 hours, works once and ends older ones."""
        raw = secrets.token_urlsafe(_TOKEN_BYTES)
        now = utc_now()
        await self._tokens.end(mail_list, target_id, now)
        token = OptInToken(
            purpose=mail_list.value,
            target_id=target_id,
            token_hash=one_time_token_hash(raw),
            created_at=now,
            expires_at=now + OPT_IN_LIFETIME,
        )
        await self._tokens.add(token)
        return raw

    async def get_target(self, mail_list: MailList, raw: str) -> int:
        """What the token is for, used or not. Raises InvalidOneTimeToken."""
        target_id = await self._tokens.find_target(mail_list, one_time_token_hash(raw))
        if target_id is None:
            raise dead_link()
        return target_id

    async def use(self, mail_list: MailList, raw: str) -> None:
        """Use the token up. Raises InvalidOneTimeToken."""
        if not await self._tokens.use(mail_list, one_time_token_hash(raw), utc_now()):
            raise dead_link()

    async def end(self, mail_list: MailList, target_id: int) -> None:
        """End what was issued for this and not used yet."""
        await self._tokens.end(mail_list, target_id, utc_now())


def dead_link() -> InvalidOneTimeToken:
    """One answer for unknown, used, expired and outdated tokens."""
    return InvalidOneTimeToken(
        "The link was used, is older than 48 hours or than another one that we sent, or is not ours; ask for a new one."
    )


def unsubscribe_token(settings: JwtSettings, mail_list: MailList, target_id: int) -> str:
    """The token that ends this, whoever sends it: signed, valid for as long as JWT_SECRET is, good for nothing else."""
    return f"{target_id}.{_signature(settings, mail_list, target_id)}"


def unsubscribed_target(settings: JwtSettings, mail_list: MailList, token: str) -> int | None:
    """What the token ends; None for one that is not ours."""
    digits, _, signature = token.partition(".")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(2**63)):
        return None
    target_id = int(digits)
    expected = _signature(settings, mail_list, target_id)
    is_ours = hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
    return target_id if is_ours and str(target_id) == digits else None


def _signature(settings: JwtSettings, mail_list: MailList, target_id: int) -> str:
    key = derived_key(settings, "unsubscribing")
    digest = hmac.new(key, f"{mail_list.value}:{target_id}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:_SIGNATURE_BYTES]).decode()
