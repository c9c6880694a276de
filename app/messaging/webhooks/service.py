"""Registering webhooks, changing them, and having events sent again."""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import record_audit
from app.core.clock import utc_now
from app.core.http.conditional import Precondition
from app.core.metrics import WEBHOOK_DEAD_LETTERS, count_at_commit
from app.core.outbound import Outbound, OutboundBlocked
from app.core.settings.settings import Settings
from app.identity.mfa.secret_vault import SecretVault
from app.identity.permissions import Permission
from app.identity.principal import Principal
from app.identity.sessions.repository import SessionRepository
from app.messaging.access import refuse_more_than_own
from app.messaging.audience import ALL_TYPES, matches
from app.messaging.payloads import body_of
from app.messaging.samples import sample_event
from app.messaging.webhooks.errors import (
    ReplayTooLarge,
    TooManyWebhooks,
    WebhookIsDisabled,
    WebhookUrlRefused,
    no_delivery,
    no_webhook,
)
from app.messaging.webhooks.models import WebhookEndpoint
from app.messaging.webhooks.repository import MOST_REPLAYED, TestMessage, WebhookRepository
from app.messaging.webhooks.schemas import (
    ReplayIn,
    ReplayOut,
    RotationIn,
    WebhookIn,
    WebhookPatch,
)
from app.messaging.webhooks.signing import VAULT, Keys

MOST_OLD_KEYS = 3
_WHOLE = ("events", "description", "payload", "ordered", "all_accounts")


class Made(NamedTuple):
    """A webhook's id, and the secret that it has from now on."""

    webhook_id: int
    secret: str


