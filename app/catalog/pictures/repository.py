"""Writes what is to be fetched, and what came of it."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import FetchState, PictureFetch
from app.core.db.batches import delete_some
from app.core.errors import AppError
from app.identity.models import User
from app.identity.permissions import Role, permissions_of
from app.identity.principal import Principal


class FetchRepository:
    """Fetches of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, fetch: PictureFetch) -> None:
        """Insert the fetch."""
        self._session.add(fetch)
        await self._session.flush()

    async def start(self, fetch_id: int) -> PictureFetch | None:
        """Count one more try; None where there is nothing left to do."""
        pending = (PictureFetch.id == fetch_id, PictureFetch.state == FetchState.PENDING)
        begun = update(PictureFetch).where(*pending).values(tries=PictureFetch.tries + 1)
        return (await self._session.scalars(begun.returning(PictureFetch))).one_or_none()

    async def finish(self, fetch_id: int, picture: str) -> bool:
        """Note the picture that came; False where another attempt was first."""
        return await self._end(fetch_id, FetchState.DONE, picture=picture)

    async def give_up(self, fetch_id: int, reason: AppError) -> None:
        """Note why there is no picture."""
        await self._end(fetch_id, FetchState.FAILED, code=reason.code, detail=reason.detail)

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
