"""SQL of views.

An item's score is the logarithm of its views, each of which weighs twice what one weighed a half-life before.
So scores of different days compare, and nothing has to be counted down as time goes by.
What was sold goes before any score: scores grow by one in 20 days, and are below `PER_PIECE` for centuries.
"""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import BigInteger, Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

HALF_LIFE = timedelta(days=14)
"""After so long a view counts half."""
PER_PIECE = 10_000
"""What a piece that was sold adds to the popularity."""

# In the order of the ids, so that no two workers wait for each other. Below the smallest exponent nothing is added.
_RECORD = text("""
    WITH seen AS (
        SELECT item_id, count FROM unnest(:ids, :id_counts) AS by_id (item_id, count)
        UNION ALL
        SELECT item_id, count FROM unnest(:isbns, :isbn_counts) AS by_isbn (isbn, count) JOIN books ON isbn13 = isbn
    )
    INSERT INTO item_views AS kept (item_id, views, score)
    SELECT item_id, sum(count), ln(sum(count)) + extract(epoch FROM now()) / :half_life * ln(2)
    FROM seen WHERE EXISTS (SELECT FROM items WHERE id = item_id) GROUP BY item_id ORDER BY item_id
    ON CONFLICT (item_id) DO UPDATE SET
        views = kept.views + excluded.views,
        score = greatest(kept.score, excluded.score) + ln(1 + exp(-least(abs(kept.score - excluded.score), 700))),
        is_ranked = false
""").bindparams(
    bindparam("ids", type_=ARRAY(BigInteger)),
    bindparam("id_counts", type_=ARRAY(BigInteger)),
    bindparam("isbns", type_=ARRAY(Text)),
    bindparam("isbn_counts", type_=ARRAY(BigInteger)),
)
# An item that somebody is changing is left for the next time: this waits for nobody.
_RANK = text("""
    WITH due AS MATERIALIZED (
        SELECT item_id, :per_piece * sold + score AS popularity FROM item_views JOIN items ON items.id = item_id WHERE NOT is_ranked
        ORDER BY item_id FOR NO KEY UPDATE SKIP LOCKED
    ), ranked AS (UPDATE item_views SET is_ranked = true FROM due WHERE item_views.item_id = due.item_id)
    UPDATE items SET popularity = due.popularity FROM due WHERE items.id = due.item_id RETURNING items.id
""")
_FORGET = text("""
    DELETE FROM item_views WHERE NOT EXISTS (SELECT FROM items WHERE id = item_id) RETURNING item_id
""")


async def record_views(connection: AsyncConnection, ids: Mapping[int, int], isbns: Mapping[str, int]) -> None:
    """Add these views of items, by id and by ISBN; what does not exist has none."""
    values = {
        "ids": list(ids),
        "id_counts": list(ids.values()),
        "isbns": list(isbns),
        "isbn_counts": list(isbns.values()),
        "half_life": HALF_LIFE.total_seconds(),
    }
    await connection.execute(_RECORD, values)


async def rank_items(session: AsyncSession) -> int:
    """Let items that were looked at or sold stand where their sales and views put them; how many."""
    return len((await session.execute(_RANK, {"per_piece": PER_PIECE})).all())


async def forget_views(session: AsyncSession) -> int:
    """Drop the views of items that are gone; how many items they were of."""
    return len((await session.execute(_FORGET)).all())
