"""Reads bills."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.paging import Pager
from app.core.db.queries import AnyRow, find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult, version_etag
from app.sales.bills.errors import BillAmbiguous, no_bill
from app.sales.bills.schemas import BillCallbackOut, BillFilter, BillOut
from app.sales.models import Bill

_COLUMNS: Sequence[SQLColumnExpression[Any]] = tuple(Bill.__table__.columns)
_NEWEST_FIRST = Order(((Bill.__table__.c.id, True),))


async def get_bill(
    connection: AsyncConnection, number: str, seen: int | None, sender_id: int | None
) -> ReadResult:
    """The invoice with this id that the caller sees: `seen` are one account's, None all. Raises BillNotFound,
    BillAmbiguous.
    """
    of_number = (Bill.number == number, *_seen_by(seen, sender_id))
    rows = (await connection.execute(select(*_COLUMNS, snapshot_text).where(*of_number).limit(2))).all()
    if not rows:
        raise no_bill(number)
    if len(rows) > 1:
        raise BillAmbiguous(f"Several senders have an invoice {number}; name one by sender_id.")
    bill = _bill(rows[0])
    return ReadResult(bill, rows[0].snapshot, version_etag(bill.version))


async def list_bills(
    connection: AsyncConnection, query: BillFilter, seen: int | None, pager: Pager
) -> ReadResult:
    """One page of the invoices that the caller sees, the newest first. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(Bill.id).where(*_seen_by(seen, query.sender_id))
    if query.is_paid is not None:
        matching = matching.where(Bill.paid_at.is_not(None) if query.is_paid else Bill.paid_at.is_(None))
    found = await find_page(connection, matching, _NEWEST_FIRST, window, _COLUMNS)
    return ReadResult(pager.page(query, window, found, [_bill(row) for row in found.rows]), found.snapshot)


def _seen_by(seen: int | None, sender_id: int | None) -> list[ColumnElement[bool]]:
    return [Bill.user_id == account for account in (seen, sender_id) if account is not None]


def _bill(row: AnyRow) -> BillOut:
    callback = None
    if row.callback_url is not None:
        callback = BillCallbackOut(
            url=row.callback_url,
            state=row.callback_state,
            tries=row.callback_tries,
            last_at=row.callback_at,
            status=row.callback_status,
            ok=row.callback_ok,
            error=row.callback_error,
        )
    return BillOut(
        id=row.number,
        sender_id=row.user_id,
        title=row.title,
        customer=row.customer,
        total=row.total,
        currency=row.currency,
        is_paid=row.paid_at is not None,
        paid_at=row.paid_at,
        callback=callback,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
