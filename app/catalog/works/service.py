"""Reading, listing and editing works."""

from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.books.answers import book_out
from app.catalog.cache_groups import LISTS
from app.catalog.canonical import find_canonical
from app.catalog.models import Work
from app.catalog.works.errors import WorkMerged, WorkNotFound
from app.catalog.works.repository import WorkRepository, find_work, list_works
from app.catalog.works.schemas import WorkAuthor, WorkDetail, WorkFilter, WorkOut, WorkPatch
from app.core.audit import differences, record_edit
from app.core.cache.hot import invalidate
from app.core.db.paging import Pager
from app.core.db.queries import AnyRow
from app.core.http.conditional import Precondition, answer_number, version_etag
from app.core.http.responses import ReadResult


class WorkService:
    """Edits works."""

    def __init__(self, session: AsyncSession, works: WorkRepository) -> None:
        self._session = session
        self._works = works

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """The service on one session."""
        return cls(session, WorkRepository(session))

    async def change(self, work_id: int, precondition: Precondition, patch: WorkPatch) -> None:
        """Set the title; editions keep theirs. Nothing sent changes nothing.

        WorkNotFound, WorkMerged, StaleVersion.
        """
        work = await self._works.lock(work_id)
        if work is None:
            raise _no_work(work_id)
        if work.merged_into_id is not None:
            raise _merged_work(work_id, await self._works.find_current(work_id))
        precondition.check(work.version)
        sent = patch.sent()
        if not sent:
            return
        record_edit(self._session, "work.changed", ("work", work_id), differences(work, sent))
        await self._works.set_title_page(work, patch.title, work.author_id)
        invalidate(self._session, LISTS)


class WorkCatalogue:
    """Reads works for display."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, work_id: int) -> ReadResult:
        """One work with its editions. WorkNotFound, WorkMerged."""
        rows = await find_work(self._connection, work_id)
        if not rows:
            raise _no_work(work_id)
        if rows[0].work_merged_into_id is not None:
            raise _merged_work(work_id, await find_canonical(self._connection, Work, work_id))
        editions = [book_out(row) for row in rows if row.id is not None]
        work = WorkDetail(**_shown(rows[0], "work_"), editions=editions)
        # Editions change without a new version of the work.
        return ReadResult(work, rows[0].snapshot, version_etag(work.version, answer_number(work)))

    async def list(self, query: WorkFilter, pager: Pager) -> ReadResult:
        """One page of works. InvalidCursor."""
        window = pager.window(query)
        found = await list_works(self._connection, query.search, query.sort, window)
        works = [WorkOut(**_shown(row)) for row in found.rows]
        return ReadResult(pager.page(query, window, found, works), found.snapshot)


def _shown(row: AnyRow, prefix: str = "") -> dict[str, Any]:
    shown = {name: getattr(row, prefix + name) for name in WorkOut.model_fields if name != "author"}
    author_id, name = getattr(row, f"{prefix}author_id"), getattr(row, f"{prefix}author_name")
    return shown | {"author": None if author_id is None else WorkAuthor(id=author_id, name=name)}


def _no_work(work_id: int) -> WorkNotFound:
    return WorkNotFound(f"There is no work {work_id}.")


def _merged_work(work_id: int, current_id: int) -> WorkMerged:
    detail = f"Work {work_id} was merged into work {current_id}."
    return WorkMerged(detail, moved={"work_id": current_id}, current_id=current_id)
