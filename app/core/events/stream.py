"""The stream of events under way, as seen by those who only ask how long it is."""

from app.core.db.engine import Database
from app.core.redis import RedisClient


async def queue_name(database: Database) -> str:
    """Name the stream of this database: ids of another one's events would mean something else here."""
    return f"bookstore:events:{await database.identity()}"


async def queue_depth(redis: RedisClient, database: Database) -> int:
    """Count the messages that wait in the stream or are being worked on."""
    return int(await redis.xlen(await queue_name(database)))
