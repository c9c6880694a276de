"""SQL of works."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Work


class WorkRepository:
    """Writes and locks one work."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self, work_id: int) -> Work | None:
        """Lock the work against other writers, and against new editions, until the transaction ends."""
        return await self._session.get(Work, work_id, with_for_update=True, populate_existing=True)

    async def rename(self, work: Work, title: str) -> None:
        """Give a locked work its title."""
        work.title = title
        await self._session.flush()
