"""Claims deliveries, and records what came of each try.

Everybody locks a webhook before its deliveries. A claim is a lease: of a worker that was killed the deliveries are due
again when it ends, with the same message id.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.driver import fetch
from app.core.events.feed import FeedEvent
from app.core.outbound_tries import PAUSES, TRIES, is_taken
from app.messaging.audience import MANAGERS, OWN_TYPES, PUBLIC_TYPES
from app.messaging.webhooks.sending.queries import IS_WAITING, MAY_BE_TRIED
from app.messaging.webhooks.sending.schedule import BREAKER, DISABLING, PARALLEL

# `ready`: webhooks with something due, and how many more tries each may have at once; of one that just failed it is
# one, so that a dead receiver holds few of the sender's places, and for no longer than the breaker lets it.
# Asked webhook by webhook, and what is chosen by id (`|| ''` is no condition of an index): until statistics are taken in
# the middle of a backlog the planner believes that next to nothing is pending, and would each time read all that is.
_CLAIM = f"""
    WITH ready AS MATERIALIZED (
        SELECT endpoint.id, ordered, room FROM webhook_endpoints AS endpoint, LATERAL (
            SELECT CASE WHEN failures > 0 THEN 1 ELSE $1::integer END - count(*) AS room
            FROM webhook_deliveries AS sent WHERE sent.endpoint_id = endpoint.id AND sent.claimed_until > now()
        ) AS free, LATERAL ({IS_WAITING}) AS waiting
        WHERE disabled_at IS NULL AND (paused_until IS NULL OR paused_until <= now()) AND room > 0
        ORDER BY random() LIMIT $2 FOR NO KEY UPDATE OF endpoint SKIP LOCKED
    ), chosen AS MATERIALIZED (
        SELECT due.id FROM ready AS endpoint, LATERAL ({MAY_BE_TRIED} LIMIT room) AS due LIMIT $2
    )
    UPDATE webhook_deliveries
    SET attempts = attempts + 1, attempted_at = now(), claimed_until = now() + make_interval(secs => $3),
        due_at = now() + make_interval(secs => $3)
    WHERE id = ANY(ARRAY(SELECT id FROM chosen)) AND state || '' = 'pending' AND due_at <= now()
    RETURNING id
"""  # noqa: S608 (constants of ours alone)
# What the owner may hear is asked anew with each try.
_READ = """
    SELECT delivery.id, delivery.attempts, delivery.attempted_at, delivery.message_id, delivery.body, delivery.sequence,
        endpoint.id AS endpoint_id, endpoint.user_id AS owner_id, endpoint.url, endpoint.payload, sealed_keys,
        CASE WHEN old_keys_until > now() THEN old_sealed_keys END AS old_sealed_keys,
        event.id AS event_id, event.type, event.subject, event.user_id AS concerns, event.payload::text AS told,
        event.created_at,
        users.is_active AND (delivery.sequence IS NULL OR (event.id IS NOT NULL AND (
            event.type = ANY($2) OR (event.type = ANY($3) AND event.user_id = endpoint.user_id)
            OR (endpoint.all_accounts AND users.role = ANY($4))
        ))) AS is_allowed
    FROM webhook_deliveries AS delivery
    JOIN webhook_endpoints AS endpoint ON endpoint.id = delivery.endpoint_id
    JOIN users ON users.id = endpoint.user_id
    LEFT JOIN outbox_events AS event ON event.sequence = delivery.sequence
    WHERE delivery.id = ANY($1) ORDER BY delivery.id
"""
_KEEP_BODIES = """
    UPDATE webhook_deliveries SET body = made.body
    FROM unnest($1::bigint[], $2::text[]) AS made (id, body) WHERE webhook_deliveries.id = made.id
"""
_REJECT = """
    UPDATE webhook_deliveries SET state = 'dead', claimed_until = NULL, attempts = attempts - 1, error = $2
    WHERE id = ANY($1)
"""
# What came of a try says nothing of an address that was put in the place of the one that was tried.
_RECOVERED = """
    UPDATE webhook_endpoints SET failures = 0, failed_at = NULL, paused_until = NULL
    WHERE id = $1 AND url = $2 AND failures > 0
"""
# Tries that were under way together fail together: they are one failure.
_FAILED = """
    UPDATE webhook_endpoints SET failures = failures + 1, failed_at = now(), paused_until = CASE
        WHEN failures + 1 >= $3 OR $5 > 0 THEN now() + make_interval(secs => greatest(
            CASE WHEN failures + 1 >= $3 THEN ($4::float8[])[least(failures + 1, cardinality($4::float8[]))] ELSE 0 END
                * (0.9 + random() / 5), $5))
    END
    WHERE id = $1 AND url = $6 AND disabled_at IS NULL AND (failed_at IS NULL OR failed_at <= $2) RETURNING failures
"""
_DISABLE = """
    UPDATE webhook_endpoints SET disabled_at = now(), disabled_reason = $2, version = version + 1, updated_at = now()
    WHERE id = $1 AND url = $3 AND disabled_at IS NULL RETURNING id
