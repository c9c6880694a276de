"""`Idempotency-Key`: a POST that is sent twice happens once, and has the same answer both times."""

import hashlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any

import orjson
import structlog
from fastapi import Depends, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from python_multipart.multipart import parse_options_header
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.db.engine import Database
from app.core.db.faults import Fault
from app.core.db.idempotency_keys import Claim, Vault, find_sent_before
from app.core.db.transaction import SessionDep
from app.core.errors import AppError, refuses
from app.core.http.problems import GENERIC
from app.core.http.schemas import shaped
from app.core.http.uploads import MULTIPART, media_type
from app.core.rate_limit import client_address
from app.core.settings.settings import Settings

RETRY_AFTER = 2
"""Seconds after which to ask again for the answer of a request that is still running."""
REPLAYED = "Idempotent-Replayed"

_HEADER = "Idempotency-Key"
_GUEST = "X-Cart-Token"
_STATE = "idempotent_attempt"
_SERVER_ERROR = 500
_BY_CALLER_OR_BODY = frozenset({400, 401, 403, 408, 413, 415, 429})
"""Refusals of who asks, how often, or of a body that did not arrive: the same request may succeed another time."""
_PER_REQUEST = frozenset({b"content-length", b"set-cookie"})
_Headers = Sequence[tuple[bytes, bytes]]
_log = structlog.get_logger(__name__)


class IdempotencyKeyMissing(AppError):
    """What this operation moves must not move twice: it needs an `Idempotency-Key`."""

    status = 400
    code = "idempotency-key-missing"
    title = "Send an Idempotency-Key"


class IdempotencyKeyInUse(AppError):
    """The first request with this `Idempotency-Key` is still running; ask again after `Retry-After`."""

    status = 409
    code = "idempotency-key-in-use"
    title = "The first request is still running"


class IdempotencyKeyReused(AppError):
    """This `Idempotency-Key` came with another request before: another path, query or body."""

    status = 422
    code = "idempotency-key-reused"
    title = "The key belongs to another request"


_NEVER_KEPT = frozenset({*GENERIC, IdempotencyKeyInUse.code, IdempotencyKeyReused.code})


class _BodyHash:
    """A hash of the body as it arrives; the boundary, which clients invent anew each time, counts for nothing."""

    def __init__(self, boundary: bytes) -> None:
        self.is_complete = False
        self._boundary = boundary
        self._hash = hashlib.blake2b(digest_size=32)
        self._tail = b""

    def add(self, piece: bytes) -> None:
        """Take the next piece."""
        if not self._boundary:
            self._hash.update(piece)
            return
        *parts, rest = (self._tail + piece).split(self._boundary)
        for part in parts:
            self._hash.update(part + b"--")
        # The beginning of a boundary may be the end of the piece.
        begins = max(0, len(rest) - len(self._boundary) + 1)
        self._hash.update(rest[:begins])
        self._tail = rest[begins:]

    def digest(self) -> bytes:
        """The hash of what has come."""
        final = self._hash.copy()
        final.update(self._tail)
        return final.digest()


class _Replay(Exception):
    """The answer is there already."""

    def __init__(self, response: Response) -> None:
        self.response = response


