"""The database's address for PostgreSQL's own programs, which take it from the environment."""

import os

from sqlalchemy.engine import make_url

_OF_THE_PROCESS = ("HOME", "PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGSSLCRL")
"""Where asyncpg looks for TLS too, so that both believe the same server."""


def connection_variables(url: str) -> dict[str, str]:
    """The database's address as PostgreSQL's programs take it."""
    parts = make_url(url)
    query = {name: value if isinstance(value, str) else value[0] for name, value in parts.query.items()}
    given = {
        "PGHOST": query.get("host", parts.host),
        "PGPORT": query.get("port", str(parts.port) if parts.port else None),
        "PGUSER": query.get("user", parts.username),
        "PGPASSWORD": query.get("password", parts.password),
        "PGDATABASE": parts.database,
        "PGSSLMODE": query.get("ssl"),
    }
    fixed = {"PGAPPNAME": "bookstore-backup", "PGCONNECT_TIMEOUT": "10", "LC_ALL": "C.UTF-8"}
    kept = {name: os.environ[name] for name in _OF_THE_PROCESS if name in os.environ}
    return fixed | kept | {name: str(value) for name, value in given.items() if value}
