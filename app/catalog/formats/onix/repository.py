"""SQL of the unknown parts of ONIX records, for a batch at a time, on the driver's own connection."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.catalog.formats.record import Action, Record
from app.core.db.driver import DriverConnection

UNMAPPED = "unmapped"
"""The key of `Record.raw` under which the reader puts the unknown parts, as a JSON object: block → XML."""

_KEEP = """
    INSERT INTO onix_records AS kept (book_id, record_reference, parts)
    SELECT book_id, record_reference, parts::jsonb
    FROM unnest($1::bigint[], $2::text[], $3::text[]) AS new (book_id, record_reference, parts)
    ON CONFLICT (book_id) DO UPDATE SET
        record_reference = excluded.record_reference,
        parts = CASE WHEN $4::boolean THEN kept.parts ELSE '{}' END || excluded.parts,
        updated_at = now()
    WHERE (kept.record_reference, CASE WHEN $4::boolean THEN kept.parts ELSE '{}' END || excluded.parts)
        IS DISTINCT FROM (excluded.record_reference, kept.parts)
"""


@dataclass(frozen=True, slots=True)
class UnknownParts:
    """What one record left over: `parts` is a JSON object, block → XML."""

    book_id: int
    record_reference: str
    parts: str
    is_update: bool
    """Of a block update, whose blocks replace those that are kept; the others stay."""


class OnixRepository:
    """Keeps the unknown parts of books."""

    def __init__(self, connection: DriverConnection) -> None:
        self._connection = connection

    async def keep(self, records: Sequence[UnknownParts]) -> None:
        """Keep these, each book once; what is there already is not written again."""
        for is_update in (False, True):
            chosen = [one for one in records if one.is_update is is_update]
            if chosen:
                ids = [one.book_id for one in chosen]
                references = [one.record_reference for one in chosen]
                await self._connection.execute(
                    _KEEP, ids, references, [one.parts for one in chosen], is_update
                )


def unknown_parts(records: Sequence[Record], book_ids: Sequence[int | None]) -> list[UnknownParts]:
    """What these records left over, each with the book that it became; a deletion leaves nothing."""
    return [
        UnknownParts(
            book_id, record.raw["record_reference"], record.raw[UNMAPPED], record.action is Action.PATCH
        )
        for record, book_id in zip(records, book_ids, strict=True)
        if book_id is not None and UNMAPPED in record.raw
    ]
