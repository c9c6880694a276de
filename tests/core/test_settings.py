"""Settings: where they come from, and what is refused by name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.settings.settings import DEVELOPMENT_SECRET, Environment, SettingsError, load_settings
from tests.conftest import ROOT

GOOD = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "JWT_SECRET", "ENVIRONMENT", "CORS_ORIGINS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("secret", ["", "secret", "changeme", "x" * 31])
def test_a_weak_secret_stops_the_start_naming_the_variable(
    monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("JWT_SECRET", secret)
    with pytest.raises(SettingsError, match=r"JWT_SECRET.*openssl rand"):
        load_settings()


def test_the_secret_of_the_example_file_is_for_development_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", DEVELOPMENT_SECRET)
    with pytest.raises(SettingsError, match=r"JWT_SECRET.*openssl rand"):
        load_settings()
    monkeypatch.setenv("ENVIRONMENT", "development")
    assert load_settings().shows_docs


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", "mysql://db/shop", "postgresql"),
        ("DATABASE_POOL_SIZE", "0", "greater than or equal to 1"),
        ("CORS_ORIGINS", "*", "not an exact origin"),
        ("CORS_ORIGINS", "https://a.example, null", "not an exact origin"),
        ("CURRENCY", "euro", "pattern"),
        ("LOG_LEVEL", "LOUD", "INFO"),
        ("RATE_LIMIT_FACTOR", "-1", "greater than 0"),
        ("RATE_LIMIT_LOGIN", "often", "per"),
        ("ENVIRONMENT", "staging", "production"),
    ],
)
def test_a_bad_value_is_refused_by_the_variables_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv("JWT_SECRET", GOOD)
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as refusal:
        load_settings()
    assert says in str(refusal.value)


def test_a_secret_may_come_from_a_file_and_the_variable_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mounted = tmp_path / "jwt"
    mounted.write_text(f"{GOOD}-from-file\n")
    monkeypatch.setenv("JWT_SECRET_FILE", str(mounted))
    assert load_settings().jwt.secret.get_secret_value() == f"{GOOD}-from-file"
    monkeypatch.setenv("JWT_SECRET", GOOD)
    assert load_settings().jwt.secret.get_secret_value() == GOOD


def test_a_secret_file_that_cannot_be_read_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET_FILE", "nowhere/at/all")
    with pytest.raises(SettingsError, match="JWT_SECRET_FILE"):
        load_settings()


def test_nested_settings_come_from_flat_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", GOOD)
    monkeypatch.setenv("DATABASE_URL", "postgres://u:p@db/shop")
    monkeypatch.setenv("DATABASE_READ_POOL_SIZE", "3")
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example/, https://b.example")
    settings = load_settings()
    assert settings.database.url.get_secret_value() == "postgresql+asyncpg://u:p@db/shop"
    assert settings.database.read_pool_size == 3
    assert settings.cors.origins == ("https://a.example", "https://b.example")
    assert "u:p" not in repr(settings)


def test_a_dotenv_file_is_read_where_the_process_works(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    (tmp_path / "other.env").write_text(f"JWT_SECRET={GOOD}\nCURRENCY=SEK\n")

    monkeypatch.delenv("DOTENV")
    assert load_settings().environment is Environment.DEVELOPMENT
    monkeypatch.setenv("DOTENV", "other.env")
    assert load_settings().currency == "SEK"


def test_the_tests_and_their_programs_ignore_the_dotenv_file_of_a_checkout(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")

    assert load_settings(jwt={"secret": GOOD}).environment is Environment.PRODUCTION
    printed = subprocess.run(
        (sys.executable, "-m", "app.cli", "check-settings"),
        env=os.environ | {"JWT_SECRET": GOOD, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "ENVIRONMENT=production" in printed
