"""What new migrations do to tables in use: squawk reads the SQL of every revision after the previous release."""

import io
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest
from alembic.config import Config

from alembic import command

ROOT = Path(__file__).parents[2]
SQUAWK = Path(sysconfig.get_path("scripts")) / "squawk"
PREVIOUS = tomllib.loads((ROOT / "alembic" / "previous_release.toml").read_text())


def complaints(sql: str) -> str:
    """What squawk says of the statements; nothing where they are fine."""
    asked = (
        str(SQUAWK),
        "--config",
        str(ROOT / ".squawk.toml"),
        "--reporter",
        "gcc",
        "--stdin-filepath",
        "new.sql",
    )
    done = subprocess.run(asked, input=sql, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603 (a linter)
    return done.stdout + done.stderr if done.returncode else ""


def test_new_migrations_neither_block_nor_break_the_release_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://nobody@localhost/nothing")
    printed = io.StringIO()
    command.upgrade(
        Config(str(ROOT / "alembic.ini"), output_buffer=printed), f"{PREVIOUS['head']}:head", sql=True
    )
    assert not (said := complaints(printed.getvalue())), f"see docs/migrations.md\n{said}"


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("ALTER TABLE items ADD COLUMN colour text NOT NULL;", "adding-required-field"),
        ("CREATE INDEX ix_items_colour ON items (colour);", "require-concurrent-index-creation"),
        ("ALTER TABLE items DROP COLUMN title;", "ban-drop-column"),
        ("ALTER TABLE items RENAME COLUMN title TO heading;", "renaming-column"),
        ("ALTER TABLE items ADD CONSTRAINT ck CHECK (price > 0);", "constraint-missing-not-valid"),
        ("ALTER TABLE items ALTER COLUMN price TYPE bigint;", "changing-column-type"),
    ],
)
def test_a_migration_that_does_is_found(statement: str, rule: str) -> None:
    assert rule in complaints(f"BEGIN;\n{statement}\nCOMMIT;\n")


def test_what_is_done_on_purpose_says_so() -> None:
    assert not complaints("-- squawk-ignore ban-drop-column\nALTER TABLE items DROP COLUMN title;\n")
