"""Conditional requests (RFC 9110 §13): 304 for readers, 412 for stale writers."""

from typing import Annotated

from fastapi import Depends, Header

from app.core.errors import StaleVersion, refuses


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
