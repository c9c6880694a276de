"""The whole shop as the application's role, which may change neither the schema nor the audit log."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.core.db.roles import prepare_roles
from app.core.settings.groups import DatabaseSettings
from app.core.settings.settings import Settings
from tests.conftest import DatabaseMaker

from .conftest import RunningWorker
from .whole_shop import run_the_shop

ROLE = "bookstore_app"
SET_BY_ROLE = """
    SELECT format('%s=%s', $1::text, $2::text) = ANY (setconfig) FROM pg_db_role_setting AS given
    JOIN pg_database ON pg_database.oid = setdatabase AND datname = current_database()
    WHERE setrole = current_user::regrole
"""


@pytest.fixture(scope="module")
async def empty_database_url(make_database: DatabaseMaker) -> AsyncIterator[str]:
    """A migrated database as the application's role: what is refused leaves no trace, and one test fills it."""
    with make_database() as owner:
        url = owner.replace("bookstore@", f"{ROLE}@")
        assert await prepare_roles(DatabaseSettings.model_validate({"url": url, "owner_url": owner})) == ROLE
        yield url


@pytest.fixture
async def session_of_application(empty_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(empty_database_url.replace("+asyncpg", ""))
    try:
        yield connection
    finally:
        await connection.close()


async def test_the_shop_is_filled_sells_imports_and_does_its_jobs(
    worker_settings: Settings, running_worker: RunningWorker
) -> None:
    await run_the_shop(worker_settings, running_worker)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE items ADD COLUMN mine int",
        "DROP TABLE items",
        "CREATE INDEX mine ON items (price)",
        "TRUNCATE items CASCADE",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "ALTER TABLE audit_log DISABLE TRIGGER append_only",
        "SET session_replication_role = replica",
        "UPDATE audit_log SET action = 'nothing'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "UPDATE stock_movements SET delta = 0",
        "DELETE FROM price_changes",
        "UPDATE alembic_version SET version_num = '0001'",
        "CREATE ROLE mine",
        "SET ROLE bookstore",
        "ALTER ROLE bookstore_app SUPERUSER",
        "COPY audit_log TO PROGRAM 'cat'",
        "CREATE EXTENSION dblink",
    ],
)
async def test_what_it_may_not_is_refused(session_of_application: asyncpg.Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await session_of_application.execute(statement)


async def test_it_may_use_temporary_tables(session_of_application: asyncpg.Connection) -> None:
    await session_of_application.execute("CREATE TEMPORARY TABLE batch (id int)")
    await session_of_application.copy_records_to_table("batch", records=[(1,), (2,)])
    assert await session_of_application.fetchval("SELECT sum(id) FROM batch") == 3


async def test_its_sessions_have_their_time_outs_even_where_a_pooler_passes_none(
    session_of_application: asyncpg.Connection,
) -> None:
    for name, value in DatabaseSettings().session_settings().items():
        assert await session_of_application.fetchval(SET_BY_ROLE, name, value), name
