import asyncio
import json
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from typer.testing import Result

from app.api import PUBLIC_ROUTES
from app.identity.passwords import verify_password
from devstack import Servers
from tests.demo.conftest import Run

PASSWORD = "Lovelace-1815!"
ROOT = Path(__file__).parents[2]


async def fetch_user(url: str, username: str) -> asyncpg.Record | None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return await connection.fetchrow("SELECT * FROM users WHERE username = $1", username)
    finally:
        await connection.close()


@pytest.mark.usefixtures("environment")
def test_demo_loads_once_and_says_how_to_log_in(run: Run) -> None:
    first = run("demo")
    assert first.exit_code == 0, first.output
    assert "demo_seller" in first.output
    assert "Bookstore-demo-1!" in first.output

    second = run("demo")
    assert second.exit_code == 1
    assert "--if-empty" in second.stderr

    third = run("demo", "--if-empty")
    assert third.exit_code == 0
    assert "not empty" in third.stdout


def test_demo_is_refused_in_production(environment: pytest.MonkeyPatch, run: Run) -> None:
    environment.setenv("ENVIRONMENT", "production")

    for arguments in (("demo",), ("demo", "--if-empty")):
        result = run(*arguments)
        assert result.exit_code == 1
        assert "ENVIRONMENT=development" in result.stderr


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("postgresql+asyncpg://nobody@127.0.0.1:1/nothing", "does not answer"),
        ("mysql://nobody@127.0.0.1/nothing", "DATABASE_URL"),
    ],
)
@pytest.mark.parametrize("arguments", [("demo",), ("create-admin", "ada", "ada@example.com")])
def test_a_database_out_of_reach_is_told_in_a_line(
    environment: pytest.MonkeyPatch, run: Run, arguments: tuple[str, ...], url: str, hint: str
) -> None:
    environment.setenv("DATABASE_URL", url)
    environment.setenv("BOOKSTORE_ADMIN_PASSWORD", PASSWORD)

    result = run(*arguments)

    assert result.exit_code == 1
    assert hint in result.stderr
    assert "Traceback" not in result.output


def test_loading_does_without_redis(environment: pytest.MonkeyPatch, run: Run) -> None:
    environment.setenv("REDIS_URL", "redis://127.0.0.1:1/0")

    assert run("demo").exit_code == 0


def test_a_database_without_schema_asks_for_migration(
    servers: Servers, environment: pytest.MonkeyPatch, run: Run
) -> None:
    environment.setenv("DATABASE_URL", servers.database_url)

    result = run("demo")

    assert result.exit_code == 1
    assert "bookstore migrate" in result.stderr


def test_a_database_that_does_not_exist_is_told(
    servers: Servers, environment: pytest.MonkeyPatch, run: Run
) -> None:
    environment.setenv("DATABASE_URL", servers.postgres.url("nowhere"))

    result = run("demo")

    assert result.exit_code == 1
    assert '"nowhere" does not exist' in result.stderr


@pytest.mark.parametrize(("options", "role"), [((), "admin"), (("--super",), "super_admin")])
@pytest.mark.usefixtures("environment")
def test_create_admin_asks_for_the_password(
    run: Run, empty_database_url: str, options: tuple[str, ...], role: str
) -> None:
    result = run("create-admin", "Ada", "ada@example.com", *options, typed=f"{PASSWORD}\n{PASSWORD}\n")

    assert result.exit_code == 0, result.output
    assert PASSWORD not in result.output
    user = asyncio.run(fetch_user(empty_database_url, "ada"))
    assert user is not None
    assert (user["role"], user["is_verified"]) == (role, True)
    assert asyncio.run(verify_password(PASSWORD, user["password_hash"])) == (True, None)


def test_create_admin_takes_the_password_from_the_environment(
    environment: pytest.MonkeyPatch, run: Run
) -> None:
    environment.setenv("BOOKSTORE_ADMIN_PASSWORD", PASSWORD)

    assert run("create-admin", "ada", "ada@example.com").exit_code == 0