class _Attempt:
    """A request with a key, while it is being answered."""

    def __init__(self, request: Request, session: AsyncSession, key: str, body: _BodyHash) -> None:
        settings: Settings = request.app.state.settings
        self.kept_status: int | None = None
        self._request = request
        self._session = session
        self._body = body
        self._database: Database = request.app.state.database
        self._vault = Vault(settings.jwt.secret.get_secret_value())
        self._fingerprint: bytes | None = None
        user_id = request.scope["state"].get("user_id")
        # Of guests at one address each has what tells them apart, if anything does.
        guest = f"client {client_address(request)} {request.headers.get(_GUEST, '')}"
        caller = guest if user_id is None else f"user {user_id}"
        scope = (caller, request.method, request.scope["route"].path, key)
        self._claim = Claim(self._vault.hash(Vault.Purpose.SCOPE, *(part.encode() for part in scope)))

    async def claim(self) -> None:
        """Claim the key. Raises IdempotencyKeyInUse, IdempotencyKeyReused, and `_Replay` where it has its answer."""
        self._fingerprint = await self._read_fingerprint()
        async with self._database.reading() as connection:
            if await self._claim.take(connection, self._fingerprint):
                return
            first = await find_sent_before(connection, self._claim.key_id)
        if first is None:
            raise _still_running()
        if first.answer is not None and self._fingerprint is None:
            async for _ in self._request.stream():
                # The body hash sees it pass.
                pass
            self._fingerprint = self._final_fingerprint()
        if None not in {first.fingerprint, self._fingerprint} and first.fingerprint != self._fingerprint:
            raise IdempotencyKeyReused("Take a new key for each new request.")
        if first.answer is None:
            raise _still_running()
        raise _Replay(_unpack(self._vault.open(first.answer, self._claim.key_id)))

    async def keep_with_writes(self, response: Response) -> None:
        """Store the answer in the request's own transaction. Raises IdempotencyKeyInUse when the claim was lost."""
        answer = self._seal(response.status_code, response.raw_headers, bytes(response.body))
        if not await self._claim.keep(self._session, answer, self._final_fingerprint()):
            raise _still_running()
        self.kept_status = response.status_code

    async def keep_or_release(self, status: int, headers: _Headers, body: bytes) -> None:
        """Store a refusal of the shop's, after the transaction that it rolled back; else let go of the key."""
        code = self._request.scope["state"].get("problem_code")
        is_final = status < _SERVER_ERROR and status not in _BY_CALLER_OR_BODY and code not in _NEVER_KEPT
        is_known = self._fingerprint is not None or self._body.is_complete
        try:
            async with self._database.reading() as connection:
                if is_final and is_known:
                    await self._claim.keep(
                        connection, self._seal(status, headers, body), self._final_fingerprint()
                    )
                else:
                    await self._claim.release(connection)
        except Exception as fault:
            if not Fault.of(fault).is_passing:
                raise
            # The lease ends by itself.
            _log.warning("idempotency_key_not_released", error=fault)

    def _seal(self, status: int, headers: _Headers, body: bytes) -> bytes:
        told = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in headers
            if name.lower() not in _PER_REQUEST
        ]
        return self._vault.seal(orjson.dumps([status, told]) + b"\n" + body, self._claim.key_id)

    async def _read_fingerprint(self) -> bytes | None:
        """The hash of what is asked for; None while the files of a form are still to come."""
        kind = media_type(self._request)
        if kind == "application/json" or kind.endswith("+json"):
            return self._hash_request(b"json", _canonical(await self._request.body()))
        if kind != MULTIPART and not self._body.is_complete:
            await self._request.body()
        return self._final_fingerprint() if self._body.is_complete else None

    def _final_fingerprint(self) -> bytes:
        return self._fingerprint or self._hash_request(b"raw", self._body.digest())

    def _hash_request(self, kind: bytes, body: bytes) -> bytes:
        scope = self._request.scope
        return self._vault.hash(
            Vault.Purpose.REQUEST, scope["path"].encode(), scope["query_string"], kind, body
        )


def _still_running() -> IdempotencyKeyInUse:
    return IdempotencyKeyInUse(
        f"Its answer will be here shortly; ask again in {RETRY_AFTER} s.",
        headers={"Retry-After": str(RETRY_AFTER)},
    )


