"""What waits of webhooks, as metrics."""

import math

from app.core.db.engine import Database
from app.core.metrics import WEBHOOK_BACKLOG_AGE, WEBHOOK_BREAKERS_OPEN, WEBHOOK_PENDING
from app.messaging.webhooks.sending.queries import WebhookBacklog, read_backlog

MEASURE_EVERY = 15.0
"""Seconds: as often as Prometheus asks."""


async def measure_webhooks(database: Database) -> None:
    """Ask PostgreSQL and show it. Raises what it raises, and then shows that nothing is known."""
    waiting: WebhookBacklog | None = None
    try:
        async with database.reading() as connection:
            waiting = await read_backlog(connection)
    finally:
        WEBHOOK_PENDING.set(math.nan if waiting is None else waiting.pending)
        WEBHOOK_BACKLOG_AGE.set(math.nan if waiting is None else waiting.age)
        WEBHOOK_BREAKERS_OPEN.set(math.nan if waiting is None else waiting.held_off)
