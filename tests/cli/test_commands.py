"""Each command: what it does, what it says, how it ends."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from typer.testing import Result

from app import __version__
from app.api import PUBLIC_ROUTES
from app.identity.passwords import verify_password
from tests.cli.conftest import Run
from tests.conftest import ROOT

PASSWORD = "Lovelace-1815!"


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


def test_the_document_needs_no_environment_and_is_the_same_each_time(run: Run, tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here.json", tmp_path / "elsewhere.json"
    assert run("openapi", "--output", str(here)).exit_code == 0
    # Another process has other hashes, and so sets in another order.
    command = [sys.executable, "-W", "error", "-m", "app.cli", "openapi", "--output", str(elsewhere)]
    subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=True)  # noqa: S603 (our own program)

    assert elsewhere.read_bytes() == here.read_bytes()
    document = json.loads(here.read_bytes())
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


def test_routes_are_whole_in_a_pipe_however_narrow_the_terminal_was(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")

    listed = json.loads(run("routes", "--json").stdout)
    lines = run("routes").stdout.splitlines()

    assert {"method", "path", "operation", "who"} == set(listed[0])
    for route in listed:
        assert any(all(f" {cell} " in line for cell in route.values()) for line in lines), route


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


@pytest.mark.parametrize(
    "command",
    [
        "demo",
        "create-admin",
        "openapi",
        "routes",
        "check-settings",
        "dev",
        "serve",
        "worker",
        "scheduler",
        "migrate",
        "revision",
        "keys",
        "smoke",
        "backup",
        "reconcile",
        "backups",
        "restore",
    ],
)
def test_help_is_at_hand_and_wrong_usage_exits_with_2(run: Run, command: str) -> None:
    assert run(command, "--help").exit_code == 0
    assert run(command, "-h").exit_code == 0
    assert run(command, "--no-such-option").exit_code == 2


def test_the_version_is_the_packages(run: Run) -> None:
    result = run("--version")

    assert result.exit_code == 0
    assert result.stdout == f"bookstore {__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete(run: Run, shell: str) -> None:
    script = run(_BOOKSTORE_COMPLETE=f"source_{shell}").stdout

    assert "_BOOKSTORE_COMPLETE" in script


def test_completion_offers_commands_and_can_be_installed(run: Run) -> None:
    offered = run(_BOOKSTORE_COMPLETE="complete_bash", COMP_WORDS="bookstore che", COMP_CWORD="1").stdout

    assert offered.split() == ["check-settings"]
    assert "--install-completion" in run("--help").stdout


def test_an_unknown_revision_is_told(environment: pytest.MonkeyPatch, run: Run) -> None:
    environment.setenv("DATABASE_URL", "postgresql+asyncpg://nobody@127.0.0.1:1/nothing")

    result = run("migrate", "nonsense")

    assert result.exit_code == 1
    assert "Traceback" not in result.output


@pytest.mark.usefixtures("environment")
def test_what_a_newer_release_migrated_stays_as_it_is(run: Run, empty_database_url: str) -> None:
    async def stand_at(revision: str) -> None:
        connection = await asyncpg.connect(empty_database_url.replace("+asyncpg", ""))
        try:
            await connection.execute("UPDATE alembic_version SET version_num = $1", revision)
        finally:
            await connection.close()

    asyncio.run(stand_at("of_a_newer_release"))

    result = run("migrate")

    assert result.exit_code == 0, result.output
    assert "stands at of_a_newer_release, which a newer release made" in result.stdout
    assert run("migrate", "0047").exit_code == 1


def test_an_image_has_neither_dev_nor_revision(tmp_path: Path) -> None:
    """As the Dockerfile copies it: `app/` and Alembic's folder, and no `devstack/`."""
    ignored = shutil.ignore_patterns("__pycache__", "data")
    for folder in ("app", "alembic"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    shutil.copy(ROOT / "alembic.ini", tmp_path)

    command = (sys.executable, "-m", "app.cli", "--help")
    helped = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout  # noqa: S603 (our own program)

    assert re.search(r"\bmigrate\b", helped)
    assert not re.search(r"\b(dev|revision)\b", helped)


def test_the_worker_loads_neither_the_api_nor_migrations_nor_what_prints() -> None:
    script = (
        "import sys, app.cli.main; from app import registry; registry.load_handlers(); print(*sys.modules)"
    )
    loaded = set(subprocess.check_output((sys.executable, "-c", script), cwd=ROOT, text=True).split())  # noqa: S603 (our own interpreter)
    assert "app.sales.invoices.printing" in loaded
    assert {"app.main", "app.api", "alembic", "typst"} & loaded == set()
    assert [name for name in loaded if name.endswith((".router", ".deps"))] == []
