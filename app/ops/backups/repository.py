"""What backups ask PostgreSQL, and the statements that bring one back."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, table, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.db.locks import AdvisoryLock, hold_if_free
from app.ops.backups.errors import BackupRunning
from app.ops.backups.manifest import Manifest
from app.ops.backups.models import LastBackup

Transaction = Callable[[], AbstractAsyncContextManager[AsyncSession]]

_SNAPSHOT = text(
    "SELECT pg_export_snapshot(), clock_timestamp(), current_setting('server_version'),"
    " set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)"
)
_TABLES = text(
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
)
_REVISIONS = text("SELECT version_num FROM alembic_version ORDER BY version_num")
# What an extension brought along does not make a database a shop.
_IS_EMPTY = text("""
SELECT NOT EXISTS (
  SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_%'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
)
""")


class RowCount(NamedTuple):
    """A table, and how many rows it has."""

    table: str
    rows: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one moment of the database looks like, as long as the transaction lasts that exported it."""

    key: str
    taken_at: datetime
    server_version: str
    session: AsyncSession

    async def schema_heads(self) -> tuple[str, ...]:
        """The migrations that it stands at."""
        return tuple((await self.session.scalars(_REVISIONS)).all())

    async def count_rows(self) -> list[RowCount]:
        """How many rows each table has."""
        names = (await self.session.scalars(_TABLES)).all()
        return [
            RowCount(name, int(await self.session.scalar(select(func.count()).select_from(table(name))) or 0))
            for name in names
        ]


@asynccontextmanager
async def alone(transaction: Transaction) -> AsyncIterator[AsyncSession]:
    """Hold the lock on files and backups. Raises BackupRunning."""
    async with transaction() as session:
        if not await hold_if_free(session, AdvisoryLock.FILES):
            raise BackupRunning("Another backup is being made, or files are being purged: try again later.")
        yield session


@asynccontextmanager
async def snapshot(transaction: Transaction) -> AsyncIterator[Snapshot]:
    """Keep one moment of the database visible, also to the programs that are told its key."""
    async with transaction() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        key, taken_at, version, *_ = (await session.execute(_SNAPSHOT)).one()
        yield Snapshot(key, taken_at, version, session)


async def record(session: AsyncSession, backup: Manifest) -> None:
    """Remember it as the last one of its kind."""
    await session.execute(delete(LastBackup).where(LastBackup.name.not_like("base-%")))
    kept = {name: getattr(backup, name) for name in ("name", "snapshot_at", "finished_at", "size")}
    await session.execute(insert(LastBackup).values(kept))


async def is_empty(connection: AsyncConnection) -> bool:
    """Whether nothing is there that a restore could meet."""
    return bool(await connection.scalar(_IS_EMPTY))


async def restoring(
    statements: AsyncIterator[bytes], rows: Mapping[str, int], *, replaces: bool
) -> AsyncGenerator[bytes, None]:
    """The whole restore as one transaction: it happens, with every row that was counted, or nothing does.

    The COMMIT comes after the last statement was read, so that a stream that breaks off commits nothing.
    """
    yield b"BEGIN;\n"
    if replaces:
        yield b"DROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\nGRANT USAGE ON SCHEMA public TO PUBLIC;\n"
    async for piece in statements:
        yield piece
    yield _same_rows(rows).encode()
    yield b"COMMIT;\n"


def _same_rows(rows: Mapping[str, int]) -> str:
    checks = "".join(_same_count(name, count) for name, count in rows.items() if name.isidentifier())
    return f"DO $check$ DECLARE found bigint; BEGIN\n{checks}END $check$;\n"


def _same_count(name: str, count: int) -> str:
    return (
        f'SELECT count(*) INTO found FROM public."{name}";\n'  # noqa: S608 (an identifier, in quotes)
        f"IF found <> {count:d} THEN"
        f" RAISE EXCEPTION 'the table {name} has % rows instead of {count:d}', found; END IF;\n"
    )
