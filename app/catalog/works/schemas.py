"""What clients send and see of works."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from app.catalog.goods.schemas import PartOfName, Title
from app.core.db.paging import ListQuery
from app.core.db.sorting import DistinctKeys, SplitKeys
from app.core.http.schemas import OMITTED, PatchModel, ResponseModel, Timestamp


class WorkAuthor(ResponseModel):
    """The principal author of a work."""

    id: int = Field(examples=[9])
    name: str = Field(examples=["J.R.R. Tolkien"])


class WorkOut(ResponseModel):
    """What editions of one text have in common."""

    id: int = Field(examples=[7])
    title: str = Field(examples=["The Hobbit"])
    author: WorkAuthor | None
    edition_count: int = Field(examples=[3])
    version: int = Field(description="Row version, as in the ETag; raised by every edit.", examples=[1])
    created_at: Timestamp
    updated_at: Timestamp


class WorkPatch(PatchModel):
    """A partial change of a work."""

    title: Title = OMITTED


class WorkSort(StrEnum):
    """Sort keys; `-` before a key turns it round."""

    TITLE = "title"
    TITLE_DESC = "-title"
    CREATED_AT = "created_at"
    CREATED_AT_DESC = "-created_at"


class WorkFilter(ListQuery):
    """Filters of `/works`."""

    search: PartOfName | None = Field(
        default=None, description="Part of the title; case and accents do not count."
    )
    sort: Annotated[list[WorkSort], SplitKeys, DistinctKeys] = Field(
        default=[WorkSort.TITLE], description="Comma-separated keys; the id decides ties."
    )
