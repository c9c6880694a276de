"""The two roles: the owner changes the schema, the application reads and writes rows and cannot rewrite the audit log.

`bookstore migrate` connects as the owner and, after the upgrade, creates or refreshes the role that DATABASE_URL
names, so that a database of an older release gets it too. Where both are one role, nothing changes.
"""

import hashlib
import hmac
import secrets
import unicodedata
from base64 import b64encode
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from app.core.db.locks import AdvisoryLock, acquire
from app.core.settings.groups import DatabaseSettings
from app.core.settings.settings import SettingsError

_ITERATIONS = 4096
_SALT_BYTES = 16

_STATISTICS = text("""
    SELECT CASE WHEN rolsuper THEN current_setting('shared_preload_libraries') LIKE '%pg_stat_statements%' END
    FROM pg_roles WHERE rolname = current_user
""")
"""Asked of superusers alone: nobody else may see what is preloaded, nor make this extension."""

_ROLES = text("""
    SELECT current_database() AS database, current_user AS owner, application.oid IS NOT NULL AS is_there,
        coalesce(application.rolsuper, false) AS is_superuser,
        application.oid IS NOT NULL AND pg_has_role(application.oid, me.oid, 'MEMBER') AS is_owner,
        me.rolsuper OR me.rolcreaterole AS may_create,
        me.rolsuper OR application.oid IS NOT NULL AND me.rolcreaterole
            AND pg_has_role(me.oid, application.oid, 'MEMBER WITH ADMIN OPTION') AS may_alter
    FROM pg_roles AS me LEFT JOIN pg_roles AS application ON application.rolname = :role
    WHERE me.rolname = current_user
""")
_TABLES = text("""
    SELECT CASE WHEN relname = 'alembic_version' THEN 'SELECT' WHEN EXISTS (
            SELECT FROM pg_trigger WHERE tgrelid = pg_class.oid AND tgname = 'append_only'
        ) THEN 'SELECT, INSERT' ELSE 'SELECT, INSERT, UPDATE, DELETE' END AS rights,
        string_agg(pg_class.oid::regclass::text, ', ') AS tables
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
        AND NOT EXISTS (
            SELECT FROM pg_depend
            WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e'
        )
    GROUP BY 1
""")
"""What the application may do with which tables; those that an append-only trigger guards are told by the trigger."""
_REMNANTS = text("""
    SELECT has_schema_privilege(:role, 'public', 'CREATE') AS creates,
        has_table_privilege(:role, 'audit_log', 'UPDATE, DELETE, TRUNCATE') AS rewrites,
        EXISTS (SELECT FROM pg_class WHERE relowner = :role\\:\\:text\\:\\:regrole) AS owns
""")

_GRANTS = (
    "GRANT CONNECT, TEMPORARY ON DATABASE %2$I TO %1$I",
    "REVOKE CREATE ON DATABASE %2$I FROM %1$I",
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC, %1$I",
    "GRANT USAGE ON SCHEMA public TO %1$I",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO %1$I",
    # For what a later migration makes, until the role is refreshed after it.
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %1$I",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO %1$I",
)


async def prepare_roles(settings: DatabaseSettings) -> str | None:
    """Give the application's role what it needs and nothing else; its name, None where it is the owner itself.

    Raises SettingsError where the owner may not create it, or where it would be able to do more than it should.
    """
    application = make_url(settings.url.get_secret_value())
    engine = create_async_engine(settings.migrating_url, poolclass=NullPool, hide_parameters=True)
    try:
        async with engine.begin() as connection:
            await connection.execute(acquire(AdvisoryLock.MIGRATIONS))
            if await connection.scalar(_STATISTICS):
                await connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_stat_statements"))
            if settings.owner_url is None or application.username is None:
                return None
            return await _prepare_application(connection, application, settings)
    finally:
        await engine.dispose()


async def _prepare_application(
    connection: AsyncConnection, application: URL, settings: DatabaseSettings
) -> str | None:
    role = str(application.username)
    found = (await connection.execute(_ROLES, {"role": role})).one()
    if found.owner == role:
        return None
    if application.password == "":
        raise SettingsError(
            f"DATABASE_URL holds an empty password for the role {role}; in the Compose stack it is POSTGRES_APP_PASSWORD."
        )
    _refuse_powers(role, found)
    if not found.is_there:
        await _run(connection, "CREATE ROLE %1$I LOGIN", role)
    if not found.is_there or found.may_alter:
        if application.password:
            await _run(
                connection, "ALTER ROLE %1$I LOGIN PASSWORD %2$L", role, _verifier(str(application.password))
            )
        for name, value in settings.session_settings().items():
            # Behind a pooler no connection brings its own.
            template = "ALTER ROLE %1$I IN DATABASE %2$I SET %3$I = %4$L"
            await _run(connection, template, role, found.database, name, value)
    for template in _GRANTS:
        await _run(connection, template, role, found.database)
    for rights, tables in (await connection.execute(_TABLES)).all():
        await _run(connection, f"REVOKE ALL ON TABLE {tables} FROM %1$I", role)
        await _run(connection, f"GRANT {rights} ON TABLE {tables} TO %1$I", role)
    remnants = (await connection.execute(_REMNANTS, {"role": role})).one()
    if any(remnants):
        raise SettingsError(
            f"DATABASE_URL: the role {role} can still change the schema or the audit log, since it owns tables or"
            " was given more by somebody else than the owner: take that away, or name another role."
        )
    return role


def _refuse_powers(role: str, found: Any) -> None:
    if not (found.is_there or found.may_create):
        raise SettingsError(
            f"DATABASE_OWNER_URL: the role {found.owner} may not create the role {role} that DATABASE_URL names."
            f" Let an administrator create it (CREATE ROLE {role} LOGIN PASSWORD '…'), or give the owner that"
            f" right (ALTER ROLE {found.owner} CREATEROLE), and run bookstore migrate again."
        )
    if found.is_superuser or found.is_owner:
        raise SettingsError(
            f"DATABASE_URL: the role {role} is a superuser or a member of the owner, so it could change the schema"
            " and the audit log: name another role, which bookstore migrate then creates."
        )


async def _run(connection: AsyncConnection, template: str, *names: str) -> None:
    """Run a statement that takes no parameters; PostgreSQL itself quotes the names."""
    statement = await connection.scalar(select(func.format(template, *names)))
    await connection.exec_driver_sql(str(statement))


def _verifier(password: str) -> str:
    """What PostgreSQL keeps of a password (SCRAM-SHA-256, RFC 5803), so that no log of statements ever sees it."""
    salt = secrets.token_bytes(_SALT_BYTES)
    normal = unicodedata.normalize("NFKC", password).encode()
    salted = hashlib.pbkdf2_hmac("sha256", normal, salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    kept, server = (b64encode(key).decode() for key in (stored, hmac.digest(salted, b"Server Key", "sha256")))
    return f"SCRAM-SHA-256${_ITERATIONS}:{b64encode(salt).decode()}${kept}:{server}"
