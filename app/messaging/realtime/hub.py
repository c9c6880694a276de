"""The streams of one process: reads the feed once for all of them, and tells each what its channels have.

Redis says when places in the feed were given. Whoever missed that, since Redis was away, looks into the database every
second: the feed has no gaps, so that nothing is missed in between. The streams are told that events may be late.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import structlog

from app.core.db.engine import Database
from app.core.db.faults import Fault
from app.core.events.feed import Bounds, FeedEvent, feed_bounds, live_channel, read_feed
from app.core.events.live import hear
from app.core.http.leaving import LEAVING
from app.core.metrics import STREAMS_DEGRADED, STREAMS_ENDED, STREAMS_OPEN
from app.core.redis import REDIS_FAULTS, RedisClient
from app.core.settings.streams import StreamSettings
from app.core.tasks import end_tasks
from app.messaging.public_events import EventOut, envelope
from app.messaging.realtime.channels import Channel, Kind, channels_of, read_channel
from app.messaging.realtime.errors import StreamsFull
from app.messaging.realtime.queries import Standing, list_live_keys, list_live_sessions, list_missed
from app.messaging.realtime.quota import StreamQuota
from app.messaging.realtime.schemas import (
    Connected,
    Degraded,
    EventMessage,
    Recovered,
    Reset,
    SaidAboutOrder,
)
from app.messaging.realtime.stream import HEARTBEAT, Ending, Outgoing, Stream, outgoing
from app.messaging.realtime.talk import Talk, Utterance
from app.messaging.support.events import SupportMessageWritten
from app.messaging.support.schemas import Author

MOST_TOLD_OF_LEAVING = 64
"""Members of a channel in one process; were they more, a proxy's end would make each tell all the others."""
MOST_MISSED = 1000
"""Events that somebody who comes again is told one by one."""
MOST_BEHIND = 100_000
"""Places of the feed that are searched for them."""
_BATCH = 32
_READ_AT_ONCE = 1000
_TICK = 0.1
_TICKS_PER_LOOK = 5
_POLL_EVERY = 1.0
_FULL_RETRY = "5"
_log = structlog.get_logger(__name__)


