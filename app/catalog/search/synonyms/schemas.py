"""What staff send and see of synonyms."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from app.core.db.paging import ListQuery
from app.core.http.schemas import OMITTED, PatchModel, RequestModel, ResponseModel, Timestamp, VisibleLine

MOST_TERMS = 20

Term = Annotated[VisibleLine, Field(max_length=100)]
Terms = Annotated[
    list[Term],
    Field(
        min_length=1,
        max_length=MOST_TERMS,
        description="What readers type: one or more words each.",
        examples=[["sci-fi", "science fiction"]],
    ),
]
Finds = Annotated[
    list[Term],
    Field(
        min_length=1,
        max_length=MOST_TERMS,
        description="What the terms find as well, but not the other way round; without, the terms find one another.",
    ),
]


class SynonymIn(RequestModel):
    """A new synonym, or all of one."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"terms": ["sci-fi", "science fiction"]}

    terms: Terms
    finds: Finds | None = None

    @model_validator(mode="after")
    def _finds_something(self) -> Self:
        if self.finds is None and len(self.terms) == 1:
            raise ValueError("a single term needs finds")
        return self


class SynonymPatch(PatchModel):
    """A partial change of a synonym."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"terms": ["sci-fi"], "finds": ["science fiction"]}

    terms: Terms = OMITTED
    finds: Finds | None = None


class SynonymOut(ResponseModel):
    """A synonym."""

    id: int = Field(examples=[3])
    terms: list[str] = Field(examples=[["sci-fi", "science fiction"]])
    finds: list[str] | None = Field(description="Null: the terms find one another.")
    version: int = Field(description="Row version, as in the ETag; raised by every edit.", examples=[1])
    created_at: Timestamp
    updated_at: Timestamp


class SynonymFilter(ListQuery):
    """Which part of the list to show."""
