"""What clients see of covers."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from app.core.schemas import ResponseModel

COVER_PATH = "/media/covers"


class CoverUrls(ResponseModel):
    """Where the three sizes lie; a path never serves another picture."""

    s: str = Field(examples=["/media/covers/3f8a…-s.webp"])
    m: str = Field(examples=["/media/covers/3f8a…-m.webp"])
    l: str = Field(examples=["/media/covers/3f8a…-l.webp"])  # noqa: E741 (the size's name in the API)


class CoverOut(ResponseModel):
    """The picture on the front, as WebP."""

    width: int = Field(description="Pixels of the largest size.", examples=[800])
    height: int = Field(examples=[1200])
    urls: CoverUrls


def cover_out(cover: Mapping[str, Any] | None) -> CoverOut | None:
    """The answer for the column `books.cover`."""
    if cover is None:
        return None
    urls = {size: f"{COVER_PATH}/{cover['name']}-{size}.webp" for size in "sml"}
    return CoverOut(width=cover["width"], height=cover["height"], urls=CoverUrls(**urls))
