"""Exporting and verifying the audit log."""

from collections.abc import AsyncIterator, Sequence

from app.admin.audit.queries import walk_entries
from app.admin.audit.schemas import AuditEntryOut, AuditExport, AuditVerdict
from app.core.audit import entry_hash
from app.core.db.queries import AnyRow, Connect


async def export_audit_entries(connect: Connect, query: AuditExport) -> AsyncIterator[bytes]:
    """The entries as JSON lines, oldest first, a batch at a time.

    The first batch is read at once, while a fault can still be answered as a problem.
    """
    batches = walk_entries(connect, query)
    first = await anext(batches, None)

    async def lines() -> AsyncIterator[bytes]:
        yield _lines(first or ())
        async for rows in batches:
            yield _lines(rows)

    return lines()


def _lines(rows: Sequence[AnyRow]) -> bytes:
    to_json = AuditEntryOut.__pydantic_serializer__.to_json
    return b"".join(to_json(AuditEntryOut.model_validate(row)) + b"\n" for row in rows)


async def verify_chain(connect: Connect, anchor: str | None) -> AuditVerdict:
    """Walk the chain from its first entry: each must name the hash before it and have its own.

    Found: a changed entry, a removed one unless it was the newest, one put in between. With an
    anchor, a hash noted earlier, also: the newest entries removed, or all of the chain computed
    anew by somebody with power over the database. Entries removed since the anchor was noted,
    with none kept after them, leave no trace.
    """
    checked, head_id = 0, None
    head_hash = b""
    broken_id, has_anchor = None, False
    async for rows in walk_entries(connect, AuditExport()):
        for row in rows:
            if broken_id is None and (row.previous_hash != head_hash or row.hash != entry_hash(row)):
                broken_id = row.id
            head_id, head_hash = row.id, row.hash
            has_anchor = has_anchor or head_hash.hex() == anchor
        checked += len(rows)
    return AuditVerdict(
        valid=broken_id is None and (anchor is None or has_anchor),
        checked=checked,
        first_broken_id=broken_id,
        has_anchor=None if anchor is None else has_anchor,
        head_id=head_id,
        head_hash=head_hash or None,
    )
