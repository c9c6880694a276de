"""Takes dead letters away: back into the outbox, or for good."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, Text, bindparam, delete, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import CHANNEL, DeadLetter

# The event itself may be deleted by now: it then comes back under its own id, by which deliveries are told apart.
_RETRY = text("""
    WITH picked AS (
        SELECT id FROM dead_letters WHERE id = :event OR type = :type ORDER BY id FOR UPDATE
    ), gone AS (
        DELETE FROM dead_letters USING picked WHERE dead_letters.id = picked.id RETURNING dead_letters.*
    ), revived AS (
        INSERT INTO outbox_events (id, type, payload, created_at) OVERRIDING SYSTEM VALUE
        SELECT id, type, payload, created_at FROM gone
        ON CONFLICT (id) DO UPDATE
        SET done_at = NULL, attempts = 0, available_at = now(), locked_until = now()
    )
    SELECT id, type, error, pg_notify(:channel, '') FROM gone ORDER BY id
""").bindparams(
    bindparam("event", type_=BigInteger()), bindparam("type", type_=Text()), bindparam("channel", CHANNEL)
)


class Letter(NamedTuple):
    """A dead letter that was taken away."""

    id: int
    type: str
    error: str


class DeadLetterRepository:
    """Dead letters of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def retry(self, *, event_id: int | None = None, kind: str | None = None) -> Sequence[Letter]:
        """Give the event, or all of a type, to the worker as if never tried; which those were."""
        found = await self._session.execute(_RETRY, {"event": event_id, "type": kind})
        return [Letter(row.id, row.type, row.error) for row in found]

    async def discard(self, event_id: int) -> Letter | None:
        """Delete the letter; None where there is none."""
        gone = delete(DeadLetter).where(DeadLetter.id == event_id)
        columns = (DeadLetter.id, DeadLetter.type, DeadLetter.error)
        row = (await self._session.execute(gone.returning(*columns))).one_or_none()
        return None if row is None else Letter(*row)
