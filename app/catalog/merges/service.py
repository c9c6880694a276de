"""Merging authors or works in one transaction, and undoing it."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.authors.errors import AuthorNotFound
from app.catalog.canonical import find_canonical
from app.catalog.merges.authors import AuthorMergeHandler
from app.catalog.merges.errors import (
    AlreadyMerged,
    AlreadyUndone,
    MergedFurther,
    MergeIntoItself,
    MergeNotFound,
    UnknownMergeTarget,
)
from app.catalog.merges.queries import list_works_of_one_title
from app.catalog.merges.repository import (
    AuthorMergeRepository,
    MergeRepository,
    Row,
    WorkMergeRepository,
)
from app.catalog.merges.schemas import MergeDone, MergeUndone
from app.catalog.merges.works import WorkMergeHandler
from app.catalog.models import Author, Merge, MergeKind, Work
from app.catalog.works.errors import WorkNotFound
from app.core.audit import record_audit
from app.core.cache.hot import EVERYTHING, invalidate
from app.core.clock import utc_now
from app.identity.principal import Principal

_NOT_FOUND = {Author: AuthorNotFound, Work: WorkNotFound}


class MergeService:
    """Merges and unmerges.

    Rows are locked in one order, books before authors before works before search documents, each
    by id: merges in both directions at once, and edits of the books meanwhile, wait for each other
    instead of failing.
    """

    def __init__(
        self,
        session: AsyncSession,
        merges: MergeRepository,
        authors: AuthorMergeHandler,
        works: WorkMergeHandler,
    ) -> None:
        self._session = session
        self._merges = merges
        self._authors = authors
        self._works = works

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        authors = AuthorMergeHandler(AuthorMergeRepository(session))
        works = WorkMergeHandler(WorkMergeRepository(session))
        return cls(session, MergeRepository(session), authors, works)

    async def merge_authors(self, manager: Principal, source_id: int, into: int) -> MergeDone:
        """Make two authors one; the answer lists works of the target that share a title now.

        Raises AuthorNotFound, AlreadyMerged, UnknownMergeTarget, MergeIntoItself, TooManyAliases.
        """
        source, target = await self._lock_both(Author, source_id, into)
        merge = await self._authors.merge(source, target, manager.user_id)
        await self._record(merge)
        shared = await list_works_of_one_title(self._session, target.id)
        return MergeDone.of(merge, works_of_one_title=shared)

    async def merge_works(self, manager: Principal, source_id: int, into: int) -> MergeDone:
        """Make two works one.

        Raises WorkNotFound, AlreadyMerged, UnknownMergeTarget, MergeIntoItself.
        """
        source, target = await self._lock_both(Work, source_id, into)
        merge = await self._works.merge(source, target, manager.user_id)
        await self._record(merge)
        return MergeDone.of(merge, works_of_one_title=[])

    async def undo(self, manager: Principal, merge_id: int) -> MergeUndone:
        """Give back what stands as the merge left it. Raises MergeNotFound, AlreadyUndone, MergedFurther."""
        merge = await self._merges.lock(merge_id)
        if merge is None:
            raise MergeNotFound(f"There is no merge {merge_id}.")
        if merge.undone_at is not None:
            raise AlreadyUndone(f"Merge {merge_id} was undone at {merge.undone_at.isoformat()}.")
        merge.undone_by, merge.undone_at = manager.user_id, utc_now()
        if merge.kind == MergeKind.AUTHOR:
            undone = await self._authors.undo(*await self._lock_merged(Author, merge), merge)
        else:
            undone = await self._works.undo(*await self._lock_merged(Work, merge), merge)
        await self._merges.flush()
        changes = {
            "merged_into": (merge.target_id, None),
            "name": (merge.target_name, merge.source_name),
        }
        record_audit(self._session, f"{merge.kind}.merge_undone", (merge.kind, merge.source_id), changes)
        invalidate(self._session, EVERYTHING)
        return undone

    async def _lock_both(self, model: type[Row], source_id: int, into: int) -> tuple[Row, Row]:
        """Lock the source and what stands for `into`, and refuse what cannot be merged."""
        kind = model.__name__
        target_id = await find_canonical(self._session, model, into)
        if source_id in {into, target_id}:
            raise MergeIntoItself(
                f"{kind} {into} is {source_id} itself, or was merged into it; name another in into."
            )
        rows = {row.id: row for row in await self._merges.lock_all(model, [source_id, target_id])}
        source, target = rows.get(source_id), rows.get(target_id)
        if source is None:
            raise _NOT_FOUND[model](f"There is no {kind.lower()} {source_id}.")
        if target is None:
            raise UnknownMergeTarget(f"There is no {kind.lower()} {target_id}.")
        for row in (source, target):
            if row.merged_into_id is not None:
                where = row.merged_into_id
                detail = f"{kind} {row.id} was merged into {where}; undo that, or merge {where}."
                raise AlreadyMerged(detail, merged_into=where)
        return source, target

    async def _lock_merged(self, model: type[Row], merge: Merge) -> tuple[Row, Row]:
        """Lock both sides of the merge, unless a later one builds on it."""
        ids = [merge.source_id, merge.target_id]
        rows = {row.id: row for row in await self._merges.lock_all(model, ids)}
        later = await self._merges.find_built_on(merge)
        if later is not None:
            raise MergedFurther(f"Undo merge {later} first.", undo_first=later)
        return rows[merge.source_id], rows[merge.target_id]

    async def _record(self, merge: Merge) -> None:
        await self._merges.add(merge)
        changes = {
            "merged_into": (None, merge.target_id),
            "name": (merge.source_name, merge.target_name),
        }
        record_audit(self._session, f"{merge.kind}.merged", (merge.kind, merge.source_id), changes)
        # Names and ids show in books and in lists of books.
        invalidate(self._session, EVERYTHING)
