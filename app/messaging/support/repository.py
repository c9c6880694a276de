"""Writes messages about orders."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.messaging.support.models import SupportMessage


class SupportRepository:
    """Messages on one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, message: SupportMessage) -> int:
        """Keep it; its id."""
        self._session.add(message)
        await self._session.flush()
        return message.id
