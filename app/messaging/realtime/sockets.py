"""WebSockets: a stream that also takes commands, and whose members talk to each other."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson
from fastapi import Request
from pydantic import ValidationError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.core.cache.hot import HotCache
from app.core.db.engine import Database
from app.core.db.faults import Fault
from app.core.db.transaction import transaction
from app.core.errors import AppError
from app.core.http.handshakes import as_request, refuse_handshake
from app.core.http.problems import (
    GENERIC,
    answer_refusal,
    fault_response,
    field_problem,
    problem_response,
)
from app.messaging.realtime.access import find_channels
from app.messaging.realtime.channels import MOST_CHANNELS, Channel, Kind
from app.messaging.realtime.hub import Hub
from app.messaging.realtime.schemas import (
    COMMANDS,
    Command,
    Echo,
    ErrorMessage,
    Ping,
    Pong,
    Say,
    StreamMessage,
    Subscribe,
    Subscribed,
)
from app.messaging.realtime.stream import Ending, Listener, Outgoing, Stream, outgoing
from app.messaging.support.models import LONGEST
from app.messaging.support.service import Draft, SupportService

SOCKET_PATH = "/api/v1/ws/{client_id}"
_MOST_ERRORS_SHOWN = 3
_ACTIONS = "subscribe, unsubscribe, message or ping"
_FLOOD = 3
"""Seconds' worth of messages beyond the rate after which a client is cut."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Who opens a socket, what they hear at first, and after which event they go on."""

    listener: Listener
    channels: Sequence[Channel]
    after: str | None


Admit = Callable[[Request], Awaitable[Opening]]
"""Who may open a socket by this handshake. Raises what is answered in its place."""


