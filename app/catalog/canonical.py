"""Which record stands for this one: SQL that follows merges, one after the other, to their end.

Authors and works that were merged keep their ids and name what they were merged into. This
module knows the two tables alone, so that everything that reads or writes them can ask it.
"""

from collections.abc import Iterable
from functools import cache

from sqlalchemy import BigInteger, Select, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import aliased

from app.catalog.models import Author, Work

Mergeable = type[Author] | type[Work]


async def find_canonical(reader: AsyncConnection | AsyncSession, model: Mergeable, row_id: int) -> int:
    """The id that stands now for what was merged, however often; any other id stands for itself."""
    return dict(await list_canonical(reader, model, [row_id])).get(row_id, row_id)


async def list_canonical(
    reader: AsyncConnection | AsyncSession, model: Mergeable, ids: Iterable[int]
) -> list[tuple[int, int]]:
    """Each id with the one that stands for it now; what does not exist is left out."""
    rows = await reader.execute(_ends(model), {"ids": list(ids)})
    return [(row.asked, row.end) for row in rows]


async def lock_canonical(
    session: AsyncSession, model: Mergeable, ids: Iterable[int]
) -> list[tuple[int, int]]:
    """Lock what stands for each id now, so that no merge and no deletion can touch it until the commit.

    Each id with the one that stands for it; what does not exist is left out.
    """
    # Rows are locked in the order of their ids, as merges lock them. A merged row is never locked
    # first: a transaction that waits for its target while it holds the source, and an undo that
    # holds the target and wants the source, would deadlock. The rows that a statement returns as
    # merged were merged while it waited for their lock, and so it holds them all the same; from
    # then on it does not wait (NOWAIT), and the request fails as a collision that may be sent again.
    canonical: dict[int, int] = {}
    asked = set(ids)
    has_waited = False
    while asked:
        locked = _locked_ends(model, nowait=has_waited)
        rows = (await session.execute(locked, {"ids": list(asked)})).all()
        canonical |= {row.asked: row.id for row in rows if row.merged_into_id is None}
        asked = {row.asked for row in rows if row.merged_into_id is not None}
        has_waited = True
    return list(canonical.items())


# Made once: building and compiling them takes longer than running them.
@cache
def _locked_ends(model: Mergeable, *, nowait: bool) -> Select[int, int, int | None]:
    ends = _ends(model).subquery()
    return (
        select(ends.c.asked, model.id, model.merged_into_id)
        .join(ends, ends.c.end == model.id)
        .order_by(model.id)
        # Works FOR KEY SHARE, which waits for merges and deletions alone. Authors FOR SHARE, which waits
        # for renames too: names stand in the search documents of the books that are being written.
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
