"""SQL that follows merges, one after the other, to the row that stands now."""

from collections.abc import Iterable
from functools import cache

from sqlalchemy import BigInteger, Select, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import aliased

from app.catalog.models import Author, Work

Mergeable = type[Author] | type[Work]


async def find_current(reader: AsyncConnection | AsyncSession, model: Mergeable, row_id: int) -> int:
    """The id that stands now for what was merged, however often; any other id stands for itself."""
    return next((end for _, end in await list_current(reader, model, [row_id])), row_id)


async def list_current(
    reader: AsyncConnection | AsyncSession, model: Mergeable, ids: Iterable[int]
) -> list[tuple[int, int]]:
    """Each id with the one that stands for it now; what does not exist is left out."""
    rows = await reader.execute(_ends(model), {"ids": list(ids)})
    return [(row.asked, row.end) for row in rows]


async def lock_current(session: AsyncSession, model: Mergeable, ids: Iterable[int]) -> list[tuple[int, int]]:
    """Each id with the one that stands for it now, which no merge and no deletion can touch until the commit.

    Rows are held in the order of their ids, as merges hold them, and merged ones not at all: whoever held
    them while waiting for what they lead to would stand in the way of an undo. Who waited for a merge all the
    same, and so holds what it merged, does not wait for the next one. What does not exist is left out.
    """
    current: dict[int, int] = {}
    asked = set(ids)
    has_waited = False
    while True:
        held = _held_ends(model, nowait=has_waited)
        rows = (await session.execute(held, {"ids": list(asked)})).all()
        current |= {row.asked: row.id for row in rows if row.merged_into_id is None}
        asked = {row.asked for row in rows if row.merged_into_id is not None}
        if not asked:
            return list(current.items())
        has_waited = True


# Made once: building and compiling them takes longer than running them.
@cache
def _held_ends(model: Mergeable, *, nowait: bool) -> Select[int, int, int | None]:
    ends = _ends(model).subquery()
    return (
        select(ends.c.asked, model.id, model.merged_into_id)
        .join(ends, ends.c.end == model.id)
        .order_by(model.id)
        # Names of authors stand in the documents of their books: no rename may pass by a book that is being written.
        .with_for_update(of=model, read=True, key_share=model is not Author, nowait=nowait)
    )


@cache
def _ends(model: Mergeable) -> Select[int, int]:
    chain = (
        select(model.id.label("asked"), model.id.label("end"), model.merged_into_id.label("next"))
        .where(model.id == any_(bindparam("ids", type_=ARRAY(BigInteger))))
        .cte("chain", recursive=True)
    )
    link = aliased(model)
    chain = chain.union(
        select(chain.c.asked, link.id, link.merged_into_id).join(link, link.id == chain.c.next)
    )
    return select(chain.c.asked, chain.c.end).where(chain.c.next.is_(None))
