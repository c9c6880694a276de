"""Reads of documents."""

import re
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import SQLColumnExpression, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.documents.errors import DocumentNotFound, no_document
from app.catalog.documents.schemas import (
    DOCUMENT_PATH,
    FILE_PATTERN,
    DocumentOut,
    DocumentsOut,
    OwnedDocuments,
)
from app.catalog.models import UploadedDocument
from app.core.db.paging import Pager
from app.core.db.queries import find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult

_FILE = re.compile(FILE_PATTERN)
_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    UploadedDocument.id,
    UploadedDocument.filename,
    UploadedDocument.kind,
    UploadedDocument.size,
    UploadedDocument.pages,
    UploadedDocument.description,
    UploadedDocument.category,
    func.concat(literal(f"{DOCUMENT_PATH}/"), UploadedDocument.file).label("url"),
    UploadedDocument.created_at,
)
_NEWEST_FIRST = Order.by(
    ("-created_at", "-id"),
    {"created_at": UploadedDocument.created_at, "id": UploadedDocument.id},
    UploadedDocument.id,
)


async def list_documents(connection: AsyncConnection, query: OwnedDocuments, pager: Pager) -> ReadResult:
    """Read one page of an owner's documents, the newest first. Raises InvalidCursor."""
    matching = select(UploadedDocument.id).where(UploadedDocument.owner_id == query.owner_id)
    if query.category is not None:
        matching = matching.where(UploadedDocument.category == query.category)
    if query.kind is not None:
        matching = matching.where(UploadedDocument.kind == query.kind)
    window = pager.window(query)
    found = await find_page(connection, matching, _NEWEST_FIRST, window, _COLUMNS)
    documents = [DocumentOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, documents), found.snapshot)


async def get_document(connection: AsyncConnection, owner_id: int, document_id: int) -> ReadResult:
    """Read one document. Raises DocumentNotFound, also of another's."""
    is_it = (UploadedDocument.id == document_id, UploadedDocument.owner_id == owner_id)
    row = (await connection.execute(select(*_COLUMNS, snapshot_text).where(*is_it))).one_or_none()
    if row is None:
        raise no_document(document_id)
    return ReadResult(DocumentOut.model_validate(row), row.snapshot)


async def get_documents(connection: AsyncConnection, ids: Sequence[int]) -> ReadResult:
    """Read these documents, in the order in which they were made."""
    statement = select(*_COLUMNS, snapshot_text).where(UploadedDocument.id.in_(ids))
    rows = (await connection.execute(statement.order_by(UploadedDocument.id))).all()
    documents = [DocumentOut.model_validate(row) for row in rows]
    return ReadResult(DocumentsOut(items=documents), rows[0].snapshot)


async def get_download_name(connection: AsyncConnection, file: str) -> str:
    """What the document of this file was called. Raises DocumentNotFound."""
    named = select(UploadedDocument.filename).where(UploadedDocument.file == file)
    filename = None
    if _FILE.fullmatch(file):
        filename = (await connection.execute(named)).scalar_one_or_none()
    if filename is None:
        raise DocumentNotFound("There is no document of this name.")
    return filename


async def list_used_files(session: AsyncSession) -> list[str]:
    """Every file that a document has."""
    return list(await session.scalars(select(UploadedDocument.file)))


async def find_used_files(session: AsyncSession, files: Collection[str]) -> set[str]:
    """Which of these files documents have."""
    used = select(UploadedDocument.file).where(UploadedDocument.file.in_(files))
    return set(await session.scalars(used))
