"""Editing works."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import LISTS
from app.catalog.canonical import find_canonical
from app.catalog.models import Work
from app.catalog.works.errors import merged_work, no_work
from app.catalog.works.repository import WorkRepository
from app.catalog.works.schemas import WorkPatch
from app.core.audit import differences, record_edit
from app.core.cache.hot import invalidate
from app.core.http.conditional import Precondition


class WorkService:
    """Edits works."""

    def __init__(self, session: AsyncSession, works: WorkRepository) -> None:
        self._session = session
        self._works = works

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, WorkRepository(session))

    async def change(self, work_id: int, precondition: Precondition, patch: WorkPatch) -> None:
        """Set the title; editions keep theirs. Nothing sent changes nothing.

        Raises WorkNotFound, WorkMerged, StaleVersion.
        """
        work = await self._works.lock(work_id)
        if work is None:
            raise no_work(work_id)
        if work.merged_into_id is not None:
            raise merged_work(work_id, await find_canonical(self._session, Work, work_id))
        precondition.check(work.version)
        if "title" not in patch.model_fields_set:
            return
        changes = differences(work, {"title": patch.title})
        record_edit(self._session, "work.changed", ("work", work_id), changes)
        await self._works.rename(work, patch.title)
        invalidate(self._session, LISTS)
