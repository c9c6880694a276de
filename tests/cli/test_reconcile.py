"""`bookstore reconcile`: what agrees with itself passes, and each thing that does not is named."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from tests.cli.conftest import Run


def tell(url: str, *statements: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


def test_what_does_not_agree_is_named(
    environment: pytest.MonkeyPatch, run: Run, empty_database_url: str, tmp_path: Path
) -> None:
    environment.setenv("STORAGE_URL", (tmp_path / "files").as_uri())
    sound = run("reconcile")
    assert sound.exit_code == 0, sound.output
    assert sound.stdout.count("ok ") == 5

    tell(
        empty_database_url,
        "INSERT INTO users (username, email, email_key, password_hash, role)"
        " VALUES ('seller', 's@example.com', 's@example.com', 'x', 'user')",
        "INSERT INTO items (kind, title, price, currency, owner_id, pictures)"
        """ SELECT 'stationery', 'Pen', 1, 'EUR', id, '[{"name": "gone"}]' FROM users""",
        "INSERT INTO stock_levels (item_id, on_hand, reserved) SELECT id, 5, 0 FROM items",
    )
    broken = run("reconcile")

    assert broken.exit_code == 1
    failed = [line for line in broken.stdout.splitlines() if line.startswith("FAIL")]
    assert [line.split()[1] for line in failed] == ["stock", "files"]
    assert "covers/gone-s.webp" in failed[1]
