"""Fills a new column of many rows while the shop goes on: in batches, each committed by itself."""

import time

from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

ROWS_AT_ONCE = 2_000
"""So many are locked at a time, for some tens of milliseconds."""
PAUSE = 0.05
"""Seconds between two batches, in which whoever waited for a row goes first, and a replica keeps up."""


def back_fill(
    context: MigrationContext, table: str, assignments: str, *, wanting: str, key: str = "id"
) -> int:
    """Set the columns of every row that is still `wanting`, in the order of its key; how many were set.

    Within `context.autocommit_block()`. What is killed goes on where it was when it is started again, since
    `wanting`, such as "title_filed IS NULL", must no longer hold of a row that is done. Where SQL is only printed,
    it is one statement.
    """
    if context.as_sql:
        context.execute(text(f"UPDATE {table} SET {assignments} WHERE {wanting}"))  # noqa: S608 (a migration's own words)
        return 0
    batch = text(f"""
        WITH batch AS (
            SELECT {key} FROM {table} WHERE {key} > :last AND ({wanting}) ORDER BY {key} LIMIT :most FOR NO KEY UPDATE
        ), done AS (
            UPDATE {table} SET {assignments} FROM batch WHERE {table}.{key} = batch.{key} RETURNING {table}.{key}
        )
        SELECT count(*), max({key}) FROM done
    """)  # noqa: S608 (as above)
    last, filled = 0, 0
    while connection := context.connection:
        count, highest = connection.execute(batch, {"last": last, "most": ROWS_AT_ONCE}).one()
        if not count:
            break
        last, filled = highest, filled + count
        time.sleep(PAUSE)
    return filled
