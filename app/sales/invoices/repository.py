"""Writes of invoices: their numbers, themselves and their printed forms."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.sales.models import Invoice, InvoiceCounter, InvoiceFile, InvoiceKind, Order, OrderLine, Refund
from app.sales.refunds.queries import find_kept

_PREFIXES = {InvoiceKind.INVOICE: "INV", InvoiceKind.CREDIT_NOTE: "CN"}


class Returned(NamedTuple):
    """So many pieces of a line came back."""

    line: OrderLine
    quantity: int


class InvoiceRepository:
    """Locks orders and series, and adds what is issued."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock_order(self, order_id: int) -> Order | None:
        """Lock the order: of two who issue its invoice the second finds it."""
        return await self._session.get(Order, order_id, with_for_update={"key_share": True})

    async def list_lines(self, order_id: int) -> Sequence[OrderLine]:
        """The order's lines as they stand in it."""
        wanted = select(OrderLine).where(OrderLine.order_id == order_id).order_by(OrderLine.position)
        return (await self._session.scalars(wanted)).all()

    async def list_issued(self, order_id: int) -> Sequence[Invoice]:
        """The order's invoice, if there is one, and its credit notes as they were issued."""
        wanted = select(Invoice).where(Invoice.order_id == order_id).order_by(Invoice.id)
        return (await self._session.scalars(wanted)).all()

    async def list_refunded(self, refund_id: int) -> Sequence[Returned]:
        """How many pieces of which lines the refund is for; none where it is for an amount."""
        told = await self._session.scalar(select(Refund.lines).where(Refund.id == refund_id))
        quantities = {one["line_id"]: one["quantity"] for one in told or ()}
        wanted = select(OrderLine).where(OrderLine.id.in_(quantities)).order_by(OrderLine.position)
        return [Returned(line, quantities[line.id]) for line in await self._session.scalars(wanted)]

    async def find_kept(self, order_id: int) -> Decimal:
        """What was paid for the order, without what has gone back."""
        return await find_kept(await self._session.connection(), order_id)

    async def next_numbers(self, kind: InvoiceKind, year: int, count: int) -> list[str]:
        """Take the series' next numbers; whoever wants the one after them waits for this transaction's end."""
        first = insert(InvoiceCounter).values(kind=kind.value, year=year, last=count)
        counted = first.on_conflict_do_update(
            index_elements=[InvoiceCounter.kind, InvoiceCounter.year],
            set_={"last": InvoiceCounter.last + count},
        )
        last = (await self._session.execute(counted.returning(InvoiceCounter.last))).scalar_one()
        return [f"{_PREFIXES[kind]}-{year}-{number:06d}" for number in range(last - count + 1, last + 1)]

    async def add(self, invoices: Sequence[Invoice]) -> None:
        """Add what is issued, for good."""
        self._session.add_all(invoices)
        await self._session.flush()

    async def add_file(self, invoice_id: int, sha256: str, size: int) -> None:
        """Record the printed form; of two the first stays."""
        values = {"invoice_id": invoice_id, "sha256": sha256, "size": size}
        await self._session.execute(insert(InvoiceFile).values(values).on_conflict_do_nothing())
