"""Taking invoices that are sent to the shop, and marking them as paid."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import record_audit
from app.core.events.events import publish
from app.core.outbound import Outbound, OutboundBlocked
from app.identity.principal import Principal
from app.sales.bills.errors import BillAmbiguous, BillPaidAlready, CallbackRefused, no_bill
from app.sales.bills.events import BillPaid
from app.sales.bills.repository import BillRepository
from app.sales.bills.schemas import BillIn
from app.sales.models import Bill, CallbackState


class BillService:
    """Bills of every sender; a number is its sender's own."""

    def __init__(
        self, session: AsyncSession, bills: BillRepository, outbound: Outbound, currency: str
    ) -> None:
        self._session = session
        self._bills = bills
        self._outbound = outbound
        self._currency = currency

    @classmethod
    def build(cls, session: AsyncSession, outbound: Outbound, currency: str) -> Self:
        """Compose it on one session; totals are amounts of `currency` (ISO 4217)."""
        return cls(session, BillRepository(session), outbound, currency)

    async def receive(self, sender: Principal, request: BillIn, callback_url: str | None) -> None:
        """Keep the invoice. Raises CallbackRefused, BillExists."""
        url = None if callback_url is None else self._address_of(callback_url, request.id)
        bill = Bill(
            user_id=sender.user_id,
            number=request.id,
            title=request.title,
            customer=request.customer,
            total=request.total,
            currency=self._currency,
            callback_url=url,
            callback_state=None if url is None else CallbackState.PENDING.value,
        )
        await self._bills.add(bill)

    async def pay(self, payer: Principal, number: str, sender_id: int | None) -> None:
        """Mark it as paid, and have its sender told. Raises BillNotFound, BillAmbiguous, BillPaidAlready."""
        found = await self._bills.list_ids(number, sender_id)
        if not found:
            raise no_bill(number)
        if len(found) > 1:
            raise BillAmbiguous(f"Several senders have an invoice {number}; name one by sender_id.")
        [bill_id] = found
        if not await self._bills.mark_paid(bill_id, payer.user_id):
            raise BillPaidAlready(f"Invoice {number} is paid already.")
        record_audit(self._session, "bill.paid", ("bill", bill_id), {"is_paid": (False, True)})
        await publish(self._session, BillPaid(bill_id))

    def _address_of(self, callback_url: str, number: str) -> str:
        """What will be called, as it will be called."""
        try:
            if "?" in callback_url or "#" in callback_url:
                raise OutboundBlocked("the URL may not be called: it has a query or a fragment")
            return self._outbound.check_url(f"{callback_url.rstrip('/')}/invoices/{number}")
        except OutboundBlocked as reason:
            told = CallbackRefused.about("callback_url", str(reason))
            raise CallbackRefused(f"callback_url: {reason}.", errors=told) from None
