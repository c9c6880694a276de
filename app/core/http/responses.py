"""Answers from ready bytes, with strong ETags: reading through the hot cache, and 304 when the client has them."""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Self

import orjson
from fastapi import Depends, Request
from pydantic import BaseModel
from pydantic.main import IncEx
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app.core.cache.hot import CacheSpace, Entry, HotCache, Snapshot
from app.core.db.engine import Database
from app.core.db.paging import Page, link_header
from app.core.db.transaction import SessionDep
from app.core.http.conditional import matches_any
from app.core.http.negotiation import JSON, preferred_type
from app.core.settings.settings import Settings

PUBLIC = "public, no-cache"
"""For the catalogue as anybody sees it: keep it, but ask each time, which the ETag makes cheap.

Whoever may use an old answer without asking meets the tag of before their own write again, and 412 with it.
"""
PRIVATE = "private, no-store"
VARY = "Accept, Authorization, Cookie, X-API-Key, Origin"
"""By representation, by who asks, and by origin since the CORS headers are the origin's."""

_NOT_MODIFIED = 304
_CREDENTIAL_HEADERS = frozenset({b"authorization", b"x-api-key", b"cookie"})
_CACHE_CONTROL = b"cache-control"


def version_etag(version: int, *rest: int) -> str:
    """Make the tag of a row: its version, then whatever else shows in the answer, such as stock."""
    return '"' + ".".join(str(part) for part in (version, *rest)) + '"'


def answer_number(answer: BaseModel) -> int:
    """Make a number of the whole answer, for `version_etag`: where it changes without a new version of its row."""
    body = answer.model_dump_json().encode()
    return int.from_bytes(hashlib.blake2b(body, digest_size=6).digest())


def content_etag(body: bytes, version: int | None = None) -> str:
    """Make the tag of a list, or of one row as asked for: a hash of the very bytes, after the row's version."""
    digest = hashlib.blake2b(body, digest_size=12).hexdigest()
    return f'"{digest}"' if version is None else f'"{version}.{digest}"'


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What a cached read found: the answer's model, its tag (None: of the content), its snapshot.

    `include` names the parts to send, as Pydantic does; None sends everything. A tag of the content
    begins with the row's `version` where there is one, so that it serves as `If-Match` too. `owner_id` is
    the account that sees more of it at the same address than everybody. Not `is_kept`: it shows what other groups
    announce as well, and no cache of ours keeps it.
    """

    model: BaseModel
    snapshot: str
    etag: str | None = None
    version: int | None = None
    include: IncEx | None = None
    media_type: str = JSON
    owner_id: int | None = None
    is_kept: bool = True

    def to_json(self) -> bytes:
        """The bytes to send."""
        return self.model.__pydantic_serializer__.to_json(self.model, include=self.include)


ReadQuery = Callable[[AsyncConnection], Awaitable[ReadResult]]


@dataclass(frozen=True, slots=True)
class Representation:
    """A serialised answer: body, headers as they go out, the template of its route for the log, and whose it is."""

    body: bytes
    etag: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    template: str
    owner_id: int | None = None

    def encode(self) -> bytes:
        """Write a line of JSON, then the body."""
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.headers]
        head = orjson.dumps([self.etag.decode("latin-1"), self.template, headers, self.owner_id])
        return b"%s\n%s" % (head, self.body)

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Read what `encode` wrote."""
        head, body = encoded.split(b"\n", 1)
        etag, template, headers, owner_id = orjson.loads(head)
        return cls(
            body=body,
            etag=etag.encode("latin-1"),
            headers=tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers),
            template=template,
            owner_id=owner_id,
        )


PUBLIC_ANSWERS = CacheSpace("http.2", Representation.encode, Representation.decode)
"""What every caller may have, by `hot_key`: the only space whose keys a request names."""