class WebhookService:
    """Keeps the webhooks of one caller; whoever manages webhooks may also end anybody's."""

    def __init__(
        self, session: AsyncSession, webhooks: WebhookRepository, settings: Settings, outbound: Outbound
    ) -> None:
        self._session = session
        self._webhooks = webhooks
        self._vault = SecretVault(settings.jwt, VAULT)
        self._most = settings.webhooks.per_account
        self._outbound = outbound

    @classmethod
    def build(cls, session: AsyncSession, settings: Settings, outbound: Outbound) -> Self:
        """Compose it on one session."""
        return cls(session, WebhookRepository(session), settings, outbound)

    async def create(self, owner: Principal, request: WebhookIn) -> Made:
        """Register an address. Raises WebhookUrlRefused, InsufficientScope, TooManyWebhooks."""
        url = self._checked(request.url)
        refuse_more_than_own(owner, wanted=request.all_accounts)
        # Locked, against others who would make more, and against what takes the account back.
        await SessionRepository(self._session).require_owner(owner)
        if await self._webhooks.count_of_owner(owner.user_id) >= self._most:
            raise TooManyWebhooks(f"An account has at most {self._most} webhooks; delete one first.")
        keys = Keys.make(request.secret)
        endpoint = WebhookEndpoint(
            user_id=owner.user_id,
            url=url,
            sealed_keys=self._vault.seal(owner.user_id, keys.to_text()),
            public_key=keys.public_key,
            **request.model_dump(include=set(_WHOLE)),
        )
        await self._webhooks.add(endpoint)
        given = {name: (None, _told(getattr(endpoint, name))) for name in ("url", *_WHOLE)}
        self._record("created", endpoint.id, given)
        return Made(endpoint.id, keys.shown_secret)

    async def change(
        self, owner: Principal, webhook_id: int, precondition: Precondition, patch: WebhookPatch
    ) -> None:
        """Set what was sent. A new address, or enabling it, forgets failures, an address those of each delivery too;
        disabling gives up what waits.

        Raises WebhookNotFound, StaleVersion, WebhookUrlRefused, InsufficientScope.
        """
        endpoint = await self._lock_for(owner, webhook_id)
        precondition.check(endpoint.version)
        sent = patch.fields_to_set
        refuse_more_than_own(owner, wanted="all_accounts" in sent and patch.all_accounts)
        before = {name: _told(getattr(endpoint, name)) for name in ("url", *_WHOLE, "disabled_reason")}
        for name in sent & set(_WHOLE):
            setattr(endpoint, name, getattr(patch, name))
        url = self._checked(patch.url) if "url" in sent else endpoint.url
        if url != endpoint.url:
            endpoint.url = url
            await self._webhooks.start_over(webhook_id)
        if {"url", "is_enabled"} & sent:
            endpoint.failures, endpoint.failed_at = 0, None
            endpoint.paused_until = None
        if "is_enabled" in sent and patch.is_enabled:
            endpoint.disabled_at, endpoint.disabled_reason = None, None
        elif "is_enabled" in sent and endpoint.disabled_at is None:
            endpoint.disabled_at, endpoint.disabled_reason = utc_now(), "owner"
            given_up = await self._webhooks.give_up(webhook_id)
            count_at_commit(self._session, WEBHOOK_DEAD_LETTERS.labels("disabled"), given_up)
        await self._webhooks.flush()
        after = {name: _told(getattr(endpoint, name)) for name in before}
        self._record(
            "changed", webhook_id, {n: (before[n], after[n]) for n in before if before[n] != after[n]}
        )

    async def delete(self, caller: Principal, webhook_id: int, precondition: Precondition) -> None:
        """Delete a webhook; nobody sees its deliveries any more. Raises WebhookNotFound, StaleVersion."""
        endpoint = await self._lock(webhook_id, seen_by(caller))
        precondition.check(endpoint.version)
        await self._webhooks.delete(endpoint)
        self._record("deleted", webhook_id, {"url": (_told(endpoint.url), None)})

    async def rotate(self, owner: Principal, webhook_id: int, rotation: RotationIn) -> Made:
        """Give it a new secret and key; the old ones sign beside them for a while. Raises WebhookNotFound.

        Those before the old ones go on too, if they still did: whoever rotates twice may have deployed neither.
        """
        endpoint = await self._lock_for(owner, webhook_id)
        keys = Keys.make(rotation.secret)
        now = utc_now()
        old = [endpoint.sealed_keys]
        if endpoint.old_sealed_keys and endpoint.old_keys_until and endpoint.old_keys_until > now:
            old += endpoint.old_sealed_keys.split()
        overlap_seconds = rotation.overlap_seconds
        endpoint.old_sealed_keys = " ".join(old[:MOST_OLD_KEYS]) if overlap_seconds else None
        endpoint.old_keys_until = now + timedelta(seconds=overlap_seconds) if overlap_seconds else None
        endpoint.sealed_keys = self._vault.seal(owner.user_id, keys.to_text())
        endpoint.public_key = keys.public_key
        await self._webhooks.flush()
        self._record("rotated", webhook_id, {"old_keys_until": (None, endpoint.old_keys_until)})
        return Made(webhook_id, keys.shown_secret)

    async def send_test(self, owner: Principal, webhook_id: int, name: str | None) -> int:
        """Queue a made-up event; the delivery's id. Raises WebhookNotFound, WebhookIsDisabled."""
        endpoint = await self._lock_enabled(owner, webhook_id)
        if name is None:
            name = next(one for one in ALL_TYPES if matches(endpoint.events, one))
        message_id = f"test_{secrets.token_hex(8)}"
        event = sample_event(name, message_id, 0)
        body = body_of(event, endpoint.payload)
        return await self._webhooks.add_test(webhook_id, TestMessage(message_id, name, event.subject, body))

    async def redeliver(self, owner: Principal, webhook_id: int, delivery_id: int) -> None:
        """Have a delivery sent again at once, whatever became of it.

        Raises WebhookNotFound, WebhookIsDisabled, WebhookDeliveryNotFound.
        """
        await self._lock_enabled(owner, webhook_id)
        if not await self._webhooks.redeliver(webhook_id, delivery_id):
            raise no_delivery(delivery_id)

    async def replay(self, owner: Principal, webhook_id: int, window: ReplayIn) -> ReplayOut:
        """Send the events of a window that were never delivered. Raises WebhookNotFound, WebhookIsDisabled, ReplayTooLarge."""
        await self._lock_enabled(owner, webhook_id)
        replayed = await self._webhooks.replay(webhook_id, window.start, window.end)
        if replayed.matched > MOST_REPLAYED:
            raise ReplayTooLarge(f"A replay sends at most {MOST_REPLAYED} events; name a shorter window.")
        return ReplayOut(matched=replayed.matched, queued=replayed.queued)

    async def _lock_for(self, owner: Principal, webhook_id: int) -> WebhookEndpoint:
        # The account first, as whatever takes it back does.
        await SessionRepository(self._session).require_owner(owner)
        return await self._lock(webhook_id, owner.user_id)

    async def _lock(self, webhook_id: int, owner_id: int | None) -> WebhookEndpoint:
        endpoint = await self._webhooks.lock(webhook_id, owner_id)
        if endpoint is None:
            raise no_webhook(webhook_id)
        return endpoint

    async def _lock_enabled(self, owner: Principal, webhook_id: int) -> WebhookEndpoint:
        """The webhook, to which something is to be sent now: it waits for no pause any more."""
        endpoint = await self._lock(webhook_id, owner.user_id)
        if endpoint.disabled_at is not None:
            raise WebhookIsDisabled('Nothing is sent to it: PATCH it with {"is_enabled": true} first.')
        await self._webhooks.end_pause(webhook_id)
        return endpoint

    def _checked(self, url: str) -> str:
        try:
            return self._outbound.check_url(url)
        except OutboundBlocked as blocked:
            reason = str(blocked)
            raise WebhookUrlRefused(
                f"{reason[0].upper()}{reason[1:]}.", errors=WebhookUrlRefused.about("url", reason)
            ) from blocked

    def _record(
        self, what: str, webhook_id: int, changes: Mapping[str, tuple[object, object]] | None = None
    ) -> None:
        record_audit(self._session, f"webhook.{what}", ("webhook", webhook_id), changes)


def seen_by(caller: Principal) -> int | None:
    """Whose webhooks the caller may look at: None for everybody's."""
    return None if caller.may(Permission.WEBHOOKS_MANAGE) else caller.user_id


def _told(value: object) -> object:
    """For the audit log: of an address the host, since the rest may be a secret."""
    if isinstance(value, list):
        return " ".join(value)
    return urlsplit(value).hostname if isinstance(value, str) and "://" in value else value
