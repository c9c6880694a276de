"""Writes webhooks, and the deliveries that events make."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.batches import DELETED_AT_ONCE, delete_some
from app.core.db.driver import fetch
from app.core.events.events import CHANNEL
from app.messaging.audience import ALL_TYPES, MANAGERS, OWN_TYPES, PUBLIC_TYPES
from app.messaging.webhooks.models import WebhookDelivery, WebhookEndpoint

MOST_REPLAYED = 10_000
_TOLD_AT_ONCE = 50
"""Events that one statement makes deliveries of: with a thousand webhooks for everything it still takes seconds."""
_GIVEN_UP_AT_ONCE = 20_000

# Which events concern a webhook: asked for, and its owner's to hear at this moment.
_WANTED = """
    type = ANY($1) AND endpoint.disabled_at IS NULL AND users.is_active
    AND ('*' = ANY(endpoint.events) OR type = ANY(endpoint.events)
        OR split_part(type, '.', 1) || '.*' = ANY(endpoint.events))
    AND (type = ANY($2) OR (type = ANY($3) AND event.user_id = endpoint.user_id)
        OR (endpoint.all_accounts AND users.role = ANY($4)))
"""
_FAN_OUT = f"""
    WITH made AS (
        INSERT INTO webhook_deliveries (endpoint_id, message_id, sequence, type, subject)
        SELECT endpoint.id, 'evt_' || sequence, sequence, type, subject
        FROM outbox_events AS event CROSS JOIN webhook_endpoints AS endpoint
        JOIN users ON users.id = endpoint.user_id
        WHERE sequence BETWEEN $5 AND $6 AND {_WANTED}
        ORDER BY endpoint.id, sequence
        ON CONFLICT DO NOTHING
        RETURNING id
    )
    SELECT pg_notify($7, '') FROM (SELECT FROM made LIMIT 1) AS first_made
"""  # noqa: S608 (constants of ours alone)
_REPLAY = f"""
    WITH wanted AS MATERIALIZED (
        SELECT sequence, type, subject
        FROM outbox_events AS event CROSS JOIN webhook_endpoints AS endpoint
        JOIN users ON users.id = endpoint.user_id
        WHERE endpoint.id = $5 AND event.created_at >= $6 AND event.created_at < $7 AND sequence IS NOT NULL
            AND {_WANTED}
        ORDER BY sequence LIMIT $8
    ), made AS (
        INSERT INTO webhook_deliveries AS present (endpoint_id, message_id, sequence, type, subject)
        SELECT $5, 'evt_' || sequence, sequence, type, subject FROM wanted ORDER BY sequence
        ON CONFLICT (endpoint_id, message_id) DO UPDATE
        SET state = 'pending', attempts = 0, due_at = now(), error = NULL WHERE present.state = 'dead'
        RETURNING id
    )
    SELECT (SELECT count(*) FROM wanted) AS matched, (SELECT count(*) FROM made) AS queued, pg_notify($9, '')
"""  # noqa: S608 (as above)
_REDELIVER = """
    UPDATE webhook_deliveries
    SET state = 'pending', attempts = 0, due_at = greatest(now(), claimed_until), error = NULL
    WHERE endpoint_id = $1 AND id = $2 RETURNING pg_notify($3, '')
"""
_START_OVER = """
    UPDATE webhook_deliveries SET attempts = 0, due_at = greatest(now(), claimed_until)
    WHERE endpoint_id = $1 AND state = 'pending' AND attempts > 0
"""
_GIVE_UP = """
    UPDATE webhook_deliveries SET state = 'dead', error = 'the webhook was disabled', claimed_until = NULL
    WHERE id IN (
        SELECT id FROM webhook_deliveries WHERE endpoint_id = $1 AND state = 'pending' LIMIT $2
    ) RETURNING id
"""
# The webhooks that have deliveries, each found by one look into the index.
_PURGE_OF_DELETED = """
    WITH RECURSIVE addressed (id) AS (
        SELECT min(endpoint_id) FROM webhook_deliveries
        UNION ALL
        SELECT (SELECT min(endpoint_id) FROM webhook_deliveries WHERE endpoint_id > addressed.id)
        FROM addressed WHERE id IS NOT NULL
    ), nobodys AS MATERIALIZED (
        SELECT id FROM addressed WHERE NOT EXISTS (SELECT FROM webhook_endpoints AS endpoint WHERE endpoint.id = addressed.id)
    )
    DELETE FROM webhook_deliveries WHERE id = ANY(ARRAY(
        SELECT delivery.id FROM nobodys JOIN webhook_deliveries AS delivery ON delivery.endpoint_id = nobodys.id LIMIT $1
    )) RETURNING id
"""
_ADD_TEST = """
    INSERT INTO webhook_deliveries (endpoint_id, message_id, type, subject, body) VALUES ($1, $2, $3, $4, $5)
    RETURNING id, pg_notify($6, '')
