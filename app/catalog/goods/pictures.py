"""Pictures as items have them: how they are kept, where their sizes lie, and their order."""

from collections.abc import Sequence
from typing import Any, TypedDict

from pydantic import BaseModel, Field, model_validator

from app.core.http.schemas import ResponseModel

PICTURE_PATH = "/media/covers"
"""The address is from when only books had pictures, on their covers; what was ever served stays there."""
SIZES = ("s", "m", "l")
MOST_PICTURES = 6
"""Of one item: the main one and five more."""


BINARY_FILE = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
PICTURE_RULES = (
    "JPEG, PNG, WebP or AVIF, a single frame, at most 10 MiB, 25 megapixels and 10,000 pixels a side."
)


class StoredPicture(TypedDict):
    """An entry of the column `items.pictures`."""

    name: str
    width: int
    height: int


class CoverUrls(ResponseModel):
    """Where the three sizes lie; a path never serves another picture."""

    s: str = Field(examples=["/media/covers/3f8a…-s.webp"])
    m: str = Field(examples=["/media/covers/3f8a…-m.webp"])
    l: str = Field(examples=["/media/covers/3f8a…-l.webp"])  # noqa: E741 (the size's name in the API)


class CoverOut(ResponseModel):
    """The main picture, as WebP."""

    width: int = Field(description="Pixels of the largest size.", examples=[800])
    height: int = Field(examples=[1200])
    urls: CoverUrls

    @model_validator(mode="before")
    @classmethod
    def _with_urls(cls, value: Any) -> Any:
        if isinstance(value, dict) and "urls" not in value:
            urls = {size: f"{PICTURE_PATH}/{picture_file(value['name'], size)}" for size in SIZES}
            return {**value, "urls": urls}
        return value


class PictureOut(CoverOut):
    """One of an item's pictures, as WebP."""

    name: str = Field(
        description="The same picture has the same name; send it as `upload` to move the picture.",
        examples=["4be27711afd2ed40a7ad8c1d9e5dbd2203e805dc"],
    )


def listing_form(model: type[BaseModel]) -> dict[str, Any]:
    """Describe the form that lists something with its pictures, beside the JSON that lists it without."""
    data = {
        "type": "string",
        "contentMediaType": "application/json",
        "description": f"What the JSON body would be, a `{model.__name__}`.",
    }
    pictures = {
        "type": "array",
        "items": BINARY_FILE,
        "maxItems": MOST_PICTURES,
        "description": f"The main one first. {PICTURE_RULES}",
    }
    schema = {"type": "object", "required": ["data"], "properties": {"data": data, "pictures": pictures}}
    return {"requestBody": {"content": {"multipart/form-data": {"schema": schema}}}}


def picture_file(name: str, size: str) -> str:
    """The file of one size, in the store and in its address."""
    return f"{name}-{size}.webp"


def placed(pictures: Sequence[StoredPicture], number: int, picture: StoredPicture) -> list[StoredPicture]:
    """The pictures with this one at a place counted from 1: instead of what was there, or as one more at the end.

    One that is there already moves. The place is at most one behind the last.
    """
    others = [one for one in pictures if one["name"] != picture["name"]]
    if len(others) < len(pictures):
        return [*others[: number - 1], picture, *others[number - 1 :]]
    return [*others[: number - 1], picture, *others[number:]]
