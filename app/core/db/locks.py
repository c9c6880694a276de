"""Every advisory lock of the shop, in the order in which a transaction may take them, and how one is taken.

Rows are locked in one order too. Books come first: their `items`, in the order of their ids, each of which
guards the book, its contributions and its search document. Then the advisory locks on names and titles, then
authors, then works, again each kind in the order of its ids; last the job in which a batch of an import records
how far it is. Accounts are locked after the lock on roles, categories after the lock on their tree. Of a sale the
order is locked first, then its payments and refunds, then its stock, then its discounts, each in the order of their ids, then a gift card, then the series that its invoice is numbered in. The
audit chain is the last lock of all, right before the commit. What turns out to be needed against this order (the
record that another one was merged into, the books that came to a source meanwhile) is locked with NOWAIT in a
savepoint, which gives everything back, or the transaction gives way (`Fault.CONFLICT`).
"""

from enum import IntEnum
from typing import Any

from sqlalchemy import Select, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession


class AdvisoryLock(IntEnum):
    """Held until the transaction ends. The numbers are those of older releases, which may run beside this one."""

    MIGRATIONS = 0x626F6F6B73
    """Whoever migrates; of the session, since every revision commits by itself."""
    DEMO = 0x64656D6F
    """Whoever loads or generates a demo."""
    IMPORT_RUN = 0x696D706F7274
    """Whoever runs or reverts an import: one at a time in the whole shop."""
    ROLES = 0x726F6C6573
    """Whoever changes a role, or who is active, among administrators; before any account is locked."""
    NAMING = 0x62756C6B
    """A batch of an import takes it alone; requests that make an author or a work share it."""
    AUTHOR_NAMES = 0x617574686F72
    """One lock per folded name, against two requests that make one author."""
    WORK_TITLES = 0x776F726B73
    """One lock per folded title, against two requests that make one work."""
    CATEGORY_TREE = 0x63617465676F7279
    """Whoever writes the tree: two moves at once could make a cycle."""
    FILES = 0x66696C6573
    """Whoever purges files or backs them up: never both at once, and nothing else is locked meanwhile."""
    ALERTS = 0x616C65727473
    """Whoever tells of stock and prices: each counts who was told before, so that no more are than there are copies."""
    AUDIT_CHAIN = 0x6175646974
    """Whoever appends to the audit log, which is a chain."""


ACQUIRE = "SELECT pg_advisory_xact_lock($1)"
ACQUIRE_SHARED = "SELECT pg_advisory_xact_lock_shared($1)"
ACQUIRE_FOR = "SELECT pg_advisory_xact_lock(hashtextextended(text, $2)) FROM unnest($1::text[]) AS text"
"""For transactions on the driver's own connection: as `acquire`, shared, and one lock for each text in order."""

_MAY_BE_IDLE = func.set_config("idle_in_transaction_session_timeout", "0", true())


def acquire(lock: AdvisoryLock) -> Select[Any]:
    """The statement that waits for the lock and takes it."""
    return select(func.pg_advisory_xact_lock(int(lock)))


def acquire_if_free(lock: AdvisoryLock) -> Select[bool]:
    """The statement that takes the lock unless somebody has it, and says whether it did."""
    return select(func.pg_try_advisory_xact_lock(int(lock)))


async def hold_if_free(session: AsyncSession, lock: AdvisoryLock) -> bool:
    """Take the lock unless somebody has it, for work outside the database, which may leave the transaction idle for hours."""
    _, is_held = (
        await session.execute(select(_MAY_BE_IDLE, func.pg_try_advisory_xact_lock(int(lock))))
    ).one()
    return bool(is_held)
