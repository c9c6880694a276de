"""What merges of authors and of works have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from app.catalog.models import Author, Work

Row_contra = TypeVar("Row_contra", bound=Author | Work, contravariant=True)


class MergeKind(StrEnum):
    """What is merged."""

    AUTHOR = "author"
    WORK = "work"


@dataclass(frozen=True, slots=True)
class MergeRecord:
    """What a merge moved: `record` for its undo, `counts` for readers."""

    record: Mapping[str, Any]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class UndoneMerge:
    """What an undo moved back, and the books in which it found something edited or deleted since."""

    counts: Mapping[str, int]
    left: list[int] = field(default_factory=list)


class MergeHandler(Protocol[Row_contra]):
    """Moves everything from one row to another and back. The caller holds both rows and their books."""

    async def move(self, source: Row_contra, target: Row_contra) -> MergeRecord:
        """Re-point everything to the target and mark the source as merged."""

    async def move_back(
        self, source: Row_contra, target: Row_contra, record: Mapping[str, Any]
    ) -> UndoneMerge:
        """Give back what stands as the merge left it."""
