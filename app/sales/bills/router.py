"""`/api/v1/invoices`: invoices that are sent to the shop, with a callback when they are paid."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app.core.db.paging import Page, PagerDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.identity.authentication.deps import Buyer, OrderManager
from app.sales.bills import queries
from app.sales.bills.deps import BillServiceDep
from app.sales.bills.errors import BillAmbiguous, BillExists, BillNotFound, BillPaidAlready, CallbackRefused
from app.sales.bills.schemas import (
    BillCallback,
    BillCallbackAnswer,
    BillChoice,
    BillFilter,
    BillIn,
    BillOut,
    BillReceived,
    CallbackTarget,
    Number,
)
from app.sales.orders.deps import SeenUserDep

router = APIRouter(prefix="/api/v1/invoices", tags=["invoices"], route_class=IdempotentRoute)
callbacks = APIRouter()
"""What the shop calls; for the document alone."""

InvoiceId = Annotated[Number, Path()]


@callbacks.post(
    "{$callback_url}/invoices/{$request.body.id}",
    operation_id="tell_invoice_paid",
    summary="Hear that the invoice is paid",
)
async def tell_invoice_paid(event: BillCallback) -> BillCallbackAnswer:  # type: ignore[empty-body]  # never called: others implement it
    """Implement this: the shop calls it when the invoice is paid, with the same `Webhook-Id` each time.

    Any 2xx within 15 seconds ends the calls. Anything else, redirects too, is tried again: ten times in three days.
    """


@router.post(
    "",
    status_code=201,
    summary="Send an invoice to the shop",
    responses=problems(BillExists, CallbackRefused),
    callbacks=callbacks.routes,
    dependencies=[IDEMPOTENT],
)
async def receive_invoice(
    invoice: BillIn,
    target: Annotated[CallbackTarget, Query()],
    sender: Buyer,
    bills: BillServiceDep,
    response: Response,
) -> BillReceived:
    """Send an invoice that the shop is to pay; when it is paid, `callback_url` is called as documented under callbacks.

    Its id is yours: other senders may use the same. `GET /invoices/{id}` tells how it stands.
    """
    await bills.receive(sender, invoice, target.callback_url)
    response.headers["Location"] = f"/api/v1/invoices/{invoice.id}"
    return BillReceived()


@router.get("", summary="List invoices to the shop", response_model=Page[BillOut])
async def list_received_invoices(
    query: Annotated[BillFilter, Query()], seen: SeenUserDep, pager: PagerDep, hot: HotDep
) -> Response:
    """A page of the invoices that you sent, or, with `orders:manage`, of everybody's; the newest first."""
    return await hot.answer_private(partial(queries.list_bills, query=query, seen=seen, pager=pager))


@router.get(
    "/{invoice_id}",
    summary="Read an invoice to the shop",
    response_model=BillOut,
    responses=problems(BillNotFound, BillAmbiguous),
)
async def get_received_invoice(
    invoice_id: InvoiceId, choice: Annotated[BillChoice, Query()], seen: SeenUserDep, hot: HotDep
) -> Response:
    """An invoice that you sent, or, with `orders:manage`, anybody's: whether it is paid, and what came of the callback."""
    read = partial(queries.get_bill, number=invoice_id, seen=seen, sender_id=choice.sender_id)
    return await hot.answer_private(read)


@router.post(
    "/{invoice_id}/payment",
    summary="Mark an invoice to the shop as paid",
    response_model=BillOut,
    responses=problems(BillNotFound, BillAmbiguous, BillPaidAlready),
    dependencies=[IDEMPOTENT],
)
async def pay_received_invoice(
    invoice_id: InvoiceId,
    choice: Annotated[BillChoice, Query()],
    payer: OrderManager,
    bills: BillServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Note that the shop paid it, by whatever way. Its sender is called back, if they asked for it."""
    await bills.pay(payer, invoice_id, choice.sender_id)
    return await read_back(
        partial(queries.get_bill, number=invoice_id, seen=None, sender_id=choice.sender_id)
    )
