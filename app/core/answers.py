"""Answers from ready bytes: reading through the hot cache, and 304 when the client has them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.core.cache import Entry, HotCache, Snapshot
from app.core.conditional import content_etag, matches_any
from app.core.db import Database
from app.core.paging import Page, link_header

PUBLIC = "public, no-cache"
"""Anyone may store it, nobody may use it without asking us: the ETag makes that cheap."""
PRIVATE = "private, no-store"

_NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class Document:
    """What a cached read found: the answer's model, its tag (None: of the content), its snapshot."""

    model: BaseModel
    snapshot: str
    etag: str | None = None


Reading = Callable[[AsyncConnection], Awaitable[Document]]


class HotReads:
    """Answers of one GET through the hot cache; the database is touched by cold reads alone."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._database: Database = request.app.state.database
        self._cache: HotCache = request.app.state.cache

    async def answer(self, group: str, read: Reading) -> Response:
        """The public answer of this very path and query, kept until `group` is announced."""
        entry = await self._cache.get(group, hot_key(self._request.scope), lambda: self._load(read, PUBLIC))
        return EntryResponse(entry)

    async def answer_uncached(self, _group: str, read: Reading) -> Response:
        """As `answer`, but read anew each time, for reads too varied to keep."""
        return EntryResponse(await self._load(read, PUBLIC))

    async def answer_private(self, read: Reading) -> Response:
        """The answer for its caller alone, which nobody keeps."""
        return EntryResponse(await self._load(read, PRIVATE))

    async def _load(self, read: Reading, cache_control: str) -> Entry:
        async with self._database.reading() as connection:
            document = await read(connection)
        headers = {}
        if isinstance(document.model, Page):
            headers["link"] = link_header(self._request.url, document.model)
        template = self._request.scope["route"].path
        return make_entry(document, cache_control=cache_control, template=template, headers=headers)


async def document_response(
    session: AsyncSession, read: Reading, *, status: int = 200, location: str | None = None
) -> Response:
    """What a write made, as the transaction sees it, for its caller alone."""
    document = await read(await session.connection())
    headers = {"Cache-Control": PRIVATE, **({"Location": location} if location else {})}
    if document.etag:
        headers["ETag"] = document.etag
    body = document.model.__pydantic_serializer__.to_json(document.model)
    return Response(body, status_code=status, media_type="application/json", headers=headers)


def make_entry(
    document: Document, *, cache_control: str, template: str = "", headers: Mapping[str, str] | None = None
) -> Entry:
    """The document's bytes with the headers of its answer."""
    body = document.model.__pydantic_serializer__.to_json(document.model)
    etag = document.etag or content_etag(body)
    answer_headers = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "etag": etag,
        "cache-control": cache_control,
        **(headers or {}),
    }
    return Entry(
        body=body,
        etag=etag.encode(),
        headers=tuple((name.encode(), value.encode("latin-1")) for name, value in answer_headers.items()),
        template=template,
        snapshot=Snapshot(document.snapshot),
    )


async def send_entry(scope: Scope, send: Send, entry: Entry) -> None:
    """Send the bytes, or 304 when `If-None-Match` lists their tag."""
    for name, value in scope["headers"]:
        if name == b"if-none-match" and matches_any(entry.etag, value):
            headers = [header for header in entry.headers if not header[0].startswith(b"content-")]
            await send({"type": "http.response.start", "status": _NOT_MODIFIED, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
    await send({"type": "http.response.start", "status": 200, "headers": list(entry.headers)})
    await send({"type": "http.response.body", "body": entry.body})


class EntryResponse(Response):
    """An entry as the return value of an endpoint."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self._entry = entry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the entry as it is."""
        del receive
        await send_entry(scope, send, self._entry)


def hot_key(scope: Scope) -> str:
    """The key of a public GET: path and query exactly as they came."""
    query: bytes = scope["query_string"]
    path: str = scope["path"]
    return f"{path}?{query.decode('latin-1')}" if query else path


async def get_hot_reads(request: Request) -> HotReads:
    """The reads of this request; a class as dependency would cost a hop to a thread."""
    return HotReads(request)


HotDep = Annotated[HotReads, Depends(get_hot_reads)]
