"""Writes what is to be fetched, and what came of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import FetchState, PictureFetch
from app.catalog.pictures.events import PictureWanted
from app.core.db.batches import delete_some
from app.core.db.driver import fetch
from app.core.errors import AppError
from app.identity.models import User
from app.identity.permissions import Role, permissions_of
from app.identity.principal import Principal

COVERS_A_SECOND = 20
"""Of imports: so that thousands of them hold up no mail."""

# One that is on its way, or stands there already, is not fetched again.
_WANT_COVERS = """
    WITH made AS (
        INSERT INTO picture_fetches (item_id, number, url, replaces, requested_by, import_id, import_row)
        SELECT wanted.item_id, 1, wanted.url, pictures -> 0 ->> 'name', $1, $2, import_row
        FROM unnest($3::bigint[], $4::bigint[], $5::text[]) AS wanted (item_id, import_row, url)
        JOIN items ON items.id = wanted.item_id
        WHERE NOT EXISTS (
            SELECT FROM picture_fetches AS known
            WHERE known.item_id = wanted.item_id AND known.number = 1 AND known.url = wanted.url
                AND (known.state = 'pending' OR known.picture = pictures -> 0 ->> 'name')
        )
        ORDER BY import_row
        RETURNING id, item_id
    ), begun AS (
        SELECT greatest(now(), max(available_at)) AS at FROM outbox_events
        WHERE type = $6 AND done_at IS NULL AND attempts = 0
    ), queued AS (
        INSERT INTO outbox_events (type, payload, available_at)
        SELECT $6, jsonb_build_object('fetch_id', id), at + row_number() OVER (ORDER BY id) * interval '1 second' / $7
        FROM made, begun ORDER BY id
    )
    SELECT item_id FROM made
"""


class WantedCover(NamedTuple):
    """The cover that a row of an import names."""

    item_id: int
    import_row: int
    url: str


class FetchRepository:
    """Fetches of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, fetch: PictureFetch) -> None:
        """Insert the fetch."""
        self._session.add(fetch)
        await self._session.flush()

    async def want_covers(self, import_id: int, user_id: int, covers: Sequence[WantedCover]) -> set[int]:
        """Have the worker fetch these, one after the other; the items of those that are not there, or on their way."""
        if not covers:
            return set()
        columns = zip(*covers, strict=True)
        about = (PictureWanted.type, COVERS_A_SECOND)
        rows = await fetch(self._session, _WANT_COVERS, user_id, import_id, *columns, *about)
        return {row["item_id"] for row in rows}

    async def start(self, fetch_id: int) -> PictureFetch | None:
        """Count one more try; None where there is nothing left to do."""
        pending = (PictureFetch.id == fetch_id, PictureFetch.state == FetchState.PENDING)
        begun = update(PictureFetch).where(*pending).values(tries=PictureFetch.tries + 1)
        return (await self._session.scalars(begun.returning(PictureFetch))).one_or_none()

    async def finish(self, fetch_id: int, picture: str) -> bool:
        """Note the picture that came; False where another attempt was first."""
        return await self._end(fetch_id, FetchState.DONE, picture=picture)

    async def give_up(self, fetch_id: int, reason: AppError) -> bool:
        """Note why there is no picture; False where another attempt was first."""
        return await self._end(fetch_id, FetchState.FAILED, code=reason.code, detail=reason.detail)

    async def find_requester(self, user_id: int) -> Principal | None:
        """Whoever asked for it, with what they may do now; None where the account is closed."""
        columns = (User.username, User.role, User.is_active)
        row = (await self._session.execute(select(*columns).where(User.id == user_id))).one_or_none()
        if row is None or not row.is_active:
            return None
        role = Role(row.role)
        return Principal(user_id, row.username, role, permissions_of(role))

    async def purge(self, before: datetime) -> int:
        """Delete what was asked for before."""
        return await delete_some(self._session, PictureFetch.id, PictureFetch.created_at < before)

    async def _end(self, fetch_id: int, state: FetchState, **values: str) -> bool:
        pending = (PictureFetch.id == fetch_id, PictureFetch.state == FetchState.PENDING)
        ended = update(PictureFetch).where(*pending).values(state=state.value, done_at=func.now(), **values)
        return await self._session.scalar(ended.returning(PictureFetch.id)) is not None
