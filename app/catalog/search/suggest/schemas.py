"""What clients send and see of suggestions."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.catalog.index.criteria import ShortInFull
from app.core.http.schemas import Line, ResponseModel


class SuggestionType(StrEnum):
    """What is suggested."""

    BOOK = "book"
    AUTHOR = "author"
    SERIES = "series"
    CATEGORY = "category"


class SuggestQuery(BaseModel):
    """What was typed so far."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    q: Annotated[Line, Field(max_length=100), ShortInFull] = Field(
        description="Beginning of a title, of a name, or of any of their words; one character suggests nothing.",
        examples=["tolk"],
    )


class Suggestion(ResponseModel):
    """Something that may be meant."""

    type: SuggestionType = Field(examples=["author"])
    id: int = Field(examples=[9])
    text: str = Field(examples=["J.R.R. Tolkien"])


class Suggestions(ResponseModel):
    """At most ten, the likeliest first."""

    items: list[Suggestion]
