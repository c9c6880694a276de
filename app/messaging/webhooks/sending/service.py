"""What is sent next, and what follows from what came of it."""

from collections.abc import Sequence
from typing import Self
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import publish
from app.core.metrics import (
    WEBHOOK_DEAD_LETTERS,
    WEBHOOK_ENDPOINTS_DISABLED,
    WEBHOOK_TRIES,
    count_at_commit,
)
from app.core.outbound_tries import is_gone, pause_after
from app.messaging.payloads import body_of
from app.messaging.public_events import envelope
from app.messaging.webhooks.events import WebhookDisabled
from app.messaging.webhooks.repository import WebhookRepository
from app.messaging.webhooks.sending.repository import Claimed, Outcome, SendingRepository, is_too_often


class SendingService:
    """Claims deliveries and records tries, in one transaction."""

    def __init__(
        self, session: AsyncSession, deliveries: SendingRepository, webhooks: WebhookRepository
    ) -> None:
        self._session = session
        self._deliveries = deliveries
        self._webhooks = webhooks

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, SendingRepository(session), WebhookRepository(session))

    async def claim(self, most: int, lease: float) -> Sequence[Claimed]:
        """Begin tries that are due, each with its body; what its owner may not hear any more is given up."""
        claimed = await self._deliveries.claim(most, lease)
        forbidden = [each.id for each in claimed if not each.is_allowed]
        ready = [
            each if each.body else each._replace(body=_made(each)) for each in claimed if each.is_allowed
        ]
        unknown = [each.id for each in ready if each.body is None]
        bodies = {each.id: each.body for each in ready if each.body is not None}
        new = [(each.id, bodies[each.id]) for each in claimed if each.body is None and each.id in bodies]
        await self._deliveries.keep_bodies(new)
        await self._deliveries.reject(forbidden, "no longer the owner's to hear of, or no longer kept")
        await self._deliveries.reject(unknown, "of a kind that this release does not tell")
        self._count_dead("withheld", len(forbidden) + len(unknown))
        return [each for each in ready if each.body is not None]

    async def record(self, claimed: Claimed, outcome: Outcome) -> None:
        """Record a try: after a failure the next by the schedule, the breaker, and in the end the mail to the owner."""
        if outcome.is_delivered:
            await self._deliveries.count_success(claimed)
            await self._deliveries.record(claimed, "delivered", outcome, 0)
            count_at_commit(self._session, WEBHOOK_TRIES.labels("delivered"))
            return
        failures = await self._deliveries.count_failure(claimed, outcome.wish)
        pause = pause_after(claimed.attempt, outcome.status, outcome.wish)
        state = "dead" if pause is None else "pending"
        gone = is_gone(outcome.status)
        self._count_dead("disabled" if gone else "tries", pause is None)
        count_at_commit(self._session, WEBHOOK_TRIES.labels("failed" if state == "pending" else "dead"))
        await self._deliveries.record(claimed, state, outcome, pause or 0)
        if gone:
            await self._disable(claimed, "gone")
        elif is_too_often(failures):
            await self._disable(claimed, "failures")

    async def _disable(self, claimed: Claimed, why: str) -> None:
        if not await self._deliveries.disable(claimed, why):
            return
        self._count_dead("disabled", await self._webhooks.give_up(claimed.endpoint_id))
        count_at_commit(self._session, WEBHOOK_ENDPOINTS_DISABLED.labels(why))
        host = urlsplit(claimed.url).hostname or ""
        await publish(self._session, WebhookDisabled(claimed.owner_id, claimed.endpoint_id, host, why))

    def _count_dead(self, reason: str, count: int) -> None:
        count_at_commit(self._session, WEBHOOK_DEAD_LETTERS.labels(reason), count)


def _made(claimed: Claimed) -> str | None:
    """The body of the event; None for one that this release cannot tell of."""
    event = None if claimed.event is None else envelope(claimed.event)
    return None if event is None else body_of(event, claimed.payload)