def _canonical(body: bytes) -> bytes:
    """The same for the same JSON, whatever its blanks and the order of its members."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONDecodeError:
        return body


def _unpack(answer: bytes) -> Response:
    head, body = answer.split(b"\n", 1)
    status, headers = orjson.loads(head)
    response = Response(body, status_code=status)
    told = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    response.raw_headers = [*response.raw_headers, *told, (REPLAYED.lower().encode(), b"true")]
    return response


KeyHeader = Annotated[
    Annotated[str, *shaped("^[ -~]*$", "must be of the printable characters of ASCII")] | None,
    Header(
        alias=_HEADER,
        min_length=1,
        max_length=255,
        description="A value of your own, such as a UUID, new for each thing to be made. Sent again within 24 h, the"
        " same request with the same key does nothing: it has the first answer, with `Idempotent-Replayed: true`.",
        examples=["0b6f0ecf-3d3c-4e0e-9a3c-0d6b3f6f8f52"],
    ),
]


class HonourKey:
    """The dependency of a POST that creates something; on an `IdempotentRoute` it runs after all the others."""

    def __init__(self, *, is_required: bool = False) -> None:
        self.is_required = is_required

    async def __call__(self, request: Request, session: SessionDep, key: KeyHeader = None) -> None:
        """Claim the key, if one was sent. Raises IdempotencyKeyMissing, IdempotencyKeyInUse, IdempotencyKeyReused."""
        if key is None:
            if self.is_required:
                raise IdempotencyKeyMissing("Send a value of your own, such as a UUID, as Idempotency-Key.")
            return
        if len(request.headers.getlist(_HEADER)) > 1:
            fault = {
                "loc": ("header", _HEADER),
                "type": "value_error",
                "msg": "was sent twice",
                "input": None,
            }
            raise RequestValidationError([fault])
        state = request.scope["state"]
        attempt = _Attempt(request, session, key, state[_STATE])
        await attempt.claim()
        state[_STATE] = attempt


_honour = refuses(IdempotencyKeyInUse, IdempotencyKeyReused)(HonourKey())
_demand = refuses(IdempotencyKeyMissing, IdempotencyKeyInUse, IdempotencyKeyReused)(
    HonourKey(is_required=True)
)

IDEMPOTENT = Depends(_honour)
IDEMPOTENCY_KEY_REQUIRED = Depends(_demand)
"""For what moves money or stock: 400 without a key."""


class IdempotentRoute(APIRoute):
    """A route that honours `Idempotency-Key` if `IDEMPOTENT` is among its dependencies; any other is as it was."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if not self.is_idempotent:
            return
        # After who calls and how often, and whatever else refuses before anything happens.
        self.dependant.dependencies.sort(key=lambda each: isinstance(each.call, HonourKey))
        self.app = _KeepingRefusals(self.app)
        self._document_replay()

    @property
    def is_idempotent(self) -> bool:
        """Whether a dependency of its own says so."""
        return any(isinstance(each.call, HonourKey) for each in self.dependant.dependencies)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give the handler, which runs within the request's transaction: what it stores commits with that."""
        handle = super().get_route_handler()

        async def handle_once(request: Request) -> Response:
            try:
                response = await handle(request)
            except _Replay as replay:
                return replay.response
            attempt = request.scope["state"].get(_STATE)
            if isinstance(attempt, _Attempt):
                await attempt.keep_with_writes(response)
            return response

        return handle_once if self.is_idempotent else handle

    def _document_replay(self) -> None:
        status = self.status_code or 200
        described = self.responses.get(status, {})
        text = "`true`: this is the first answer to the same key again."
        replayed = {"description": text, "schema": {"type": "string", "enum": ["true"]}}
        headers = {**described.get("headers", {}), REPLAYED: replayed}
        self.responses = {**self.responses, status: {**described, "headers": headers}}


class _KeepingRefusals:
    """Around the route, where refusals have become answers and the transaction is over."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; before the client has the answer, its key is done with or free again."""
        if all(name != b"idempotency-key" for name, _ in scope["headers"]):
            await self._app(scope, receive, send)
            return
        state = scope["state"]
        body = state[_STATE] = _BodyHash(_boundary(scope))
        started: list[Message] = []

        async def receive_hashed() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                body.add(message.get("body", b""))
                body.is_complete = not message.get("more_body", False)
            return message

        async def send_when_kept(message: Message) -> None:
            attempt = state[_STATE]
            if not isinstance(attempt, _Attempt):
                await send(message)
            elif message["type"] == "http.response.start":
                if message["status"] == attempt.kept_status:
                    state[_STATE] = None
                    await send(message)
                else:
                    started.append(message)
            else:
                # A problem, which comes in one piece; also where the commit failed of what was kept.
                start = started.pop()
                await attempt.keep_or_release(start["status"], start["headers"], message["body"])
                state[_STATE] = None
                await send(start)
                await send(message)

        try:
            await self._app(scope, receive_hashed, send_when_kept)
        except Exception:
            if isinstance(state[_STATE], _Attempt):
                await state[_STATE].keep_or_release(_SERVER_ERROR, (), b"")
            raise


def _boundary(scope: Scope) -> bytes:
    request = Request(scope)
    if media_type(request) != MULTIPART:
        return b""
    return parse_options_header(request.headers["content-type"])[1].get(b"boundary", b"")
