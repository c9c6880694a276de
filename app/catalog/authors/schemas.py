"""What clients send and see of authors."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from app.catalog.names import printed_name
from app.core.db.paging import ListQuery
from app.core.db.sorting import DistinctKeys, SplitKeys
from app.core.http.schemas import (
    OMITTED,
    Line,
    PatchModel,
    RequestModel,
    ResponseModel,
    RowId,
    Timestamp,
    VisibleLine,
)

LONGEST_NAME = 200
MOST_ALIASES = 100


def _distinct(aliases: list[str]) -> list[str]:
    distinct = list(dict.fromkeys(aliases))
    if len(distinct) > MOST_ALIASES:
        raise ValueError(f"at most {MOST_ALIASES} aliases")
    return distinct


PersonName = Annotated[VisibleLine, Field(max_length=LONGEST_NAME), AfterValidator(printed_name)]
Name = Annotated[PersonName, Field(description="As printed on books.", examples=["Ursula K. Le Guin"])]
SortName = Annotated[
    PersonName, Field(description="As filed: family name first.", examples=["Le Guin, Ursula K."])
]
Aliases = Annotated[
    list[PersonName],
    Field(
        max_length=MOST_ALIASES,
        description=f"Other spellings and pen names, at most {MOST_ALIASES}; repetitions are dropped.",
        examples=[["Ursula Kroeber Le Guin"]],
    ),
    AfterValidator(_distinct),
]


class AuthorIn(RequestModel):
    """A new author, or all of an author. Two people may share a name."""

    name: Name
    sort_name: SortName | None = Field(default=None, description="Made from the name when left out.")
    aliases: Aliases = Field(default_factory=list)


class AuthorPatch(PatchModel):
    """A partial change of an author."""

    name: Name = OMITTED
    sort_name: SortName = OMITTED
    aliases: Aliases = OMITTED


class AuthorOut(ResponseModel):
    """An author."""

    id: RowId = Field(examples=[9])
    name: str = Field(examples=["Ursula K. Le Guin"])
    sort_name: str = Field(examples=["Le Guin, Ursula K."])
    aliases: list[str] = Field(examples=[["Ursula Kroeber Le Guin"]])
    version: int = Field(description="Row version, as in the ETag; raised by every edit.", examples=[1])
    created_at: Timestamp
    updated_at: Timestamp


class AuthorSort(StrEnum):
    """Sort keys; `-` before a key turns it round. `name` is the sort name."""

    NAME = "name"
    NAME_DESC = "-name"
    CREATED_AT = "created_at"
    CREATED_AT_DESC = "-created_at"


class AuthorFilter(ListQuery):
    """Filters of `/authors`."""

    search: Annotated[Line, Field(min_length=1, max_length=LONGEST_NAME)] | None = Field(
        default=None, description="As `author` of `/books`: words of the name or of an alias, in any order."
    )
    sort: Annotated[list[AuthorSort], SplitKeys, DistinctKeys] = Field(
        default=[AuthorSort.NAME],
        description="Comma-separated keys; the id decides ties.",
        examples=[["-created_at"]],
    )