class Hub:
    """Knows who listens to what. `last` is the place up to which its streams were told."""

    def __init__(self, database: Database, redis: RedisClient, settings: StreamSettings) -> None:
        self.settings = settings
        self.last = 0
        self.is_degraded = False
        self._database = database
        self._redis = redis
        self._quota = StreamQuota(redis, settings.per_user)
        self._streams: dict[Stream, None] = {}
        self._entering = 0
        self._by_channel: defaultdict[Channel, dict[Stream, None]] = defaultdict(dict)
        self._places = ""
        self._talk = Talk(redis, self._pass_on)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Listen, and keep the time."""
        duties = (self._run(), self._keep_time(), self._keep_order(), self._keep_places())
        self._tasks = [asyncio.create_task(duty) for duty in duties]

    async def stop(self) -> None:
        """End every stream."""
        self._end_all(Ending.RESTART)
        await end_tasks(self._tasks)
        await self._talk.stop()
        await self._quota.stop()

    async def enter(self, stream: Stream) -> None:
        """Make room for the stream. Raises StreamsFull, TooManyStreams."""
        if LEAVING.hangs_up or len(self._streams) + self._entering >= self.settings.per_worker:
            raise StreamsFull(
                "This server takes no more streams; try again.", headers={"Retry-After": _FULL_RETRY}
            )
        self._entering += 1
        try:
            await self._quota.enter(stream.listener.principal.user_id, stream.id)
        finally:
            self._entering -= 1
        self._streams[stream] = None
        STREAMS_OPEN.inc()

    async def tell_from(self, stream: Stream, after: str | None) -> None:
        """Say hello, tell what was missed after that event, and from then on what happens."""
        for channel in stream.channels:
            self._by_channel[channel][stream] = None
        async with self._database.reading() as connection:
            bounds = await feed_bounds(connection)
        if all(other.is_behind for other in self._streams):
            # Nobody waits to be told by the hub: those that are behind read for themselves.
            self.last = max(self.last, bounds.last)
        place = _read_place(after, bounds)
        stream.place = bounds.last if place is None else place
        names = [channel.name for channel in stream.channels]
        client_id = stream.listener.client_id
        hello = Connected(
            client_id=client_id, message=f"Connected as {client_id}", channels=names, sequence=stream.place
        )
        stream.offer(outgoing(hello, stream.place))
        if self.is_degraded:
            stream.offer(outgoing(Degraded()))
        if place is None and after:
            stream.offer(outgoing(Reset(sequence=stream.place), stream.place))
        try:
            await self._catch_up(stream)
        except Exception as fault:
            if not Fault.of(fault).is_passing:
                raise
            stream.end(Ending.UNAVAILABLE)

    def leave(self, stream: Stream) -> None:
        """Tell it no more."""
        stream.forget()
        if stream not in self._streams:
            return
        del self._streams[stream]
        for channel in list(stream.channels):
            self.unsubscribe(stream, channel)
        self._quota.leave(stream.listener.principal.user_id, stream.id)
        STREAMS_OPEN.dec()
        STREAMS_ENDED.labels("left" if stream.ending is None else stream.ending.reason).inc()

    def subscribe(self, stream: Stream, channel: Channel) -> None:
        """From now on it hears the channel."""
        stream.channels[channel] = None
        self._by_channel[channel][stream] = None

    def unsubscribe(self, stream: Stream, channel: Channel) -> None:
        """From now on it does not."""
        stream.channels.pop(channel, None)
        listening = self._by_channel[channel]
        was_there = listening.pop(stream, stream) is None
        if not listening:
            del self._by_channel[channel]
        if was_there and stream.listener.speaks and not LEAVING.hangs_up:
            self.say(stream, channel, None)

    def say(self, stream: Stream, channel: Channel, content: str | None) -> None:
        """Tell the channel's other members; without content, that the stream leaves."""
        self._talk.say(Utterance(channel.name, stream.listener.client_id, stream.id, content))

    def _pass_on(self, said: Utterance) -> None:
        channel = read_channel(said.channel, 0)
        members = (
            [member for member in self._by_channel.get(channel, ()) if member.listener.speaks]
            if channel
            else []
        )
        if said.content is None and len(members) > MOST_TOLD_OF_LEAVING:
            return
        message = Outgoing(b"", said.message.model_dump_json())
        for member in members:
            if member.id != said.origin:
                member.offer(message)

    async def _catch_up(self, stream: Stream) -> None:
        """Tell what is between the stream's place and the hub's; from there on the hub tells it."""
        limit = max(1, min(_BATCH, self.settings.waiting // 2))
        told = 0
        while stream.ending is None:
            target = self.last
            if stream.place >= target:
                stream.is_behind = False
                return
            found: Sequence[FeedEvent] = ()
            if stream.channels:
                async with self._database.reading() as connection:
                    found = await list_missed(connection, stream.channels, stream.place, limit)
            told += len(found)
            if told > MOST_MISSED:
                stream.place = max(stream.place, target)
                stream.offer(outgoing(Reset(sequence=stream.place), stream.place))
                continue
            for event in found:
                self._tell(event, {stream: _matched(stream, channels_of(event))})
            if len(found) < limit:
                stream.place = max(stream.place, target)
            await stream.drained()

    def _tell(self, event: FeedEvent, streams: dict[Stream, tuple[Channel, ...]]) -> None:
        public = envelope(event)
        if public is None:
            return
        lines = f"id: {event.sequence}\ndata: {public.model_dump_json()}\n\n".encode()
        messages: dict[tuple[Channel, ...], Outgoing] = {}
        for stream, channels in streams.items():
            if event.sequence <= stream.place:
                continue
            message = messages.get(channels)
            if message is None:
                message = messages[channels] = Outgoing(lines, _text(event, public, channels))
            stream.place = event.sequence
            if event.payload.get("origin") != stream.id:
                stream.offer(message)

    async def _read(self) -> None:
        """Tell everybody what came into the feed."""
        while self._streams:
            async with self._database.reading() as connection:
                found = await read_feed(connection, self.last, _READ_AT_ONCE)
            for event in found:
                heard: dict[Stream, tuple[Channel, ...]] = {}
                channels = channels_of(event)
                for channel in channels:
                    for stream in self._by_channel.get(channel, ()):
                        if not stream.is_behind:
                            heard[stream] = (*heard.get(stream, ()), channel)
                if heard:
                    self._tell(event, heard)
                self.last = event.sequence
            if len(found) < _READ_AT_ONCE:
                return
            await asyncio.sleep(0)

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except REDIS_FAULTS as fault:
                _log.warning("streams_lost_redis", error=fault)
            except Exception as fault:  # noqa: BLE001 - as below
                _log.warning("streams_not_told", error=fault, exc_info=fault)
            self._set_degraded(is_degraded=True)
            try:
                await self._read()
            except Exception as fault:  # noqa: BLE001 - whatever it was, the next look is in a second
                _log.warning("feed_not_read", error=fault)
            await asyncio.sleep(_POLL_EVERY)

    async def _listen(self) -> None:
        self._places = await live_channel(self._database)
        channels = [self._places, await self._talk.name_channel(self._database), self._quota.presence]
        await hear(self._redis, channels, self._begin_hearing, self._hear)

    async def _begin_hearing(self) -> None:
        if not self._streams:
            async with self._database.reading() as connection:
                self.last = (await feed_bounds(connection)).last
        await self._read()
        self._set_degraded(is_degraded=False)

    async def _hear(self, channel: str, message: bytes) -> None:
        if channel != self._places:
            self._talk.receive(message)
            return
        last = int(message.split()[1])
        if last > self.last:
            await self._read()
            self.last = max(self.last, last)

    def _set_degraded(self, *, is_degraded: bool) -> None:
        if self.is_degraded is is_degraded:
            return
        self.is_degraded = is_degraded
        STREAMS_DEGRADED.set(is_degraded)
        message = outgoing(Degraded() if is_degraded else Recovered())
        for stream in list(self._streams):
            stream.offer(message)

    async def _keep_time(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(_TICK)
            if LEAVING.hangs_up:
                self._end_all(Ending.RESTART)
            ticks += 1
            if ticks % _TICKS_PER_LOOK == 0:
                now = asyncio.get_running_loop().time()
                for stream in list(self._streams):
                    self._look_at_clock(stream, now)

    async def _keep_order(self) -> None:
        while True:
            await asyncio.sleep(self.settings.check)
            try:
                await self._end_those_without_access()
            except Exception as fault:  # noqa: BLE001 - whatever it was, they are checked again soon
                _log.warning("streams_not_checked", error=fault)

    async def _keep_places(self) -> None:
        # Apart from the rest: who may not listen any more is told in time though Redis hangs.
        while True:
            await asyncio.sleep(self.settings.check)
            await self._quota.renew(self._streams)

    def _look_at_clock(self, stream: Stream, now: float) -> None:
        token_ends_at = stream.listener.ends_at
        if token_ends_at is not None and token_ends_at <= now:
            stream.end(Ending.TOKEN_EXPIRED)
        elif stream.ends_at <= now:
            stream.end(Ending.LIFETIME)
        elif now - stream.sent_at >= self.settings.heartbeat:
            stream.sent_at = now
            stream.offer(HEARTBEAT)

    async def _end_those_without_access(self) -> None:
        streams = list(self._streams)
        sessions = {each.listener.principal.session_id for each in streams} - {None}
        keys = {each.listener.principal.api_key_id for each in streams} - {None}
        live: list[Standing] = []
        if sessions:
            async with self._database.reading() as connection:
                live += await list_live_sessions(connection, [one for one in sessions if one is not None])
        if keys:
            async with self._database.reading() as connection:
                live += await list_live_keys(connection, [one for one in keys if one is not None])
        roles = {one.id: one.role for one in live}
        for stream in streams:
            principal = stream.listener.principal
            role = roles.get(principal.session_id or str(principal.api_key_id))
            if role is None:
                stream.end(Ending.SESSION_ENDED)
            elif role is not principal.role:
                stream.end(Ending.ACCESS_CHANGED)

    def _end_all(self, ending: Ending) -> None:
        for stream in list(self._streams):
            stream.end(ending)


def _text(event: FeedEvent, public: EventOut, channels: Sequence[Channel]) -> str:
    """As a WebSocket is told; of what is said on a channel for support, as of what is said on any other."""
    said_on = [channel for channel in channels if channel.kind is Kind.SUPPORT]
    if said_on:
        written = SupportMessageWritten(**event.payload)
        return SaidAboutOrder(
            channel=said_on[0].name,
            client_id=written.client_id,
            content=written.content,
            message_id=written.message_id,
            author=Author(written.author),
            sequence=event.sequence,
        ).model_dump_json()
    return EventMessage(channels=[channel.name for channel in channels], event=public).model_dump_json()


def _matched(stream: Stream, channels: Sequence[Channel]) -> tuple[Channel, ...]:
    return tuple(channel for channel in channels if channel in stream.channels)


def _read_place(after: str | None, bounds: Bounds) -> int | None:
    """The place after which somebody goes on; None: from now, since they name none, or none that is kept."""
    if not after or not after.isascii() or not after.isdigit() or len(after) > len(str(bounds.last)):
        return None
    place = int(after)
    is_kept = bounds.oldest - 1 <= place <= bounds.last
    return place if is_kept and bounds.last - place <= MOST_BEHIND else None