"""


class Replayed(NamedTuple):
    """Events of a window that a webhook asks for, and those that will be sent."""

    matched: int
    queued: int


class TestMessage(NamedTuple):
    """A made-up event for a webhook."""

    message_id: str
    type: str
    subject: str
    body: str


class WebhookRepository:
    """Webhooks and deliveries of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def count_of_owner(self, owner_id: int) -> int:
        """How many webhooks the account has."""
        theirs = select(func.count()).where(WebhookEndpoint.user_id == owner_id)
        return int(await self._session.scalar(theirs) or 0)

    async def add(self, endpoint: WebhookEndpoint) -> None:
        """Insert the webhook, so that its id is known."""
        self._session.add(endpoint)
        await self._session.flush()

    async def lock(self, webhook_id: int, owner_id: int | None) -> WebhookEndpoint | None:
        """The webhook, if it is the owner's (None: whosever it is), locked until the transaction ends."""
        wanted = select(WebhookEndpoint).where(WebhookEndpoint.id == webhook_id)
        if owner_id is not None:
            wanted = wanted.where(WebhookEndpoint.user_id == owner_id)
        locked = wanted.with_for_update(key_share=True).execution_options(populate_existing=True)
        return (await self._session.scalars(locked)).one_or_none()

    async def flush(self) -> None:
        """Write what changed."""
        await self._session.flush()

    async def delete(self, endpoint: WebhookEndpoint) -> None:
        """Delete the webhook. Its deliveries, of which there may be hundreds of thousands, are nobody's from now on."""
        await self._session.delete(endpoint)
        await self._session.flush()

    async def disable_all(self, owner_id: int) -> Sequence[int]:
        """Disable all that the account has, for what happened to it; their ids."""
        statement = (
            update(WebhookEndpoint)
            .where(WebhookEndpoint.user_id == owner_id, WebhookEndpoint.disabled_at.is_(None))
            .values(
                disabled_at=func.now(),
                disabled_reason="account",
                version=WebhookEndpoint.version + 1,
                updated_at=func.now(),
            )
            .returning(WebhookEndpoint.id)
            .execution_options(synchronize_session=False)
        )
        return (await self._session.scalars(statement)).all()

    async def give_up(self, webhook_id: int) -> int:
        """Make dead letters of all that waits for the webhook, which was disabled; how many."""
        total = 0
        while given_up := len(await fetch(self._session, _GIVE_UP, webhook_id, _GIVEN_UP_AT_ONCE)):
            total += given_up
        return total

    async def start_over(self, webhook_id: int) -> None:
        """Have what was tried in vain tried at a new address, at once and ten times."""
        await fetch(self._session, _START_OVER, webhook_id)

    async def fan_out(self, first: int, last: int) -> None:
        """Make a delivery of each event of this part of the feed for each webhook that it concerns, once."""
        for start in range(first, last + 1, _TOLD_AT_ONCE):
            end = min(start + _TOLD_AT_ONCE - 1, last)
            await fetch(self._session, _FAN_OUT, *_AUDIENCES, start, end, CHANNEL)

    async def replay(self, webhook_id: int, start: datetime, end: datetime) -> Replayed:
        """Make those of a window that there are not yet, and wake those that were given up; at most one too many."""
        most = MOST_REPLAYED + 1
        [row] = await fetch(self._session, _REPLAY, *_AUDIENCES, webhook_id, start, end, most, CHANNEL)
        return Replayed(row["matched"], row["queued"])

    async def end_pause(self, webhook_id: int) -> None:
        """Let the next try come at once, whatever failed before."""
        await self._session.execute(
            update(WebhookEndpoint)
            .where(WebhookEndpoint.id == webhook_id, WebhookEndpoint.paused_until.is_not(None))
            .values(paused_until=None, updated_at=WebhookEndpoint.updated_at)
            .execution_options(synchronize_session=False)
        )

    async def redeliver(self, webhook_id: int, delivery_id: int) -> bool:
        """Have it sent again, with all tries before it; False without such a delivery."""
        return bool(await fetch(self._session, _REDELIVER, webhook_id, delivery_id, CHANNEL))

    async def add_test(self, webhook_id: int, message: TestMessage) -> int:
        """Queue a message that is no event of the feed; the delivery's id."""
        [row] = await fetch(self._session, _ADD_TEST, webhook_id, *message, CHANNEL)
        return int(row["id"])

    async def purge(self, before: datetime) -> int:
        """Delete deliveries made before; return how many."""
        return await delete_some(self._session, WebhookDelivery.id, WebhookDelivery.created_at < before)

    async def purge_of_deleted(self) -> int:
        """Delete deliveries of webhooks that are no more, at most so many; return how many."""
        return len(await fetch(self._session, _PURGE_OF_DELETED, DELETED_AT_ONCE))


_AUDIENCES: Sequence[Sequence[str]] = (ALL_TYPES, PUBLIC_TYPES, OWN_TYPES, MANAGERS)
"""The first parameters of statements with `_WANTED`."""
