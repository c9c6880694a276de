"""What staff send and see of merges."""

from typing import Any, Self

from pydantic import Field

from app.catalog.models import MergeKind
from app.core.db.paging import ListQuery
from app.core.http.schemas import RequestModel, ResponseModel, RowId, Timestamp


class MergeIn(RequestModel):
    """Where to."""

    into: RowId = Field(
        description="Id of the one that stays; one that was merged itself stands for its target.",
        examples=[9],
    )


class MergeFilter(ListQuery):
    """Filters of `/admin/merges`."""

    kind: MergeKind | None = Field(default=None, description="Only merges of authors, or of works.")
    undone: bool | None = Field(default=None, description="true: undone ones; false: those that stand.")


class Merged(ResponseModel):
    """One side of a merge, by the name it had then."""

    id: int = Field(examples=[12])
    name: str = Field(examples=["J. R. R. Tolkien"])


class MergeOut(ResponseModel):
    """A merge."""

    id: int = Field(examples=[3])
    kind: MergeKind = Field(examples=["author"])
    source: Merged
    target: Merged
    moved: dict[str, int] = Field(
        description="What was re-pointed, by sort; `dropped` are contributions that became repetitions.",
        examples=[{"contributions": 14, "dropped": 1, "works": 9, "aliases": 2}],
    )
    merged_by: int = Field(description="User id.", examples=[2])
    merged_at: Timestamp
    undone_by: int | None
    undone_at: Timestamp | None

    @classmethod
    def of(cls, merge: Any, **more: object) -> Self:
        """Show the merge, or a row of its columns, with the fields that the answer has beside them."""
        return cls.model_validate(
            {
                "id": merge.id,
                "kind": merge.kind,
                "source": {"id": merge.source_id, "name": merge.source_name},
                "target": {"id": merge.target_id, "name": merge.target_name},
                "moved": merge.moved,
                "merged_by": merge.merged_by,
                "merged_at": merge.merged_at,
                "undone_by": merge.undone_by,
                "undone_at": merge.undone_at,
                **more,
            }
        )


class MergeDone(MergeOut):
    """A merge just made."""

    works_of_one_title: list[list[int]] = Field(
        description="Works of the author that share a title now, which may be one work: merge them if so.",
        examples=[[[7, 31]]],
    )


class MergeUndone(MergeOut):
    """A merge just undone."""

    restored: dict[str, int] = Field(
        description="What went back, by sort.", examples=[{"contributions": 13, "works": 9, "aliases": 2}]
    )
    left: list[int] = Field(
        description="Books in which something was edited or deleted since and stays as it is.",
        examples=[[42]],
    )
