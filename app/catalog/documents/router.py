"""`/api/v1/uploads/documents`, and `/media/documents`, where documents are downloaded."""

from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.datastructures import UploadFile

from app.catalog.documents import queries
from app.catalog.documents.checking import count_pages, kind_of
from app.catalog.documents.errors import (
    BrokenDocument,
    DocumentNotFound,
    TooManyDocuments,
    UnsafeDocument,
    UnsupportedDocument,
)
from app.catalog.documents.forms import (
    ALL_FILES,
    DOCUMENTS_FORM,
    LARGEST_FILE,
    LONGEST_NAME,
    documents_form,
)
from app.catalog.documents.schemas import (
    DOCUMENT_PATH,
    ENDINGS,
    MEDIA_TYPES,
    DocumentFilter,
    DocumentOut,
    DocumentsOut,
    OwnedDocuments,
)
from app.catalog.documents.service import DocumentService, StoredDocument
from app.catalog.documents.store import read_document, store_document
from app.core.db.paging import Page, PagerDep
from app.core.db.transaction import SessionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import PRIVATE, HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.core.http.uploads import NotAnUpload, UploadInterrupted, UploadTooLarge, plain_name
from app.core.rate_limit import caller_of, rate_limited
from app.core.storage.storage import Storage
from app.identity.authentication.deps import Seller

router = APIRouter(tags=["documents"], route_class=IdempotentRoute)

_PREFIX = "/api/v1/uploads/documents"
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The document, as a download.",
        "content": {
            # Text is a string to generators of clients, which else wrap its characters as if they were bytes.
            kind: {"schema": {"type": "string", **({} if kind.startswith("text/") else {"format": "binary"})}}
            for kind in MEDIA_TYPES.values()
        },
    }
}


@router.post(
    _PREFIX,
    status_code=201,
    summary="Upload documents",
    response_model=DocumentsOut,
    responses=problems(
        NotAnUpload,
        UploadInterrupted,
        UploadTooLarge,
        UnsupportedDocument,
        BrokenDocument,
        UnsafeDocument,
        TooManyDocuments,
    ),
    openapi_extra=DOCUMENTS_FORM,
    max_body_size=ALL_FILES,
    dependencies=[Depends(rate_limited("upload", caller_of)), IDEMPOTENT],
)
async def upload_documents(
    request: Request, owner: Seller, session: SessionDep, read_back: ReadBackDep
) -> Response:
    """Up to ten documents, all kept or none. Every one is read whole before it is kept.

    A PDF that is encrypted, or that has a script, a form that runs, an attached file or anything else that acts,
    is refused; links to the web are not. Only their owner lists, reads and deletes them.
    """
    storage: Storage = request.app.state.storage.opened
    async with documents_form(request) as (files, fields):
        stored = [await _store(storage, file) for file in files]
    ids = await DocumentService.build(session).add(owner, stored, fields)
    return await read_back(partial(queries.get_documents, ids=ids), status=201)


async def _store(storage: Storage, upload: UploadFile) -> StoredDocument:
    filename = plain_name(upload.filename or "", LONGEST_NAME) or "document"
    size = upload.size or 0
    if size > LARGEST_FILE:
        raise UploadTooLarge(f"{filename}: a document may have {LARGEST_FILE // 1024 // 1024} MiB.")
    kind = kind_of(upload.file, filename)
    pages = await count_pages(upload.file, filename, kind)
    return StoredDocument(await store_document(storage, upload.file, kind), filename, kind, size, pages)


@router.get(_PREFIX, summary="List one's documents", response_model=Page[DocumentOut])
async def list_documents(
    query: Annotated[DocumentFilter, Query()], owner: Seller, pager: PagerDep, hot: HotDep
) -> Response:
    """A page of the caller's documents, the newest first."""
    owned = OwnedDocuments.model_validate({**query.model_dump(), "owner_id": owner.user_id})
    return await hot.answer_private(partial(queries.list_documents, query=owned, pager=pager))


@router.get(
    _PREFIX + "/{document_id}",
    summary="Read what is known of a document",
    response_model=DocumentOut,
    responses=problems(DocumentNotFound),
)
async def get_document(document_id: RowId, owner: Seller, hot: HotDep) -> Response:
    """One of the caller's documents; `url` is where it is downloaded."""
    read = partial(queries.get_document, owner_id=owner.user_id, document_id=document_id)
    return await hot.answer_private(read)


@router.delete(
    _PREFIX + "/{document_id}",
    status_code=204,
    summary="Delete a document",
    responses=problems(DocumentNotFound),
)
async def delete_document(document_id: RowId, owner: Seller, session: SessionDep) -> None:
    """Delete one of the caller's documents. Its address is dead at once; the file is gone some two days later."""
    await DocumentService.build(session).delete(owner, document_id)


@router.get(
    DOCUMENT_PATH + "/{file}",
    summary="Download a document",
    response_class=Response,
    responses={**_FILE, **problems(DocumentNotFound)},
)
async def download_document(
    request: Request, file: Annotated[str, Path(description="As `url` of a document names it.")]
) -> Response:
    """The document as a download, for whoever knows its address. Browsers run nothing of it."""
    async with request.app.state.database.reading() as connection:
        filename = await queries.get_download_name(connection, file)
    storage: Storage = request.app.state.storage.opened
    content = await read_document(storage, file)
    ending = file.rpartition(".")[2]
    [kind] = [one for one, known in ENDINGS.items() if known == ending]
    headers = {
        "Cache-Control": PRIVATE,
        "Content-Disposition": f"attachment; filename=\"document.{ending}\"; filename*=UTF-8''{quote(filename, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Robots-Tag": "noindex",
    }
    return Response(content, media_type=MEDIA_TYPES[kind], headers=headers)
