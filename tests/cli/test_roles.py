"""`bookstore migrate` with an owner of its own: the application's role is made, refreshed, or refused."""

from collections.abc import Iterator

import asyncpg
import pytest

from devstack import Servers
from tests.cli.conftest import Run
from tests.conftest import ask_sql, run_sql

PASSWORD = "Rosen-Rot-1812"


@pytest.fixture
def guarded(servers: Servers) -> Iterator[None]:
    """PostgreSQL lets the application in by its password alone."""
    rules = servers.postgres.data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all bookstore_app scram-sha-256\n{before}")
    run_sql(servers, "SELECT pg_reload_conf()")
    yield
    rules.write_text(before)
    run_sql(servers, "SELECT pg_reload_conf()")


@pytest.fixture
def managed_owner(servers: Servers) -> Iterator[str]:
    """An empty database of an owner who is no superuser, as a provider of databases gives one."""
    run_sql(servers, "CREATE ROLE shop_owner LOGIN CREATEROLE")
    run_sql(servers, "CREATE DATABASE managed OWNER shop_owner")
    yield servers.postgres.url("managed").replace("bookstore@", "shop_owner@")
    run_sql(servers, "DROP DATABASE managed WITH (FORCE)")
    run_sql(servers, "DROP ROLE IF EXISTS shop_app")
    run_sql(servers, "DROP ROLE shop_owner")


def as_role(url: str, role: str, password: str = "") -> str:
    return url.replace("bookstore@", f"{role}:{password}@" if password else f"{role}@")


@pytest.mark.usefixtures("guarded")
def test_the_role_is_made_and_its_password_renewed(
    environment: pytest.MonkeyPatch, run: Run, empty_database_url: str
) -> None:
    environment.setenv("DATABASE_OWNER_URL", empty_database_url)
    for password in (PASSWORD, f"{PASSWORD}-anew", f"{PASSWORD}-ünicöde"):
        url = as_role(empty_database_url, "bookstore_app", password)
        environment.setenv("DATABASE_URL", url)
        for _ in range(2):
            result = run("migrate")
            assert result.exit_code == 0, result.output
            assert "bookstore_app" in result.stdout
            assert password not in result.output
        assert ask_sql(url, "SELECT count(*) FROM items") == 0
    stored = ask_sql(empty_database_url, "SELECT rolpassword FROM pg_authid WHERE rolname = 'bookstore_app'")
    assert stored.startswith("SCRAM-SHA-256$4096:")
    wrong = as_role(empty_database_url, "bookstore_app", PASSWORD)
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask_sql(wrong, "SELECT 1")


def test_what_was_granted_beyond_and_what_a_migration_adds_later_come_right(
    environment: pytest.MonkeyPatch, run: Run, empty_database_url: str
) -> None:
    url = as_role(empty_database_url, "bookstore_app")
    environment.setenv("DATABASE_OWNER_URL", empty_database_url)
    environment.setenv("DATABASE_URL", url)
    assert run("migrate").exit_code == 0
    ask_sql(empty_database_url, "GRANT UPDATE ON audit_log TO bookstore_app")
    ask_sql(empty_database_url, "GRANT UPDATE (action) ON audit_log TO bookstore_app")
    ask_sql(empty_database_url, "GRANT CREATE ON SCHEMA public TO bookstore_app")
    ask_sql(empty_database_url, "CREATE TABLE later (id bigint GENERATED ALWAYS AS IDENTITY, name text)")
    # Before the role is refreshed, by the owner's default privileges.
    assert ask_sql(url, "INSERT INTO later (name) VALUES ('new') RETURNING id") == 1
    ask_sql(url, "UPDATE later SET name = 'changed'")
    assert run("migrate").exit_code == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        ask_sql(url, "UPDATE audit_log SET action = ''")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        ask_sql(url, "CREATE TABLE mine ()")
    ask_sql(empty_database_url, "DROP TABLE later")


