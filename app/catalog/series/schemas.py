"""What clients send and see of series."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from app.catalog.goods.schemas import PartOfName, ShortLine
from app.core.db.paging import ListQuery
from app.core.db.sorting import DistinctKeys, SplitKeys
from app.core.http.schemas import OMITTED, PatchModel, ResponseModel


class SeriesOut(ResponseModel):
    """A series of books."""

    id: int = Field(examples=[4])
    name: str = Field(examples=["Middle-earth"])
    book_count: int = Field(examples=[5])
    version: int = Field(description="Row version, as in the ETag; raised by every rename.", examples=[1])


class SeriesPatch(PatchModel):
    """A partial change of a series."""

    name: Annotated[ShortLine, Field(examples=["Middle-earth"])] = OMITTED


class SeriesSort(StrEnum):
    """Sort keys; `-` before a key turns it round."""

    NAME = "name"
    NAME_DESC = "-name"


class SeriesFilter(ListQuery):
    """Filters of `/series`."""

    search: PartOfName | None = Field(
        default=None, description="Part of the name; case and accents do not count."
    )
    sort: Annotated[list[SeriesSort], SplitKeys, DistinctKeys] = Field(
        default=[SeriesSort.NAME], description="The id decides ties."
    )
