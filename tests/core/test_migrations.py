"""The schema is what the models say, and every migration goes down and up again."""

from pathlib import Path

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
