"""Reading the audit log."""

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import ColumnElement, SQLColumnExpression, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.admin.audit.schemas import AuditEntryOut, AuditExport, AuditFilter
from app.core.audit import AuditEntry
from app.core.db.batches import walk_rows
from app.core.db.paging import Pager
from app.core.db.queries import AnyRow, Connect, find_page
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult

_COLUMNS: Sequence[SQLColumnExpression[object]] = tuple(AuditEntry.__table__.columns)
_NEWEST_FIRST = Order(((AuditEntry.__table__.c.id, True),))


async def list_audit_entries(connection: AsyncConnection, query: AuditFilter, pager: Pager) -> ReadResult:
    """One page of the entries that meet the filters, newest first. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(AuditEntry.id).where(*_conditions(query))
    found = await find_page(connection, matching, _NEWEST_FIRST, window, _COLUMNS)
    entries = [AuditEntryOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, entries), found.snapshot)


def walk_entries(connect: Connect, query: AuditExport) -> AsyncIterator[Sequence[AnyRow]]:
    """The entries that meet the filters, oldest first, in batches.

    No entry is missed: ids are given in the order in which transactions commit.
    """
    statement = select(*_COLUMNS).where(*_conditions(query))
    return walk_rows(connect, statement, AuditEntry.__table__.c.id)


def _conditions(query: AuditFilter | AuditExport) -> list[ColumnElement[bool]]:
    conditions = [
        column == value
        for column, value in (
            (AuditEntry.actor_id, query.actor_id),
            (AuditEntry.action, query.action),
            (AuditEntry.target, query.target),
            (AuditEntry.target_id, query.target_id),
        )
        if value is not None
    ]
    if query.since is not None:
        conditions.append(AuditEntry.at >= query.since)
    if query.until is not None:
        conditions.append(AuditEntry.at < query.until)
    return conditions