@pytest.mark.usefixtures("environment")
def test_create_admin_without_a_password_says_how_to_give_one(run: Run) -> None:
    result = run("create-admin", "ada", "ada@example.com", typed="")

    assert result.exit_code == 1
    assert "--password-stdin" in result.stderr


@pytest.mark.usefixtures("environment")
def test_create_admin_refuses_a_taken_name_or_address(run: Run) -> None:
    def create(name: str, email: str) -> Result:
        return run("create-admin", name, email, "--password-stdin", typed=f"{PASSWORD}\n")

    assert create("ada", "ada@example.com").exit_code == 0

    for name, email in (("ADA", "other@example.com"), ("eve", "Ada@Example.com")):
        again = create(name, email)
        assert again.exit_code == 1
        assert "taken" in again.stderr or "exists" in again.stderr


@pytest.mark.parametrize(
    ("name", "email", "password", "field"),
    [
        ("ada", "ada@example.com", "short", "password"),
        ("ada", "no address", PASSWORD, "email"),
        ("1", "ada@example.com", PASSWORD, "username"),
    ],
)
@pytest.mark.usefixtures("environment")
def test_create_admin_holds_to_the_rules_of_registration(
    run: Run, name: str, email: str, password: str, field: str
) -> None:
    result = run("create-admin", name, email, "--password-stdin", typed=f"{password}\n")

    assert result.exit_code == 1
    assert f"{field}:" in result.stderr


def test_the_document_needs_no_environment_and_is_the_same_each_time(tmp_path: Path) -> None:
    program = "import typer; from app.cli.admin import register; cli = typer.Typer(); register(cli); cli()"
    outputs = []
    for _ in range(2):
        target = tmp_path / "openapi.json"
        command = [sys.executable, "-W", "error", "-c", program, "openapi", "--output", str(target)]
        subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=True)  # noqa: S603 (our own program)
        outputs.append(target.read_bytes())

    assert outputs[0] == outputs[1]
    document = json.loads(outputs[0])
    assert document["openapi"].startswith("3.1")
    assert list(document["paths"]) == sorted(document["paths"])


def test_a_document_that_cannot_be_written_is_told(run: Run, tmp_path: Path) -> None:
    result = run("openapi", "--output", str(tmp_path / "missing" / "openapi.json"))

    assert result.exit_code == 1
    assert "cannot write" in result.stderr


def test_routes_say_who_may_call(run: Run) -> None:
    result = run("routes")

    assert result.exit_code == 0
    lines = {name: line for line in result.stdout.splitlines() for name in line.split() if "_" in name}
    assert all("public" in lines[name] for name in PUBLIC_ROUTES & lines.keys())
    assert "items:write" in lines["create_book"]
    assert "any account" in lines["get_own_account"]


def test_settings_are_printed_with_secrets_masked(environment: pytest.MonkeyPatch, run: Run) -> None:
    environment.setenv("JWT_SECRET", "s3cret" * 8)

    result = run("check-settings")

    assert result.exit_code == 0
    assert "ENVIRONMENT=development" in result.stdout
    assert "JWT_SECRET=*****" in result.stdout
    assert "s3cret" not in result.output


def test_every_wrong_setting_is_named(environment: pytest.MonkeyPatch, run: Run) -> None:
    environment.setenv("DATABASE_POOL_SIZE", "many")
    environment.setenv("CORS_ORIGINS", "*")

    result = run("check-settings")

    assert result.exit_code == 1
    assert "DATABASE_POOL_SIZE" in result.stderr
    assert "CORS_ORIGINS" in result.stderr


@pytest.mark.parametrize("command", ["demo", "create-admin", "openapi", "routes", "check-settings"])
def test_help_is_at_hand_and_wrong_usage_exits_with_2(run: Run, command: str) -> None:
    assert run(command, "--help").exit_code == 0
    assert run(command, "--no-such-option").exit_code == 2
