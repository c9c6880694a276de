"""Conditional requests (RFC 9110 §13): strong ETags, 304 for readers, 412 for stale writers."""

import hashlib
from typing import Annotated

from fastapi import Depends, Header
from pydantic import BaseModel

from app.core.errors import StaleVersion, refuses


def version_etag(version: int, *rest: int) -> str:
    """The tag of a row: its version, then whatever else shows in the answer, such as stock."""
    return '"' + ".".join(str(part) for part in (version, *rest)) + '"'


def answer_number(answer: BaseModel) -> int:
    """A number of the whole answer, for `version_etag`: where it changes without a new version of its row."""
    body = answer.model_dump_json().encode()
    return int.from_bytes(hashlib.blake2b(body, digest_size=6).digest())


def content_etag(body: bytes, version: int | None = None) -> str:
    """The tag of a list, or of one row as asked for: a hash of the very bytes, after the row's version."""
    digest = hashlib.blake2b(body, digest_size=12).hexdigest()
    return f'"{digest}"' if version is None else f'"{version}.{digest}"'


def matches_any(etag: bytes, header: bytes) -> bool:
    """Whether `If-None-Match` lists the tag, by weak comparison: a proxy that compresses makes tags weak."""
    if header.strip() == b"*":
        return True
    return any(tag.strip().removeprefix(b"W/") == etag for tag in header.split(b","))


class Precondition:
    """The `If-Match` of a write; compares row versions only, so that a sale never blocks an editor."""

    def __init__(self, header: str | None) -> None:
        self._header = header

    def check(self, version: int) -> None:
        """Raise StaleVersion unless the header is absent, `*`, or names this version."""
        if self._header is None or self._header.strip() == "*":
            return
        tags = (tag.strip().removeprefix("W/").strip('"') for tag in self._header.split(","))
        if str(version) not in {tag.partition(".")[0] for tag in tags}:
            raise StaleVersion(
                f"The current version is {version}; read the resource again and repeat your change.",
                current_version=version,
            )


IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="The ETag you read; a stale one answers 412.", examples=['"3.1"']),
]


@refuses(StaleVersion)
async def get_precondition(if_match: IfMatch = None) -> Precondition:
    """The `If-Match` of the request."""
    return Precondition(if_match)


PreconditionDep = Annotated[Precondition, Depends(get_precondition)]
