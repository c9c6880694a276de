"""What members of a channel say to each other, through Redis to every process; nothing of it is kept."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from pydantic import TypeAdapter

from app.core.db.engine import Database
from app.core.events.feed import live_channel
from app.core.redis import REDIS_FAULTS, RedisClient
from app.messaging.realtime.schemas import Left, Said

_MOST_WAITING = 10_000
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one stream, whose id is `origin`, says to a channel; without `content`: that it leaves."""

    channel: str
    client_id: str
    origin: str
    content: str | None

    @property
    def message(self) -> Said | Left:
        """As the others are told."""
        if self.content is None:
            text = f"Client {self.client_id} left"
            return Left(channel=self.channel, client_id=self.client_id, message=text)
        return Said(channel=self.channel, client_id=self.client_id, content=self.content)


_utterance_json = TypeAdapter(Utterance)


class Talk:
    """Passes on what is said, in its order; while Redis is away, to the members in this process alone."""

    def __init__(self, redis: RedisClient, hear: Callable[[Utterance], None]) -> None:
        self._redis = redis
        self._hear = hear
        self._waiting: deque[Utterance] = deque(maxlen=_MOST_WAITING)
        self._telling: asyncio.Task[None] | None = None
        self.channel = ""

    async def name_channel(self, database: Database) -> str:
        """The channel of Redis on which it passes."""
        self.channel = f"{await live_channel(database)}:talk"
        return self.channel

    def say(self, said: Utterance) -> None:
        """Tell every process, this one too."""
        self._waiting.append(said)
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell())

    def receive(self, data: bytes) -> None:
        """Take what Redis brings."""
        self._hear(_utterance_json.validate_json(data))

    async def stop(self) -> None:
        """Tell what is still to be told."""
        if self._telling is not None:
            await self._telling

    async def _tell(self) -> None:
        try:
            while self._waiting:
                said = self._waiting.popleft()
                try:
                    await self._redis.publish(self.channel, _utterance_json.dump_json(said))
                except REDIS_FAULTS as fault:
                    _log.debug("talk_is_local", error=fault)
                    self._hear(said)
        finally:
            self._telling = None
