"""`/api/v1/admin/exports`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import StreamingResponse

from app.catalog.exports.schemas import ExportQuery
from app.catalog.exports.service import stream_books
from app.catalog.exports.writers import make_format
from app.core.audit import record_audit
from app.core.clock import utc_now
from app.core.db.transaction import SessionDep
from app.core.http.responses import start_stream, stream_response
from app.core.rate_limit import caller_of, rate_limited
from app.identity.authentication.deps import CATALOG_TRANSFERRER

router = APIRouter(prefix="/api/v1/admin/exports", tags=["bulk"])

_FILES = {
    "text/csv": {
        "schema": {"type": "string"},
        "example": "isbn13,title,contributors\r\n9780261102217,The Hobbit,J.R.R. Tolkien\r\n",
    },
    "application/x-ndjson": {
        "schema": {"type": "string"},
        "example": '{"isbn13":"9780261102217","title":"The Hobbit"}\n',
    },
    "application/xml": {
        "schema": {"type": "string"},
        "example": '<ONIXMessage release="3.0">…</ONIXMessage>',
    },
}


@router.get(
    "",
    summary="Export books",
    response_class=StreamingResponse,
    response_model=None,
    dependencies=[CATALOG_TRANSFERRER, Depends(rate_limited("export", caller_of))],
    responses={200: {"description": "The file, streamed.", "content": _FILES}},
)
async def export_books(
    query: Annotated[ExportQuery, Query()], request: Request, session: SessionDep
) -> StreamingResponse:
    """Every book that meets the filters, as CSV, NDJSON or ONIX 3.0, by id. An import of the file changes nothing.

    Without any filter CSV and NDJSON hold what is off sale too (`is_active`); ONIX is for others and never does.
    Text cells of CSV that a spreadsheet would run as a formula begin with `'`, which the import takes off again.
    A file that breaks off (the connection ends before the last chunk) is not complete.
    """
    now = utc_now()
    form = make_format(query, request.app.state.settings.public_url, now)
    pieces = await start_stream(
        stream_books(request.app.state.database, query.criteria, form, is_whole=query.is_whole)
    )
    asked = {name: (None, value) for name, value in query.asked.items()}
    record_audit(session, "catalog.exported", ("catalog", "books"), asked)
    return stream_response(pieces, form.media_type, f"books-{now:%Y%m%d}.{form.extension}")
