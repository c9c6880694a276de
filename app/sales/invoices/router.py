"""`/api/v1/orders/{number}/invoice` and `/credit-notes`, as JSON and as PDF."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from app.core.http.conditional import matches_any
from app.core.http.problems import problems
from app.core.http.responses import PRIVATE, HotDep
from app.core.http.schemas import shaped
from app.core.storage.storage import Storage
from app.sales.errors import OrderNotFound
from app.sales.invoices import queries
from app.sales.invoices.errors import CreditNoteNotFound, NotInvoiced, PrintedFormLost
from app.sales.invoices.printing import read_printed
from app.sales.invoices.queries import Printed
from app.sales.invoices.schemas import CreditNotesOut, InvoiceOut
from app.sales.orders.deps import SeenUserDep
from app.sales.orders.schemas import OrderNumber

router = APIRouter(prefix="/api/v1/orders/{number}", tags=["orders"])

CreditNoteNumber = Annotated[
    str,
    *shaped(r"^CN-[0-9]{4}-[0-9]{6,}$", "must be the number of a credit note, such as CN-2026-000007"),
    Path(examples=["CN-2026-000007"]),
]
_PDF: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The PDF, always the same bytes.",
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get(
    "/invoice",
    summary="Read an order's invoice",
    response_model=InvoiceOut,
    responses=problems(OrderNotFound, NotInvoiced),
)
async def get_invoice(number: OrderNumber, user_id: SeenUserDep, hot: HotDep) -> Response:
    """The invoice, which is issued when the order is paid and never changes. Its buyer sees it, and staff."""
    return await hot.answer_private(partial(queries.get_invoice, number=number, user_id=user_id))


@router.get(
    "/invoice.pdf",
    summary="Download an order's invoice",
    response_class=Response,
    responses={**_PDF, **problems(OrderNotFound, NotInvoiced, PrintedFormLost)},
)
async def download_invoice(request: Request, number: OrderNumber, user_id: SeenUserDep) -> Response:
    """The invoice as PDF, with its table of taxes. It was made once: the bytes are always the same."""
    async with request.app.state.database.reading() as connection:
        printed = await queries.get_printed_invoice(connection, number, user_id)
    return await _send(request, printed)


@router.get(
    "/credit-notes",
    summary="List an order's credit notes",
    response_model=CreditNotesOut,
    responses=problems(OrderNotFound),
)
async def list_credit_notes(number: OrderNumber, user_id: SeenUserDep, hot: HotDep) -> Response:
    """What of the invoice was credited: one note for each refund, the oldest first."""
    return await hot.answer_private(partial(queries.list_credit_notes, number=number, user_id=user_id))


@router.get(
    "/credit-notes/{note}.pdf",
    summary="Download a credit note",
    response_class=Response,
    responses={**_PDF, **problems(OrderNotFound, CreditNoteNotFound, NotInvoiced, PrintedFormLost)},
)
async def download_credit_note(
    request: Request, number: OrderNumber, note: CreditNoteNumber, user_id: SeenUserDep
) -> Response:
    """The credit note as PDF. It was made once: the bytes are always the same."""
    async with request.app.state.database.reading() as connection:
        printed = await queries.get_printed_credit_note(connection, number, note, user_id)
    return await _send(request, printed)


async def _send(request: Request, printed: Printed) -> Response:
    etag = f'"{printed.sha256}"'
    headers = {"Cache-Control": PRIVATE, "ETag": etag}
    if matches_any(etag.encode(), request.headers.get("if-none-match", "").encode()):
        return Response(status_code=304, headers=headers)
    storage: Storage = request.app.state.storage.opened
    content = await read_printed(request.app.state.database, storage, printed)
    headers["Content-Disposition"] = f'inline; filename="{printed.number}.pdf"'
    return Response(content, media_type="application/pdf", headers=headers)