"""
# A try that another one overtook changes nothing of the delivery, but it was made, so it is kept as well. What was taken
# while its webhook was disabled was given up too early.
_RECORD = """
    WITH recorded AS (
        UPDATE webhook_deliveries SET state = $3, claimed_until = NULL, status = $6, duration_ms = $7, error = $8,
            delivered_at = CASE WHEN $3 = 'delivered' THEN now() END,
            due_at = now() + make_interval(secs => $10)
        WHERE id = $1 AND attempts = $2 AND attempted_at = $4 AND (state || '' = 'pending' OR $3 = 'delivered')
    ), purged AS (
        DELETE FROM webhook_tries WHERE delivery_id = $1 AND attempted_at IN (
            SELECT attempted_at FROM webhook_tries WHERE delivery_id = $1 ORDER BY attempted_at DESC OFFSET $11
        )
    )
    INSERT INTO webhook_tries (delivery_id, attempted_at, url, status, duration_ms, error, answer)
    SELECT id, $4, $5, $6, $7, $8, $9 FROM webhook_deliveries WHERE id = $1
    ON CONFLICT DO NOTHING
"""


class Claimed(NamedTuple):
    """A delivery of which this is the try to make; `attempted_at` is its beginning by the database's clock."""

    id: int
    attempt: int
    attempted_at: datetime
    message_id: str
    endpoint_id: int
    owner_id: int
    url: str
    payload: str
    sealed_keys: Sequence[str]
    body: str | None
    event: FeedEvent | None
    is_allowed: bool


class Outcome(NamedTuple):
    """What came of a try: a status and what was answered, or else an error; the pause that the receiver wishes."""

    seconds: float
    status: int | None = None
    error: str | None = None
    answer: str | None = None
    wish: float = 0

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver took it."""
        return is_taken(self.status)


class SendingRepository:
    """Deliveries under way, in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def claim(self, most: int, lease: float) -> Sequence[Claimed]:
        """Begin tries that are due, at most so many, for so many seconds."""
        ids = [row["id"] for row in await fetch(self._session, _CLAIM, PARALLEL, most, lease)]
        if not ids:
            return []
        rows = await fetch(self._session, _READ, ids, PUBLIC_TYPES, OWN_TYPES, MANAGERS)
        return [
            Claimed(
                id=row["id"],
                attempt=row["attempts"],
                attempted_at=row["attempted_at"],
                message_id=row["message_id"],
                endpoint_id=row["endpoint_id"],
                owner_id=row["owner_id"],
                url=row["url"],
                payload=row["payload"],
                sealed_keys=[row["sealed_keys"], *(row["old_sealed_keys"] or "").split()],
                body=row["body"],
                event=None
                if row["event_id"] is None
                else FeedEvent(
                    sequence=row["sequence"],
                    id=row["event_id"],
                    type=row["type"],
                    subject=row["subject"],
                    user_id=row["concerns"],
                    payload=orjson.loads(row["told"]),
                    created_at=row["created_at"],
                ),
                is_allowed=row["is_allowed"],
            )
            for row in rows
        ]

    async def keep_bodies(self, made: Sequence[tuple[int, str]]) -> None:
        """Remember what these deliveries are sent, to send the same bytes the next time."""
        if made:
            await fetch(self._session, _KEEP_BODIES, [each[0] for each in made], [each[1] for each in made])

    async def reject(self, ids: Sequence[int], error: str) -> None:
        """Give deliveries up without a try."""
        if ids:
            await fetch(self._session, _REJECT, ids, error)

    async def count_success(self, claimed: Claimed) -> None:
        """Close the breaker."""
        await fetch(self._session, _RECOVERED, claimed.endpoint_id, claimed.url)

    async def count_failure(self, claimed: Claimed, wish: float) -> int:
        """Count it, unless one that was under way with it was counted; failures in a row, 0 for one not counted."""
        pauses = [float(pause) for pause in PAUSES]
        given = (claimed.endpoint_id, claimed.attempted_at, BREAKER, pauses, wish, claimed.url)
        counted = await fetch(self._session, _FAILED, *given)
        return int(counted[0]["failures"]) if counted else 0

    async def disable(self, claimed: Claimed, reason: str) -> bool:
        """Send nothing to it any more; False when it was disabled before, or has another address."""
        return bool(await fetch(self._session, _DISABLE, claimed.endpoint_id, reason, claimed.url))

    async def record(self, claimed: Claimed, state: str, outcome: Outcome, pause: float) -> None:
        """Record the try, and when the next may begin, unless another one overtook it."""
        sent = (claimed.attempted_at, claimed.url)
        seen = (outcome.status, round(outcome.seconds * 1000), outcome.error, outcome.answer)
        given = (claimed.id, claimed.attempt, state, *sent, *seen, pause, TRIES - 1)
        await fetch(self._session, _RECORD, *given)


def is_too_often(failures: int) -> bool:
    """Whether a webhook is disabled after so many failures in a row."""
    return failures >= DISABLING
