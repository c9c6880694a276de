"""How far the sending of webhooks is behind."""

from typing import NamedTuple

from app.core.db.driver import Connection, fetch

IS_WAITING = """
    SELECT FROM webhook_deliveries
    WHERE endpoint_id = endpoint.id AND state = 'pending' AND due_at <= now() ORDER BY due_at LIMIT 1
"""
"""Whether something is due at `endpoint`; asked of one after the other, where EXISTS may read all that is due."""

# Those of `endpoint` that may be tried now, the oldest first; no more than a few are to be asked for. Of an ordered one
# thousands may wait for a single event that failed, so it is not looked far for one that does not: then the first of
# each subject is taken in the order of subjects, from one to the next by the index `in_order`. That index has a condition
# of its own, so that it alone serves these look-ups: while its statistics say that next to nothing is pending, the
# planner would as soon take the index `due`, and read all that waits for each of them.
MAY_BE_TRIED = """
    SELECT id, due_at FROM (
        SELECT id, subject, sequence, due_at FROM webhook_deliveries
        WHERE endpoint_id = endpoint.id AND state = 'pending' AND due_at <= now() ORDER BY due_at LIMIT 200
    ) AS one
    WHERE NOT endpoint.ordered OR NOT EXISTS (
        SELECT FROM webhook_deliveries AS earlier
        WHERE earlier.endpoint_id = endpoint.id AND earlier.subject = one.subject
            AND earlier.sequence < one.sequence AND earlier.state NOT IN ('delivered', 'dead')
    )
    UNION ALL (
        WITH RECURSIVE first AS ((
            SELECT id, subject, due_at FROM webhook_deliveries
            WHERE endpoint_id = endpoint.id AND state NOT IN ('delivered', 'dead') AND endpoint.ordered
            ORDER BY subject, sequence LIMIT 1
        ) UNION ALL
            SELECT next.* FROM first, LATERAL (
                SELECT id, subject, due_at FROM webhook_deliveries
                WHERE endpoint_id = endpoint.id AND state NOT IN ('delivered', 'dead') AND subject > first.subject
                ORDER BY subject, sequence LIMIT 1
            ) AS next
        ) SELECT id, due_at FROM first WHERE due_at <= now()
    )
"""

# A webhook at which a try is under way is as far as its receiver lets it be; one that waits for its breaker is late
# from the end of the pause on. Counted by webhook, so that the index of what waits is read, whatever the planner
# believes to be in it.
_BACKLOG = f"""
    SELECT (
        SELECT coalesce(sum(waiting.count), 0) FROM webhook_endpoints AS endpoint, LATERAL (
            SELECT count(*) FROM (
                SELECT FROM webhook_deliveries WHERE endpoint_id = endpoint.id AND state = 'pending'
                ORDER BY due_at LIMIT $1
            ) AS those
        ) AS waiting
    )::bigint AS pending, (
        SELECT count(*) FROM webhook_endpoints WHERE disabled_at IS NULL AND paused_until > now()
    ) AS held_off, coalesce((
        SELECT max(extract(epoch FROM clock_timestamp() - greatest(due.due_at, paused_until)))
        FROM webhook_endpoints AS endpoint, LATERAL ({IS_WAITING}) AS waiting, LATERAL ({MAY_BE_TRIED} LIMIT 1) AS due
        WHERE disabled_at IS NULL AND (paused_until IS NULL OR paused_until <= now()) AND NOT EXISTS (
            SELECT FROM webhook_deliveries AS sent
            WHERE sent.endpoint_id = endpoint.id AND sent.claimed_until > now()
        )
    ), 0)::float8 AS age
"""  # noqa: S608 (constants of ours alone)
MOST_COUNTED = 10_000
"""Deliveries that wait for one webhook, as far as they are counted."""


class WebhookBacklog(NamedTuple):
    """Deliveries to be tried (of one webhook at most `MOST_COUNTED`), seconds for which one could have been, and
    webhooks that are held off.
    """

    pending: int
    age: float
    held_off: int


async def read_backlog(connection: Connection) -> WebhookBacklog:
    """Read how much waits, in one statement."""
    [row] = await fetch(connection, _BACKLOG, MOST_COUNTED)
    return WebhookBacklog(row["pending"], row["age"], row["held_off"])
