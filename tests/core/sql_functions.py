"""The functions of a migrated database beside `alembic/sql/functions`; run as a program it writes the files anew."""

import asyncio
import os
from pathlib import Path

import asyncpg
from alembic.config import Config

from alembic import command
from devstack import throwaway_servers

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "alembic" / "sql" / "functions"
# Functions of extensions depend on their extension ('e'), and are not ours.
_OURS = """
    SELECT proname, pg_get_functiondef(oid) || E';\n' FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND prokind IN ('f', 'p')
    AND NOT EXISTS (
        SELECT FROM pg_depend
        WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e')
"""


def stored_functions() -> dict[str, str]:
    """The text of each file, without the comment before the function."""
    return {path.stem: _split(path.read_text(encoding="utf-8"))[1] for path in FOLDER.glob("*.sql")}


async def migrated_functions(database_url: str) -> dict[str, str]:
    """The text of each function in the database, as PostgreSQL prints it; a name stands once."""
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        rows = [(str(name), str(text)) for name, text in await connection.fetch(_OURS)]
    finally:
        await connection.close()
    assert len(rows) == len(dict(rows)), (
        "an overloaded function needs a second file: give it a name of its own"
    )
    return {name: text.replace("\n;\n", ";\n") for name, text in rows}


def write_functions() -> None:
    """Make the files say what the migrations say."""
    with throwaway_servers() as servers:
        os.environ["DATABASE_URL"] = servers.database_url
        command.upgrade(Config(ROOT / "alembic.ini"), "head")
        functions = asyncio.run(migrated_functions(servers.database_url))
    for path in FOLDER.glob("*.sql"):
        if path.stem not in functions:
            path.unlink()
    for name, text in functions.items():
        path = FOLDER / f"{name}.sql"
        comment = _split(path.read_text(encoding="utf-8"))[0] if path.exists() else ""
        path.write_text(comment + text, encoding="utf-8")


def _split(text: str) -> tuple[str, str]:
    """The comment before the function, and the function."""
    start = text.index("CREATE OR REPLACE")
    return text[:start], text[start:]


if __name__ == "__main__":
    write_functions()
