"""What staff see of searches that found nothing."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from app.core.db.paging import ListQuery
from app.core.db.sorting import DistinctKeys, SplitKeys
from app.core.http.schemas import ResponseModel, Timestamp


class ZeroResultOut(ResponseModel):
    """A search that found nothing."""

    id: int = Field(examples=[12])
    query: str = Field(description="Folded, without punctuation.", examples=["necronomicon"])
    count: int = Field(description="How often.", examples=[7])
    last_at: Timestamp


class ZeroResultSort(StrEnum):
    """Sort keys; `-` before a key turns it round."""

    COUNT = "count"
    COUNT_DESC = "-count"
    LAST_AT = "last_at"
    LAST_AT_DESC = "-last_at"


class ZeroResultFilter(ListQuery):
    """The order of the list."""

    sort: Annotated[list[ZeroResultSort], SplitKeys, DistinctKeys] = Field(
        default=[ZeroResultSort.COUNT_DESC], description="The id decides ties."
    )