class HotReads:
    """Answers of one GET through the hot cache; the database is touched by cold reads alone."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._database: Database = request.app.state.database
        self._cache: HotCache = request.app.state.cache

    @property
    def query(self) -> str:
        """The query as it came."""
        text: bytes = self.request.scope["query_string"]
        return text.decode("latin-1")

    @property
    def public_url(self) -> str:
        """Where clients find the shop, without a slash at the end."""
        settings: Settings = self.request.app.state.settings
        return settings.public_url.rstrip("/")

    @property
    def media_type(self) -> str:
        """What the client prefers of the types that we speak."""
        return preferred_type(self.request.scope)

    async def answer(self, group: str, read: ReadQuery, *, keep: bool = True) -> Response:
        """Answer everybody by this very path, query and preferred type; the answer is kept until `group` is announced.

        Without `keep` it is read anew each time: searches are too varied to keep, and each must be counted.
        """
        if not keep:
            return RepresentationResponse((await self._load(read, PUBLIC)).value)
        return RepresentationResponse(await self.find(group, read))

    async def find(self, group: str, read: ReadQuery) -> Representation:
        """What `answer` answers, not yet sent."""
        key = hot_key(self.request.scope)
        return await self._cache.get(PUBLIC_ANSWERS, group, key, partial(self._load, read, PUBLIC))

    async def answer_private(self, read: ReadQuery) -> Response:
        """Answer the caller alone; nobody keeps the answer."""
        return RepresentationResponse((await self._load(read, PRIVATE)).value)

    async def _load(self, read: ReadQuery, cache_control: str) -> Entry[Representation]:
        async with self._database.reading() as connection:
            result = await read(connection)
        headers = {}
        if isinstance(result.model, Page):
            # Of PUBLIC_URL, not of the request's host: the answer is kept for whoever asks next.
            url = self.request.url
            headers["link"] = link_header(f"{self.public_url}{url.path}", url.query, result.model)
        template = self.request.scope["route"].path
        answer = represent(result, cache_control=cache_control, template=template, headers=headers)
        return Entry(answer, Snapshot(result.snapshot), result.is_kept)


class ReadBack:
    """Answers a write with what it made, as its transaction sees it, for its caller alone."""

    def __init__(self, session: SessionDep) -> None:
        self._session = session

    async def __call__(self, read: ReadQuery, *, status: int = 200, location: str | None = None) -> Response:
        """Read it and answer."""
        return written(await read(await self._session.connection()), status=status, location=location)


def written(result: ReadResult, *, status: int = 200, location: str | None = None) -> Response:
    """Answer a write with what it made, for its caller alone."""
    headers = {"Cache-Control": PRIVATE, **({"Location": location} if location else {})}
    if result.etag:
        headers["ETag"] = result.etag
    return Response(result.to_json(), status_code=status, media_type=result.media_type, headers=headers)


ReadBackDep = Annotated[ReadBack, Depends(scope="function")]


def represent(
    result: ReadResult, *, cache_control: str, template: str = "", headers: Mapping[str, str] | None = None
) -> Representation:
    """Serialise what was read, with the headers of its answer."""
    body = result.to_json()
    etag = result.etag or content_etag(body, result.version)
    answer_headers = {
        "content-type": result.media_type,
        "content-length": str(len(body)),
        "etag": etag,
        "cache-control": cache_control,
        **({} if cache_control == PRIVATE else {"vary": VARY}),
        **(headers or {}),
    }
    return Representation(
        body=body,
        etag=etag.encode(),
        headers=tuple((name.encode(), value.encode("latin-1")) for name, value in answer_headers.items()),
        template=template,
        owner_id=result.owner_id,
    )


def has_credentials(scope: Scope) -> bool:
    """Whether the request names a caller, rightly or not."""
    return any(name in _CREDENTIAL_HEADERS for name, _ in scope["headers"])


async def send_representation(scope: Scope, send: Send, answer: Representation) -> None:
    """Send the bytes, or 304 when `If-None-Match` lists their tag; to a caller with credentials as private."""
    headers, is_known = list(answer.headers), False
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            is_known = is_known or matches_any(answer.etag, value)
        elif name in _CREDENTIAL_HEADERS:
            headers = [header for header in answer.headers if header[0] != _CACHE_CONTROL]
            headers.append((_CACHE_CONTROL, PRIVATE.encode()))
    if is_known:
        headers = [header for header in headers if not header[0].startswith(b"content-")]
    status = _NOT_MODIFIED if is_known else 200
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if is_known else answer.body})


class RepresentationResponse(Response):
    """A representation as the return value of an endpoint."""

    def __init__(self, answer: Representation) -> None:
        super().__init__()
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it as it is, then do what is left to do."""
        del receive
        await send_representation(scope, send, self._answer)
        if self.background is not None:
            await self.background()


def stream_response(
    pieces: AsyncIterable[str | bytes], media_type: str, filename: str | None = None
) -> StreamingResponse:
    """A private answer of any length, a download if it has a file name; proxies pass it on as it comes."""
    headers = {"Cache-Control": PRIVATE, "X-Accel-Buffering": "no"}
    if filename is not None:
        headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return StreamingResponse(pieces, media_type=media_type, headers=headers)


async def start_stream(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Read the first piece and return the whole stream, so that a database that is away still shows in the status."""
    first = await anext(stream)

    async def pieces() -> AsyncIterator[bytes]:
        yield first
        async for piece in stream:
            yield piece

    return pieces()


def hot_key(scope: Scope) -> str:
    """The key of a public GET: the preferred type, the query exactly as it came, the path.

    The path is last: it is decoded and may contain anything, a query no space.
    """
    query: bytes = scope["query_string"]
    path: str = scope["path"]
    media_type = preferred_type(scope)
    if not query and media_type == JSON:
        return path
    return f"{media_type}?{query.decode('latin-1')} {path}"


async def get_hot_reads(request: Request) -> HotReads:
    """The reads of this request; a class as dependency would cost a hop to a thread."""
    return HotReads(request)


HotDep = Annotated[HotReads, Depends(get_hot_reads)]
