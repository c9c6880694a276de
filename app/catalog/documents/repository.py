"""Writes of documents."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import UploadedDocument


class DocumentRepository:
    """Writes documents; their files are the store's."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, documents: Sequence[UploadedDocument]) -> None:
        """Insert the documents, so that their ids are known."""
        self._session.add_all(documents)
        await self._session.flush()

    async def count(self, owner_id: int) -> int:
        """How many documents the account has."""
        owned = select(func.count()).where(UploadedDocument.owner_id == owner_id)
        return (await self._session.execute(owned)).scalar_one()

    async def delete(self, owner_id: int, document_id: int) -> bool:
        """Delete the document, if it is there and the owner's."""
        is_it = (UploadedDocument.id == document_id, UploadedDocument.owner_id == owner_id)
        deleted = delete(UploadedDocument).where(*is_it).returning(UploadedDocument.id)
        return await self._session.scalar(deleted) is not None
