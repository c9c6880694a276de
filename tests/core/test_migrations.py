"""The schema is what the models say, and every migration goes down and up again."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from alembic import command
from app.ops.checks import schema_heads
from tests.core.sql_functions import migrated_functions, stored_functions

CONFIG = str(Path(__file__).parents[2] / "alembic.ini")


def test_there_is_one_head_and_readiness_expects_it() -> None:
    heads = ScriptDirectory.from_config(Config(CONFIG)).get_heads()
    assert len(heads) == 1
    assert schema_heads() == {*heads}


def test_migrations_go_up_down_and_up_and_end_at_the_models(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    config = Config(CONFIG)
    command.downgrade(config, "base")
    command.upgrade(config, "head")
    command.check(config)


def test_every_migration_can_be_printed_as_sql(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://nobody@localhost/nothing")
    command.upgrade(Config(CONFIG), "head", sql=True)
    assert "CREATE TABLE items" in capsys.readouterr().out


async def test_the_migrated_database_holds_exactly_the_functions_of_the_folder(
    empty_database_url: str,
) -> None:
    assert await migrated_functions(empty_database_url) == stored_functions(), (
        "see alembic/sql/functions/README.md"
    )


def test_full_sessions_of_before_keep_reading_their_profile_and_keys_do_not(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    config = Config(CONFIG)
    command.downgrade(config, "0019")

    def run(sql: str) -> list[asyncpg.Record]:
        async def ask() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(empty_database_url.replace("+asyncpg", ""))
            try:
                return list(await connection.fetch(sql))
            finally:
                await connection.close()

        return asyncio.run(ask())

    run("""
        INSERT INTO users (id, username, email, email_key, password_hash, role, notifications)
        OVERRIDING SYSTEM VALUE VALUES
        (1, 'ada', 'a@example.com', 'a@example.com', '', 'user', 'sms'),
        (2, 'mod', 'm@example.com', 'm@example.com', '', 'moderator', 'none')
    """)
    run("""
        INSERT INTO auth_sessions (user_id, scopes, factors, device, ip, expires_at)
        SELECT user_id, scopes::text[], '{}', device, '', now() FROM (VALUES
        (1, '{items:write}', 'full user'), (2, '{items:write}', 'cut moderator'),
        (2, '{catalog:manage,catalog:transfer,items:moderate,items:write}', 'full moderator')
        ) AS opened (user_id, scopes, device)
    """)
    run("""
        INSERT INTO api_keys (user_id, name, hint, key_hash, scopes) VALUES (1, 'k', 'k', 'k', '{items:write}')
    """)
    command.upgrade(config, "head")
    wide = {row["device"] for row in run("SELECT * FROM auth_sessions") if "profile:read" in row["scopes"]}
    assert wide == {"full user", "full moderator"}
    assert [row["scopes"] for row in run("SELECT scopes FROM api_keys")] == [["items:write"]]
    ways = run("SELECT notifications FROM users ORDER BY id")
    assert [row["notifications"] for row in ways] == [["sms"], ["none"]]
    command.downgrade(config, "0019")
    assert not [row for row in run("SELECT * FROM auth_sessions") if "profile:read" in row["scopes"]]
    assert [row["notifications"] for row in run("SELECT notifications FROM users ORDER BY id")] == [
        "sms",
        "none",
    ]
    command.upgrade(config, "head")
