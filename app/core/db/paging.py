"""Lists: windows by skip or by signed cursor, the `Page` envelope, and the Link header (RFC 8288)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Self, TypeVar
from urllib.parse import parse_qs, urlencode

import orjson
from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.core.errors import InvalidCursor, refuses
from app.core.http.schemas import ResponseModel

MAX_SKIP = 10_000
COUNTED_EXACTLY = 10_000
"""Totals beyond this may be estimates: counting a million rows for a page number helps nobody."""

_SIGNATURE_BYTES = 12
T = TypeVar("T")


class ListQuery(BaseModel):
    """What every list takes; a list's own query model adds its filters and sort keys."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    skip: int = Field(default=0, ge=0, le=MAX_SKIP, description="Rows to pass over; not with `cursor`.")
    limit: int = Field(default=20, ge=1, le=100, description="Rows per page.")
    cursor: str | None = Field(
        default=None,
        max_length=2000,
        description="`next_cursor` of the page before: steady while rows change.",
    )

    @model_validator(mode="after")
    def _takes_one_position(self) -> Self:
        if self.cursor is not None and self.skip:
            raise ValueError("send either skip or cursor, not both")
        return self

    def fingerprint(self) -> str:
        """A hash of the filters and the order, which a cursor is bound to."""
        filters = self.model_dump_json(exclude={"skip", "limit", "cursor"})
        return hashlib.blake2b(filters.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows a page holds: after the given key values, or from the `skip`-th on."""

    limit: int
    skip: int
    after: tuple[str, ...] | None = None


class Page(ResponseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    total: int = Field(description="Rows that match, on all pages.", examples=[9277])
    total_is_estimate: bool = Field(default=False, description=f"May be true beyond {COUNTED_EXACTLY} rows.")
    skip: int = Field(examples=[0])
    limit: int = Field(examples=[20])
    page: int = Field(description="Number of this page, from 1.", examples=[1])
    total_pages: int = Field(examples=[464])
    has_next: bool
    has_previous: bool
    next_cursor: str | None = Field(default=None, description="Send it as `cursor` for the next page.")

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Name a page of `BookOut` `BookPage`, in the document as in Python (a hook of Pydantic's)."""
        return f"{params[0].__name__.removesuffix('Out')}{cls.__name__}"


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What a repository found for a window. `last` holds the order's key values of the last row."""

    rows: Sequence[T]
    total: int
    snapshot: str
    last: Sequence[object]
    has_next: bool
    total_is_estimate: bool = False


class Pager:
    """Turns query parameters into windows and rows into pages; signs and checks cursors."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.blake2b(secret, digest_size=32, person=b"page cursor").digest()

    def window(self, query: ListQuery) -> Window:
        """The rows that the query asks for. Raises InvalidCursor when the cursor is not ours or of other filters."""
        if query.cursor is None:
            return Window(limit=query.limit, skip=query.skip)
        skip, values = self._read(query.cursor, query.fingerprint())
        return Window(limit=query.limit, skip=skip, after=tuple(values))

    def page(self, query: ListQuery, window: Window, found: "Found[Any]", items: list[T]) -> Page[T]:
        """The envelope of the found rows, given as `items`."""
        position = orjson.dumps([window.skip + len(items), [key_text(value) for value in found.last]])
        signed = self._signature(position, query.fingerprint()) + position
        cursor = base64.urlsafe_b64encode(signed).decode().rstrip("=")
        return Page(
            items=items,
            total=found.total,
            total_is_estimate=found.total_is_estimate,
            skip=window.skip,
            limit=window.limit,
            page=window.skip // window.limit + 1,
            total_pages=-(-found.total // window.limit),
            has_next=found.has_next,
            has_previous=window.skip > 0,
            next_cursor=cursor if found.has_next else None,
        )

    def _read(self, cursor: str, fingerprint: str) -> tuple[int, list[str]]:
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (binascii.Error, ValueError):
            raw = b""
        signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not payload or not hmac.compare_digest(signature, self._signature(payload, fingerprint)):
            raise InvalidCursor(
                "Take the cursor from next_cursor of a page with the same filters and sort, or start without one.",
                errors=InvalidCursor.about("cursor", "is not valid for this list"),
            )
        skip, values = orjson.loads(payload)
        return skip, values

    def _signature(self, payload: bytes, fingerprint: str) -> bytes:
        message = fingerprint.encode() + payload
        return hmac.new(self._key, message, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def key_text(value: object) -> str:
    """A key value as cursors carry it."""
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if isoformat else str(value)


def link_header(address: str, query: str, page: Page[T]) -> str:
    """`first`, `prev`, `next` and `last` of a list at this absolute address (RFC 8288).

    Who came by cursor is led on by cursor, and back to the first page alone: rows that came or went meanwhile
    would be skipped or told twice by a number.
    """
    parameters: dict[str, Any] = dict(parse_qs(query, keep_blank_values=True))
    is_by_cursor = parameters.pop("cursor", None) is not None
    by_cursor = {**parameters, "cursor": page.next_cursor, "limit": page.limit}
    by_cursor.pop("skip", None)
    targets = {}
    for relation, skip in _skips(page, is_by_cursor=is_by_cursor):
        if relation == "next" and page.next_cursor and (is_by_cursor or skip > MAX_SKIP):
            targets[relation] = by_cursor
        elif skip <= MAX_SKIP:
            targets[relation] = {**parameters, "skip": skip, "limit": page.limit}
    return ", ".join(
        f'<{address}?{urlencode(target, doseq=True)}>; rel="{relation}"'
        for relation, target in targets.items()
    )


def _skips(page: Page[T], *, is_by_cursor: bool) -> Iterator[tuple[str, int]]:
    yield "first", 0
    if page.has_previous and not is_by_cursor:
        yield "prev", max(0, page.skip - page.limit)
    if page.has_next:
        yield "next", page.skip + page.limit
    if not page.total_is_estimate and not is_by_cursor:
        yield "last", max(0, page.total_pages - 1) * page.limit


@refuses(InvalidCursor)
async def get_pager(request: Request) -> Pager:
    """The process's pager."""
    pager: Pager = request.app.state.pager
    return pager


PagerDep = Annotated[Pager, Depends(get_pager)]
