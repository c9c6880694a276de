"""docker/compose.wal.yml: a moment is brought back by the commands of docs/backups.md."""

import re
import shlex

from tests.conftest import ROOT
from tests.stack.conftest import StackMaker
from tests.stack.stack import PRODUCTION, Stack, eventually, running

GUIDE = (ROOT / "docs" / "backups.md").read_text()
NOW = "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
IS_OVER = "SELECT NOT pg_is_in_recovery()"


def ask(stack: Stack, *statements: str) -> str:
    """The last value, by the container's own socket."""
    commands = [part for statement in statements for part in ("-c", statement)]
    return stack.execute("db", "psql", "-U", "bookstore", "-Atq", *commands).strip()


def commands_about(word: str) -> list[list[str]]:
    """Those of the guide's block that names it, as Compose takes them."""
    [block] = [
        block
        for block in re.findall(r"```\n(.*?)```", GUIDE, re.DOTALL)
        if word in block and "docker compose" in block
    ]
    return [shlex.split(line)[2:] for line in block.strip().splitlines()]


def test_rows_that_were_deleted_are_brought_back_as_the_guide_says(make_stack: StackMaker) -> None:
    stack = make_stack("wal", files=(*PRODUCTION, "docker/compose.wal.yml"))
    secret = stack.folder / "secrets" / "postgres_password"
    secret.parent.mkdir()
    secret.write_text("of-this-run-alone")
    [base] = commands_about("wal base")
    *recovering, start = commands_about("PGDATA-before")
    [resume, *_] = commands_about("pg_wal_replay_resume")
    with running(stack, "db"):
        ask(stack, "CREATE TABLE orders AS SELECT 1 AS id")
        assert stack.compose(*base).startswith("base-")
        moment = ask(stack, "INSERT INTO orders VALUES (2)", NOW)
        ask(stack, "DELETE FROM orders")

        for command in recovering:
            stack.compose(*(moment if part == "2026-11-30T02:29:59Z" else part for part in command))
        stack.compose(*start, "--wait")

        eventually(lambda: ask(stack, "SELECT pg_is_wal_replay_paused()") == "t", what="it waits for a look")
        assert ask(stack, "SELECT count(*) FROM orders") == "2"
        stack.execute("db", *resume[2:])
        eventually(lambda: ask(stack, IS_OVER) == "t", what="it goes on")
        assert ask(stack, "INSERT INTO orders VALUES (3)", "SELECT count(*) FROM orders") == "3"
        assert stack.compose(*base).startswith("base-")
