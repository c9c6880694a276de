"""Merging authors or works in one transaction, undoing it, and the list of merges."""

from collections.abc import Mapping
from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.authors.errors import AuthorNotFound
from app.catalog.merges.authors.service import AuthorMover
from app.catalog.merges.errors import (
    AlreadyMerged,
    AlreadyUndone,
    MergedFurther,
    MergeIntoItself,
    MergeNotFound,
    UnknownMergeTarget,
)
from app.catalog.merges.handling import MergeHandler, MergeKind
from app.catalog.merges.repository import MergeRepository, list_merges
from app.catalog.merges.schemas import Merged, MergeDone, MergeFilter, MergeOut, MergeUndone
from app.catalog.merges.works.service import WorkMover
from app.catalog.models import Author, Merge, Work
from app.catalog.works.errors import WorkNotFound
from app.core.audit import record_audit
from app.core.cache.hot import EVERYTHING, invalidate
from app.core.clock import utc_now
from app.core.db.paging import Pager
from app.core.db.queries import AnyRow
from app.core.http.responses import ReadResult
from app.identity.principal import Principal

_NOT_FOUND = {MergeKind.AUTHOR: AuthorNotFound, MergeKind.WORK: WorkNotFound}


class MergeService:
    """Merges and unmerges.

    Everything is held in one order, books before authors before works before search documents, each
    by id: merges in both directions at once, and edits of the books meanwhile, wait for each other
    instead of failing.
    """

    def __init__(
        self, session: AsyncSession, merges: MergeRepository, authors: AuthorMover, works: WorkMover
    ) -> None:
        self._session = session
        self._merges = merges
        self._authors = authors
        self._movers: Mapping[MergeKind, MergeHandler[Any]] = {
            MergeKind.AUTHOR: authors,
            MergeKind.WORK: works,
        }

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """The service on one session."""
        return cls(session, MergeRepository(session), AuthorMover.build(session), WorkMover.build(session))

    async def merge_authors(self, manager: Principal, source_id: int, into: int) -> MergeDone:
        """Make two authors one. Errors of `merge_works`, with AuthorNotFound and TooManyAliases."""
        merge = await self._merge(MergeKind.AUTHOR, manager, source_id, into)
        shared = await self._authors.list_works_of_one_title(merge.target_id)
        return MergeDone(**_shown(merge), works_of_one_title=shared)

    async def merge_works(self, manager: Principal, source_id: int, into: int) -> MergeDone:
        """Make two works one.

        WorkNotFound, AlreadyMerged, UnknownMergeTarget, MergeIntoItself.
        """
        merge = await self._merge(MergeKind.WORK, manager, source_id, into)
        return MergeDone(**_shown(merge), works_of_one_title=[])

    async def undo(self, manager: Principal, merge_id: int) -> MergeUndone:
        """Give back what stands as the merge left it. MergeNotFound, AlreadyUndone, MergedFurther."""
        merge = await self._merges.lock(merge_id)
        if merge is None:
            raise MergeNotFound(f"There is no merge {merge_id}.")
        if merge.undone_at is not None:
            raise AlreadyUndone(f"Merge {merge_id} was undone at {merge.undone_at.isoformat()}.")
        kind = MergeKind(merge.kind)
        rows = {row.id: row for row in await self._merges.lock_all(kind, merge.source_id, merge.target_id)}
        source, target = rows[merge.source_id], rows[merge.target_id]
        later = await self._merges.find_built_on(merge)
        if later is not None:
            raise MergedFurther(f"Undo merge {later} first.", undo_first=later)
        back = await self._movers[kind].move_back(source, target, merge.record)
        merge.undone_by, merge.undone_at = manager.user_id, utc_now()
        await self._merges.flush()
        changes = {"merged_into": (target.id, None), "name": (merge.target_name, merge.source_name)}
        record_audit(self._session, f"{kind}.merge_undone", (kind.value, source.id), changes)
        invalidate(self._session, EVERYTHING)
        return MergeUndone(**_shown(merge), restored=dict(back.counts), left=back.left)

    async def _merge(self, kind: MergeKind, manager: Principal, source_id: int, into: int) -> Merge:
        target_id = await self._merges.find_current(kind, into)
        if source_id in {into, target_id}:
            detail = f"{kind.capitalize()} {into} is {source_id} itself, or was merged into it; name another in into."
            raise MergeIntoItself(detail)
        source, target = await self._lock_both(kind, source_id, target_id)
        names = {"source_name": _name(source), "target_name": _name(target)}
        moved = await self._movers[kind].move(source, target)
        merge = Merge(
            kind=kind.value,
            source_id=source_id,
            target_id=target_id,
            moved=dict(moved.counts),
            record=dict(moved.record),
            merged_by=manager.user_id,
            **names,
        )
        await self._merges.add(merge)
        changes = {"merged_into": (None, target_id), "name": (merge.source_name, merge.target_name)}
        record_audit(self._session, f"{kind}.merged", (kind.value, source_id), changes)
        # Names and ids show in books and in lists of books.
        invalidate(self._session, EVERYTHING)
        return merge

    async def _lock_both(
        self, kind: MergeKind, source_id: int, target_id: int
    ) -> tuple[Author | Work, Author | Work]:
        rows = {row.id: row for row in await self._merges.lock_all(kind, source_id, target_id)}
        source, target = rows.get(source_id), rows.get(target_id)
        if source is None:
            raise _NOT_FOUND[kind](f"There is no {kind} {source_id}.")
        if target is None:
            raise UnknownMergeTarget(f"There is no {kind} {target_id}.")
        for row in (source, target):
            if row.merged_into_id is not None:
                where = row.merged_into_id
                detail = f"{kind.capitalize()} {row.id} was merged into {where}; undo that, or merge {where}."
                raise AlreadyMerged(detail, merged_into=row.merged_into_id)
        return source, target


def _name(row: Author | Work) -> str:
    return row.name if isinstance(row, Author) else row.title


def _shown(merge: Merge | AnyRow) -> dict[str, Any]:
    return {
        "id": merge.id,
        "kind": merge.kind,
        "source": Merged(id=merge.source_id, name=merge.source_name),
        "target": Merged(id=merge.target_id, name=merge.target_name),
        "moved": merge.moved,
        "merged_by": merge.merged_by,
        "merged_at": merge.merged_at,
        "undone_by": merge.undone_by,
        "undone_at": merge.undone_at,
    }


async def list_all_merges(connection: AsyncConnection, query: MergeFilter, pager: Pager) -> ReadResult:
    """One page of merges, newest first. InvalidCursor."""
    window = pager.window(query)
    found = await list_merges(connection, query, window)
    merges = [MergeOut(**_shown(row)) for row in found.rows]
    return ReadResult(pager.page(query, window, found, merges), found.snapshot)