class SocketWire:
    """An accepted WebSocket."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._abort = scope.get("extensions", {}).get("bookstore.abort", {}).get("abort")
        self._send = send

    async def send(self, message: Outgoing) -> None:
        """Write it. Raises OSError when nobody is there."""
        if message.text is None:
            return
        try:
            await self._send({"type": "websocket.send", "text": message.text})
        except RuntimeError as late:
            raise ConnectionError("The client has closed.") from late

    async def close(self, last: Outgoing, ending: Ending) -> None:
        """Write the last message, and close."""
        await self.send(last)
        await self._send({"type": "websocket.close", "code": ending.code, "reason": ending.reason})

    def abort(self) -> None:
        """Drop the connection, where the server lets us."""
        if self._abort is not None:
            self._abort()


async def serve_socket(hub: Hub, admit: Admit, scope: Scope, receive: Receive, send: Send) -> None:
    """Accept the socket or refuse its handshake, as `admit` says, and talk until either side ends it."""
    scope["state"]["route_template"] = SOCKET_PATH
    opened = await _open(hub, admit, scope, receive, send)
    if opened is None:
        return
    talk, after = opened
    try:
        await receive()
        await send({"type": "websocket.accept"})
        # What the handshake showed was looked at; thousands of these may be open for long.
        scope["headers"][:] = [header for header in scope["headers"] if header[0] == b"user-agent"]
        await hub.tell_from(talk.stream, after)
        while (message := await receive())["type"] == "websocket.receive":
            await talk.take(message.get("text"))
    except OSError:
        # The client left before the handshake was through.
        return
    finally:
        hub.leave(talk.stream)


async def _open(
    hub: Hub, admit: Admit, scope: Scope, receive: Receive, send: Send
) -> "tuple[_Conversation, str | None] | None":
    """The conversation, and after which event it goes on; None where the handshake was refused."""
    request = as_request(scope)
    try:
        opening = await admit(request)
        stream = Stream(opening.listener, opening.channels, SocketWire(scope, send), hub.settings)
        await hub.enter(stream)
    except Exception as fault:  # noqa: BLE001 - as middleware does for requests
        await refuse_handshake(scope, receive, send, await _refusal(request, fault))
        return None
    state = request.app.state
    return _Conversation(hub, stream, state.database, state.cache), opening.after


async def _refusal(request: Request, fault: Exception) -> Response:
    if isinstance(fault, AppError):
        return await answer_refusal(request, fault)
    if isinstance(fault, ValidationError):
        return problem_response(request, "validation", _told(fault))
    if isinstance(fault, ValueError):
        return problem_response(request, "validation", str(fault))
    return fault_response(request, fault)


def _told(error: ValidationError) -> str:
    problems = [field_problem(one) for one in error.errors()[:_MOST_ERRORS_SHOWN]]
    return "; ".join(f"{problem['field']}: {problem['message']}" for problem in problems)


class _Conversation:
    """What one client says, and what it is answered."""

    __slots__ = ("_cache", "_database", "_hub", "_tokens", "_tokens_at", "stream")

    def __init__(self, hub: Hub, stream: Stream, database: Database, cache: HotCache) -> None:
        self._hub = hub
        self.stream = stream
        self._database = database
        self._cache = cache
        self._tokens = float(hub.settings.rate)
        self._tokens_at = asyncio.get_running_loop().time()

    async def take(self, text: str | None) -> None:
        """Answer one message."""
        if text is not None and len(text.encode()) > self._hub.settings.message_size:
            self.stream.end(Ending.MESSAGE_TOO_BIG)
        elif not self._is_within_rate():
            return
        elif text is None:
            self._refuse("invalid-message", "Messages are text.")
        else:
            await self._answer(text)

    def _is_within_rate(self) -> bool:
        now, rate = asyncio.get_running_loop().time(), self._hub.settings.rate
        self._tokens = min(rate, self._tokens + (now - self._tokens_at) * rate) - 1
        self._tokens_at = now
        if self._tokens >= 0:
            return True
        if self._tokens < -_FLOOD * rate:
            self.stream.end(Ending.TOO_MANY_MESSAGES)
        else:
            self._refuse(
                "too-many-messages", f"At most {rate} messages a second; this one counts for nothing."
            )
        return False

    async def _answer(self, text: str) -> None:
        sent = _read_object(text)
        if sent is None:
            client_id = self.stream.listener.client_id
            self._reply(Echo(client_id=client_id, content=text, echo=f"Server received: {text}"))
            return
        action = sent["action"]
        command = COMMANDS.get(action) if isinstance(action, str) else None
        if command is None:
            self._refuse("invalid-message", f"action: must be {_ACTIONS}")
            return
        named = sent.get("channel")
        channel = named if isinstance(named, str) else None
        try:
            await self._obey(command.model_validate(sent))
        except ValidationError as error:
            self._refuse("invalid-message", _told(error))
        except AppError as refusal:
            self._refuse(refusal.code, refusal.detail, channel)
        except Exception as fault:
            if not Fault.of(fault).is_passing:
                raise
            self._refuse("unavailable", GENERIC["unavailable"][2], channel)

    async def _obey(self, command: Command) -> None:
        if isinstance(command, Ping):
            self._reply(Pong())
            return
        caller = self.stream.listener.principal
        [channel] = await find_channels(self._database, caller, [command.channel])
        is_member = channel in self.stream.channels
        if isinstance(command, Subscribe):
            if not is_member and len(self.stream.channels) >= MOST_CHANNELS:
                self._refuse("too-many-channels", f"At most {MOST_CHANNELS} of a stream.", channel.name)
                return
            self._hub.subscribe(self.stream, channel)
            self._reply(Subscribed(status="subscribed", channel=command.channel))
        elif isinstance(command, Say):
            if is_member and channel.kind is Kind.SUPPORT:
                await self._write(channel.of, command.content)
            elif is_member:
                self._hub.say(self.stream, channel, command.content)
            else:
                self._refuse("not-subscribed", "Subscribe to the channel first.", command.channel)
        else:
            self._hub.unsubscribe(self.stream, channel)
            self._reply(Subscribed(status="unsubscribed", channel=command.channel))

    async def _write(self, number: str, content: str) -> None:
        """Keep it; the others hear of it by the feed, as whoever comes later does."""
        if len(content) > LONGEST:
            self._refuse("invalid-message", f"content: at most {LONGEST} characters", f"support:{number}")
            return
        listener = self.stream.listener
        async with transaction(self._database, self._cache) as session:
            draft = Draft(number, content, listener.client_id, self.stream.id)
            await SupportService.build(session).write(listener.principal, draft)

    def _reply(self, message: StreamMessage) -> None:
        self.stream.offer(outgoing(message))

    def _refuse(self, code: str, detail: str, channel: str | None = None) -> None:
        self._reply(ErrorMessage(code=code, detail=detail, channel=channel))


def _read_object(text: str) -> Mapping[str, object] | None:
    """The JSON object with an `action`; None for any other text."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) and "action" in found else None
