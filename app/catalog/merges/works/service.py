"""Moves editions from one work to another, and back."""

from collections.abc import Mapping
from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.merges.handling import MergeRecord, UndoneMerge
from app.catalog.merges.works.repository import WorkMoveRepository
from app.catalog.models import Work


class WorkMover:
    """Moves what belongs to works."""

    def __init__(self, moves: WorkMoveRepository) -> None:
        self._moves = moves

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """The mover on one session."""
        return cls(WorkMoveRepository(session))

    async def move(self, source: Work, target: Work) -> MergeRecord:
        """Move the editions. The source is marked first: a work without editions goes, unless it was merged."""
        await self._moves.set_merged(source, target.id)
        editions = await self._moves.give(source.id, target.id)
        return MergeRecord({"editions": editions}, {"editions": len(editions)})

    async def move_back(self, source: Work, target: Work, record: Mapping[str, Any]) -> UndoneMerge:
        """Give back the editions that are still the target's; a work that ends without editions goes."""
        recorded = record["editions"]
        await self._moves.set_merged(source, None)
        editions = await self._moves.give(target.id, source.id, recorded)
        for work_id in (source.id, target.id):
            await self._moves.forget_if_empty(work_id)
        return UndoneMerge({"editions": len(editions)}, sorted(set(recorded) - set(editions)))
