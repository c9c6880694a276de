"""Keeping documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.documents.errors import TooManyDocuments, no_document
from app.catalog.documents.repository import DocumentRepository
from app.catalog.documents.schemas import DocumentFields, DocumentKind
from app.catalog.models import UploadedDocument
from app.identity.principal import Principal

MOST_DOCUMENTS = 1_000
"""Of one account."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document that was checked and stored, before it has a row."""

    file: str
    filename: str
    kind: DocumentKind
    size: int
    pages: int | None


class DocumentService:
    """Adds and deletes documents of an account."""

    def __init__(self, documents: DocumentRepository) -> None:
        self._documents = documents

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(DocumentRepository(session))

    async def add(
        self, owner: Principal, stored: Sequence[StoredDocument], fields: DocumentFields
    ) -> list[int]:
        """Keep documents of the owner, all or none; their ids. Raises TooManyDocuments."""
        if await self._documents.count(owner.user_id) + len(stored) > MOST_DOCUMENTS:
            raise TooManyDocuments(f"An account may keep {MOST_DOCUMENTS} documents; delete some first.")
        documents = [
            UploadedDocument(
                owner_id=owner.user_id,
                file=one.file,
                filename=one.filename,
                kind=one.kind.value,
                size=one.size,
                pages=one.pages,
                description=fields.description,
                category=fields.category,
            )
            for one in stored
        ]
        await self._documents.add(documents)
        return [document.id for document in documents]

    async def delete(self, owner: Principal, document_id: int) -> None:
        """Delete the document; its file goes with the next purge. Raises DocumentNotFound, also of another's."""
        if not await self._documents.delete(owner.user_id, document_id):
            raise no_document(document_id)
