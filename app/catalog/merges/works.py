"""Moves editions from one work to another, and back."""

from app.catalog.merges.repository import WorkMergeRepository
from app.catalog.merges.schemas import MergeUndone
from app.catalog.models import Merge, MergeKind, Work


class WorkMergeHandler:
    """Merges works whose rows and books are locked."""

    def __init__(self, works: WorkMergeRepository) -> None:
        self._works = works

    async def merge(self, source: Work, target: Work, merged_by: int) -> Merge:
        """Move the editions."""
        # The source is marked first: a trigger deletes a work without editions, unless it was merged.
        await self._works.set_merged(source, target.id)
        editions = await self._works.give(source.id, target.id)
        return Merge(
            kind=MergeKind.WORK,
            source_id=source.id,
            source_name=source.title,
            target_id=target.id,
            target_name=target.title,
            moved={"editions": len(editions)},
            record={"editions": editions},
            merged_by=merged_by,
        )

    async def undo(self, source: Work, target: Work, merge: Merge) -> MergeUndone:
        """Give back the editions that are still the target's; a work that ends without editions goes."""
        moved: list[int] = merge.record["editions"]
        await self._works.set_merged(source, None)
        editions = await self._works.give(target.id, source.id, only=moved)
        for work in (source, target):
            await self._works.delete_if_empty(work.id)
        left = sorted(set(moved) - set(editions))
        return MergeUndone.of(merge, restored={"editions": len(editions)}, left=left)
