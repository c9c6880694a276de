"""How far the sending of webhooks is behind."""

from typing import NamedTuple

from app.core.db.driver import Connection, fetch

IS_DUE = """
    one.endpoint_id = endpoint.id AND one.state = 'pending' AND one.due_at <= now()
    AND (NOT endpoint.ordered OR NOT EXISTS (
        SELECT FROM webhook_deliveries AS earlier
        WHERE earlier.endpoint_id = one.endpoint_id AND earlier.subject = one.subject
            AND earlier.sequence < one.sequence AND earlier.state = 'pending'
    ))
"""
"""Which deliveries of `endpoint` may be tried now."""

# A webhook at which a try is under way is as far as its receiver lets it be; one that waits for its breaker is late
# from the end of the pause on.
_BACKLOG = f"""
    SELECT (SELECT count(*) FROM webhook_deliveries WHERE state = 'pending') AS pending, (
        SELECT count(*) FROM webhook_endpoints WHERE disabled_at IS NULL AND paused_until > now()
    ) AS held_off, coalesce((
        SELECT max(extract(epoch FROM clock_timestamp() - greatest(due.due_at, paused_until)))
        FROM webhook_endpoints AS endpoint, LATERAL (
            SELECT due_at FROM webhook_deliveries AS one WHERE {IS_DUE} ORDER BY due_at LIMIT 1
        ) AS due
        WHERE disabled_at IS NULL AND (paused_until IS NULL OR paused_until <= now()) AND NOT EXISTS (
            SELECT FROM webhook_deliveries AS sent
            WHERE sent.endpoint_id = endpoint.id AND sent.claimed_until > now()
        )
    ), 0)::float8 AS age
"""  # noqa: S608 (constants of ours alone)


class WebhookBacklog(NamedTuple):
    """Deliveries to be tried, seconds for which one could have been, and webhooks that are held off."""

    pending: int
    age: float
    held_off: int


async def read_backlog(connection: Connection) -> WebhookBacklog:
    """Read how much waits, in one statement."""
    [row] = await fetch(connection, _BACKLOG)
    return WebhookBacklog(row["pending"], row["age"], row["held_off"])