def test_without_an_owner_nothing_changes(
    environment: pytest.MonkeyPatch, run: Run, empty_database_url: str
) -> None:
    roles = "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles"
    before = ask_sql(empty_database_url, roles)
    for owner in ("", empty_database_url):
        environment.setenv("DATABASE_OWNER_URL", owner)
        result = run("migrate")
        assert (result.exit_code, result.stdout) == (0, "")
        assert ask_sql(empty_database_url, roles) == before


def test_statements_are_counted_where_the_server_can_count_them(
    run: Run, empty_database_url: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("DATABASE_URL", empty_database_url)
    assert run("migrate").exit_code == 0
    assert ask_sql(empty_database_url, "SELECT count(*) > 0 FROM pg_stat_statements")


def test_an_owner_that_is_no_superuser_migrates_and_makes_the_role(
    environment: pytest.MonkeyPatch, run: Run, managed_owner: str
) -> None:
    url = managed_owner.replace("shop_owner@", "shop_app:secret@")
    environment.setenv("DATABASE_OWNER_URL", managed_owner)
    environment.setenv("DATABASE_URL", url)
    for _ in range(2):
        result = run("migrate")
        assert result.exit_code == 0, result.output
    assert ask_sql(url, "SELECT count(*) FROM items") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        ask_sql(url, "DELETE FROM audit_log")


def test_an_owner_that_may_not_make_roles_is_told_what_to_do(
    environment: pytest.MonkeyPatch, run: Run, servers: Servers, managed_owner: str
) -> None:
    run_sql(servers, "ALTER ROLE shop_owner NOCREATEROLE")
    environment.setenv("DATABASE_OWNER_URL", managed_owner)
    environment.setenv("DATABASE_URL", managed_owner.replace("shop_owner@", "shop_app:secret@"))
    result = run("migrate")
    assert result.exit_code == 1
    assert "DATABASE_OWNER_URL" in result.stderr
    assert "CREATE ROLE shop_app" in result.stderr
    assert "secret" not in result.output
    # Made by an administrator, it is given its rights.
    run_sql(servers, "CREATE ROLE shop_app LOGIN")
    assert run("migrate").exit_code == 0


@pytest.mark.parametrize(
    ("make", "says"),
    [
        ("CREATE ROLE too_much LOGIN SUPERUSER", "superuser or a member"),
        ("CREATE ROLE too_much LOGIN IN ROLE bookstore", "superuser or a member"),
    ],
)
def test_a_role_that_can_do_more_is_refused(
    environment: pytest.MonkeyPatch, run: Run, servers: Servers, empty_database_url: str, make: str, says: str
) -> None:
    run_sql(servers, make)
    try:
        environment.setenv("DATABASE_OWNER_URL", empty_database_url)
        environment.setenv("DATABASE_URL", as_role(empty_database_url, "too_much"))
        result = run("migrate")
        assert result.exit_code == 1
        assert "DATABASE_URL" in result.stderr
        assert says in result.stderr
    finally:
        run_sql(servers, "DROP ROLE too_much")


def test_a_role_that_owns_a_table_or_has_no_password_is_refused(
    environment: pytest.MonkeyPatch, run: Run, empty_database_url: str
) -> None:
    environment.setenv("DATABASE_OWNER_URL", empty_database_url)
    environment.setenv("DATABASE_URL", as_role(empty_database_url, "bookstore_app"))
    assert run("migrate").exit_code == 0
    ask_sql(empty_database_url, "ALTER TABLE item_views OWNER TO bookstore_app")
    result = run("migrate")
    assert result.exit_code == 1
    assert "owns tables" in result.stderr
    ask_sql(empty_database_url, "ALTER TABLE item_views OWNER TO bookstore")
    environment.setenv("DATABASE_URL", empty_database_url.replace("bookstore@", "bookstore_app:@"))
    assert "POSTGRES_APP_PASSWORD" in run("migrate").stderr
