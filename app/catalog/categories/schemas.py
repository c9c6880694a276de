"""What clients send and see of categories."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.catalog.slugs import LONGEST_SLUG, SLUG_PATTERN, make_slug
from app.core.http.schemas import (
    OMITTED,
    Line,
    PatchModel,
    RequestModel,
    ResponseModel,
    RowId,
    SingleSpaced,
    Timestamp,
    VisibleLine,
    shaped,
)

DEEPEST = 10
"""Levels of the tree."""


Name = Annotated[VisibleLine, Field(max_length=100, examples=["Science Fiction"]), SingleSpaced]
Slug = Annotated[
    str,
    *shaped(
        SLUG_PATTERN,
        "must be lower-case letters and digits joined by single dashes, with a letter, such as science-fiction",
    ),
    Field(
        max_length=LONGEST_SLUG,
        description="Unique; lower-case ASCII words joined by `-`, at least one letter.",
        examples=["science-fiction"],
    ),
]
CategoryKey = Annotated[
    Line,
    Field(min_length=1, max_length=LONGEST_SLUG, description="Slug or id.", examples=["science-fiction"]),
]


class CategoryIn(RequestModel):
    """A new category, or all of a category."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"name": "Science Fiction", "slug": "science-fiction"}

    name: Name
    slug: Slug | None = Field(default=None, description="Made from the name when left out.")
    parent_id: RowId | None = Field(default=None, description="null: at the root.", examples=[1])

    @model_validator(mode="after")
    def _has_a_slug(self) -> Self:
        if self.slug is None and make_slug(self.name) is None:
            raise ValueError("no slug can be made of this name; send one in slug")
        return self

    @property
    def stated_slug(self) -> str:
        """The slug that was sent, or that the name makes."""
        return self.slug or make_slug(self.name) or ""


class CategoryPatch(PatchModel):
    """A partial change of a category. A rename alone leaves the slug, and with it all addresses, as it is."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"name": "Science fiction and fantasy"}

    name: Name = OMITTED
    slug: Slug = OMITTED
    parent_id: RowId | None = Field(
        default=None, description="Moves it, with all below it; null: to the root."
    )


class CategoryLink(ResponseModel):
    """A category, as others refer to it."""

    id: int = Field(examples=[1])
    name: str = Field(examples=["Fiction"])
    slug: str = Field(examples=["fiction"])
    path: str = Field(description="The slugs from the root.", examples=["fiction"])


class CategoryOut(ResponseModel):
    """A category with its place in the tree."""

    id: RowId = Field(examples=[3])
    name: str = Field(examples=["Science Fiction"])
    slug: str = Field(examples=["science-fiction"])
    path: str = Field(description="The slugs from the root.", examples=["fiction/science-fiction"])
    parent_id: int | None = Field(examples=[1])
    depth: int = Field(description="Level in the tree, from 1.", examples=[2])
    ancestors: list[CategoryLink] = Field(description="From the root down, for a breadcrumb.")
    children: list[CategoryLink] = Field(description="Those directly below, by name.")
    version: int = Field(description="Row version, as in the ETag; raised by every edit.", examples=[1])
    created_at: Timestamp
    updated_at: Timestamp


class CategoryNode(ResponseModel):
    """A category with all that stands below it, as far down as was asked for."""

    id: int = Field(examples=[3])
    name: str = Field(examples=["Science Fiction"])
    slug: str = Field(examples=["science-fiction"])
    path: str = Field(examples=["fiction/science-fiction"])
    parent_id: int | None = Field(examples=[1])
    depth: int = Field(description="Level in the tree, from 1.", examples=[2])
    children: list["CategoryNode"] = Field(default=[], examples=[[]])


class CategoryTree(ResponseModel):
    """The tree, or the part of it below one category."""

    items: list[CategoryNode]


class TreeFilter(BaseModel):
    """Which part of the tree."""

    model_config = ConfigDict(extra="forbid")

    depth: int = Field(default=DEEPEST, ge=1, le=DEEPEST, description="How many levels.")
    parent: CategoryKey | None = Field(default=None, description="Slug or id; only what stands below it.")
