"""SQL that follows merges, one after the other, to the row that stands now."""

from collections.abc import Iterable

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import aliased

from app.catalog.models import Author, Work

Mergeable = type[Author] | type[Work]


async def find_current(reader: AsyncConnection | AsyncSession, model: Mergeable, row_id: int) -> int:
    """The id that stands now for what was merged, however often; any other id stands for itself."""
    row = (await reader.execute(_ends(model, [row_id]))).one_or_none()
    return row_id if row is None else int(row.end)


async def lock_current(session: AsyncSession, model: Mergeable, ids: Iterable[int]) -> list[tuple[int, int]]:
    """Each id with the one that stands for it now, which no merge and no deletion can touch until the commit.

    Rows are held in the order of their ids, as merges hold them. What does not exist is left out.
    """
    current = {asked: asked for asked in ids}
    while True:
        held = (
            select(model.id, model.merged_into_id)
            .where(model.id.in_(set(current.values())))
            .order_by(model.id)
            .with_for_update(read=True, key_share=True)
        )
        rows = (await session.execute(held)).all()
        if all(row.merged_into_id is None for row in rows):
            existing = {row.id for row in rows}
            return [(asked, id_) for asked, id_ in current.items() if id_ in existing]
        ends = await session.execute(_ends(model, current))
        current = {row.asked: row.end for row in ends}


def _ends(model: Mergeable, ids: Iterable[int]) -> Select[int, int]:
    chain = (
        select(model.id.label("asked"), model.id.label("end"), model.merged_into_id.label("next"))
        .where(model.id.in_(set(ids)))
        .cte("chain", recursive=True)
    )
    link = aliased(model)
    chain = chain.union(
        select(chain.c.asked, link.id, link.merged_into_id).join(link, link.id == chain.c.next)
    )
    return select(chain.c.asked, chain.c.end).where(chain.c.next.is_(None))
