"""Covers that rows name: fetched by the worker after the import, whatever comes of it; no row fails by one."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.formats.columns import COVER
from app.catalog.formats.record import Record, RowProblem
from app.catalog.imports.batch import Outcome
from app.catalog.models import ImportJob, RowStatus
from app.catalog.pictures.repository import FetchRepository, WantedCover

_WANTED = RowProblem(COVER, "The worker fetches it; if that fails, a warning will say why.", "cover-wanted")


async def want_covers(session: AsyncSession, job: ImportJob, rows: Iterable[tuple[Record, Outcome]]) -> None:
    """Have the covers of these rows fetched, and note it with the rows; what a book has from there stays."""
    outcomes: dict[int, Outcome] = {}
    covers = []
    for record, outcome in rows:
        url = record.values.get(COVER)
        if url and outcome.item_id is not None and outcome.status is not RowStatus.DELETED:
            outcomes[outcome.item_id] = outcome
            covers.append(WantedCover(outcome.item_id, outcome.number, url))
    for item_id in await FetchRepository(session).want_covers(job.id, job.created_by, covers):
        outcomes[item_id].notes = [*outcomes[item_id].notes, _WANTED]
