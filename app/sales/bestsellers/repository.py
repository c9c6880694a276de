"""SQL that counts orders for the catalogue: pieces sold, and pairs of items bought together."""

from datetime import timedelta

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import INTERVAL
from sqlalchemy.ext.asyncio import AsyncSession

SOLD_WITHIN = timedelta(days=90)
PAIRED_WITHIN = timedelta(days=365)
LEAST_ORDERS = 3
"""As many orders have both, before anybody is told."""
MOST_OTHERS = 50
"""Of each item."""

_PERIOD = bindparam("period", type_=INTERVAL)
# Only what changed is written, in the order of the ids, as views are: neither waits for the other for ever.
_SOLD = text("""
    WITH counted AS (
        SELECT item_id, sum(quantity) AS pieces FROM order_lines JOIN orders ON orders.id = order_id
        WHERE created_at >= now() - :period AND paid_at IS NOT NULL AND status <> 'cancelled' GROUP BY item_id
    ), changed AS (
        SELECT item_id, coalesce(pieces, 0) AS pieces
        FROM counted FULL JOIN (SELECT item_id, sold FROM item_views WHERE sold > 0) AS known USING (item_id)
        WHERE pieces IS DISTINCT FROM sold
    )
    INSERT INTO item_views AS kept (item_id, views, score, sold)
    SELECT item_id, 0, 0, pieces FROM changed WHERE EXISTS (SELECT FROM items WHERE id = item_id) ORDER BY item_id
    ON CONFLICT (item_id) DO UPDATE SET sold = excluded.sold, is_ranked = false
    RETURNING item_id
""").bindparams(_PERIOD)
# Whoever closed their account, or was erased, has no part in it; at the counter nobody is known.
_PAIRS = text("""
    WITH bought AS MATERIALIZED (
        SELECT DISTINCT order_id, item_id
        FROM orders JOIN order_lines ON order_id = orders.id LEFT JOIN users ON users.id = user_id
        WHERE orders.created_at >= now() - :period AND paid_at IS NOT NULL AND status <> 'cancelled'
            AND (users.is_active OR user_id IS NULL AND channel = 'till')
            AND EXISTS (SELECT FROM items WHERE items.id = item_id)
    ), pairs AS (
        SELECT one.item_id, other.item_id AS other_id, count(*) AS orders,
            row_number() OVER (PARTITION BY one.item_id ORDER BY count(*) DESC, other.item_id) AS place
        FROM bought AS one JOIN bought AS other ON other.order_id = one.order_id AND other.item_id <> one.item_id
        GROUP BY one.item_id, other.item_id HAVING count(*) >= :least
    )
    MERGE INTO bought_together AS known
    USING (SELECT item_id, other_id, orders FROM pairs WHERE place <= :most) AS found
        ON known.item_id = found.item_id AND known.other_id = found.other_id
    WHEN MATCHED AND known.orders <> found.orders THEN UPDATE SET orders = found.orders
    WHEN NOT MATCHED THEN INSERT (item_id, other_id, orders) VALUES (found.item_id, found.other_id, found.orders)
    WHEN NOT MATCHED BY SOURCE THEN DELETE
    RETURNING known.item_id
""").bindparams(_PERIOD)


async def count_sold(session: AsyncSession) -> int:
    """Tell the catalogue how many pieces of each item were sold of late; of how many items that changed."""
    return len((await session.execute(_SOLD, {"period": SOLD_WITHIN})).all())


async def find_pairs(session: AsyncSession) -> int:
    """Tell the catalogue what was bought together in a year; how many pairs are new, gone or counted anew."""
    values = {"period": PAIRED_WITHIN, "least": LEAST_ORDERS, "most": MOST_OTHERS}
    return len((await session.execute(_PAIRS, values)).all())
