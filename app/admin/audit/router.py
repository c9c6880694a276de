"""`/api/v1/admin/audit`: the audit log, which nobody can write to by this API."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.admin.audit.queries import list_audit_entries
from app.admin.audit.schemas import AuditCheck, AuditEntryOut, AuditExport, AuditFilter, AuditVerdict
from app.admin.audit.service import export_audit_entries, verify_chain
from app.core.db.engine import Database
from app.core.db.paging import Page, PagerDep
from app.core.http.negotiation import NDJSON
from app.core.http.responses import PRIVATE, HotDep, stream_response
from app.core.rate_limit import caller_of, rate_limited
from app.identity.authentication.deps import AUDITOR

router = APIRouter(prefix="/api/v1/admin/audit", tags=["admin"])

_EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "An entry per line.",
        "content": {NDJSON: {"schema": {"type": "string"}}},
    }
}


@router.get("", summary="Read the audit log", response_model=Page[AuditEntryOut], dependencies=[AUDITOR])
async def list_audit(query: Annotated[AuditFilter, Query()], pager: PagerDep, reads: HotDep) -> Response:
    """A page of the entries that meet every filter, newest first; `cursor` is steady while entries are added."""
    return await reads.answer_private(partial(list_audit_entries, query=query, pager=pager))


@router.get(
    "/export.ndjson",
    summary="Export the audit log",
    response_class=StreamingResponse,
    dependencies=[AUDITOR, Depends(rate_limited("export", caller_of))],
    responses=_EXPORTED,
)
async def export_audit(query: Annotated[AuditExport, Query()], request: Request) -> StreamingResponse:
    """Every entry that meets the filters as JSON lines, oldest first, as in the chain; of any length."""
    database: Database = request.app.state.database
    return stream_response(await export_audit_entries(database.reading, query), NDJSON, "audit.ndjson")


@router.get("/verify", summary="Verify the audit log", dependencies=[AUDITOR])
async def verify_audit(
    query: Annotated[AuditCheck, Query()], request: Request, response: Response
) -> AuditVerdict:
    """Compute the chain of hashes anew from the first entry on.

    Finds entries that were changed, removed or put in between. That the newest were removed, or
    the whole chain was computed anew, shows only against an `anchor`: note `head_hash` elsewhere.
    """
    database: Database = request.app.state.database
    response.headers["Cache-Control"] = PRIVATE
    return await verify_chain(database.reading, query.anchor)
