"""Settings: where they come from, and what is refused by name."""

import base64
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.settings.redis import RedisAddress
from app.core.settings.settings import Environment, SettingsError, load_settings
from app.core.settings.strength import is_guessable
from tests.conftest import ROOT

GOOD = "b1946ac92492d2347c6235b4d2611184"
DEVELOPMENT_SECRET = "development-only-secret-do-not-use-in-production"
STRICT = ("production", "staging")
LENIENT = ("development", "testing")
GUESSABLE = [
    DEVELOPMENT_SECRET,
    DEVELOPMENT_SECRET.upper(),
    "Development_Only_Secret__Do_Not_Use_In_Production!",
    "d3v3l0pment-0nly-s3cret-d0-n0t-use-in-pr0duction",
    f"xx{DEVELOPMENT_SECRET}2026xx",
    "ｄｅｖｅｌｏｐｍｅｎｔ-only-secret-do-not-use-in-production",
    "a" * 64,
    "abc" * 20,
    "0123456789abcdef" * 4,
    "correct-horse-" * 5,
    " " * 40,
    "\t" * 20 + " " * 20,
    "qwertyuiopasdfghjklzxcvbnm1234567890",
    "poiuytrewqlkjhgfdsamnbvcxz0987654321",
    "changeme" * 5,
    "Ch4ngeMe-" * 4 + "123456789",
    "secret" * 8,
    "S3CRET_secret-$ecret_SECRET_s e c r e t",
    "my-secret-jwt-token-key-please-change-it",
    "12345678901234567890123456789012",
    "zyxwvutsrqponmlkjihgfedcba9876543210",
]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "REDIS_URL",
        "REDIS_CACHE_URL",
        "JWT_SECRET",
        "ENVIRONMENT",
        "CORS_ORIGINS",
        "ALLOWED_HOSTS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://shop:b1946ac92492d234@db/shop")
    monkeypatch.setenv("PUBLIC_URL", "https://shop.example.com")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("secret", ["", "secret", "changeme", "x" * 31])
def test_a_weak_secret_stops_the_start_naming_the_variable(
    monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("JWT_SECRET", secret)
    with pytest.raises(SettingsError, match=r"JWT_SECRET.*openssl rand"):
        load_settings()


@pytest.mark.parametrize("environment", STRICT)
@pytest.mark.parametrize("secret", GUESSABLE)
def test_a_secret_that_can_be_guessed_is_for_development_only(
    monkeypatch: pytest.MonkeyPatch, secret: str, environment: str
) -> None:
    monkeypatch.setenv("JWT_SECRET", secret)
    monkeypatch.setenv("ENVIRONMENT", environment)
    with pytest.raises(SettingsError, match=r"^JWT_SECRET can be guessed.*openssl rand") as refusal:
        load_settings()
    assert secret not in str(refusal.value)


@pytest.mark.parametrize("environment", LENIENT)
def test_development_and_testing_take_what_the_example_holds(
    monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    given = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    for name, value in (given | {"ENVIRONMENT": environment}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://bookstore:{given['POSTGRES_PASSWORD']}@db/bookstore")
    settings = load_settings()
    assert settings.shows_docs
    assert settings.hosts == ()
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    told = str(refusal.value).splitlines()
    assert [line.split()[0] for line in told] == ["JWT_SECRET", "PUBLIC_URL", "DATABASE_URL"]


def test_no_random_secret_is_refused() -> None:
    generator = random.Random(32)
    for _ in range(500):
        bits = generator.randbytes(32)
        for made in (bits.hex(), bits[:16].hex(), base64.urlsafe_b64encode(bits).decode()):
            assert not is_guessable(made), made


def test_only_a_test_run_is_quiet_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", GOOD)
    levels = {}
    for environment in (*STRICT, *LENIENT):
        monkeypatch.setenv("ENVIRONMENT", environment)
        levels[environment] = load_settings().log.level
    assert levels == {
        "production": "INFO",
        "staging": "INFO",
        "development": "INFO",
        "testing": "WARNING",
    }
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    assert load_settings().log.level == "DEBUG"


@pytest.mark.parametrize("environment", STRICT)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "http://shop.example.com"),
        ("PUBLIC_URL", "http://localhost:8000"),
        ("DATABASE_URL", "postgresql://bookstore:bookstore@db/bookstore"),
        ("DATABASE_URL", "postgresql://bookstore:development-only@db/bookstore"),
        ("DATABASE_URL", "postgresql://shop:Shop2026!@db/shop"),
        ("DATABASE_URL", "postgresql://shop:p%40ssw0rd@db/shop"),
        ("DATABASE_REPLICA_URL", "postgresql://postgres:postgres@replica/shop"),
        ("ALLOWED_HOSTS", "*"),
    ],
)
def test_what_is_unsafe_is_refused_where_it_is_strict(
    monkeypatch: pytest.MonkeyPatch, environment: str, name: str, value: str
) -> None:
    monkeypatch.setenv("JWT_SECRET", GOOD)
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("ENVIRONMENT", environment)
    with pytest.raises(SettingsError, match=f"^{name} ") as refusal:
        load_settings()
    assert value == "*" or value not in str(refusal.value)
    monkeypatch.setenv("ENVIRONMENT", "development")
    load_settings()


def test_a_database_that_asks_for_no_password_may_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", GOOD)
    monkeypatch.setenv("DATABASE_URL", "postgresql://bookstore@/bookstore?host=/run/postgresql")
    load_settings()


def test_the_default_database_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", GOOD)
    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(SettingsError, match=r"^DATABASE_URL holds a default password"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", "mysql://db/shop", "postgresql"),
        ("DATABASE_POOL_SIZE", "0", "greater than or equal to 1"),
        ("REDIS_URL", "", "redis+sentinel://"),
        ("REDIS_URL", "http://host:6379", "redis+sentinel://"),
        ("REDIS_URL", "redis:host", "redis+sentinel://"),
        ("REDIS_URL", "redis://host:port", "redis+sentinel://"),
        ("REDIS_URL", "redis+sentinel://host:26379", "redis+sentinel://"),
        ("REDIS_URL", "redis+sentinel://host:26379/name/one", "redis+sentinel://"),
        ("REDIS_URL", "redis+sentinel://host:26379,/name", "redis+sentinel://"),
        ("REDIS_URL", "redis+cluster://host:6379/1", "redis+cluster://"),
        ("REDIS_CACHE_URL", "redis+proxy://host:6379", "redis+cluster://"),
        ("CORS_ORIGINS", "*", "not an exact origin"),
        ("CORS_ORIGINS", "https://a.example, null", "not an exact origin"),
        ("CORS_ORIGINS", "https://*.example.com", "not an exact origin"),
        ("CORS_ORIGINS", "https://*", "not an exact origin"),
        ("CORS_ORIGINS", "https://a.example/path", "not an exact origin"),
        ("ALLOWED_HOSTS", "shop.example.com:8080", "without a port"),
        ("ALLOWED_HOSTS", "https://shop.example.com", "without a port"),
        ("ALLOWED_HOSTS", "a.*.example.com", "without a port"),
        ("PUBLIC_URL", "shop.example.com", "https://shop.example.com"),
        ("INTERNAL_PORT", "70000", "less than or equal to 65535"),
        ("CURRENCY", "euro", "pattern"),
        ("CURRENCY", "KWD", "too few for KWD"),
        ("SHOP_COUNTRY", "Germany", "pattern"),
        ("SHOP_REGION", "Bavaria", "pattern"),
        ("LOG_LEVEL", "LOUD", "INFO"),
        ("RATE_LIMIT_FACTOR", "-1", "greater than 0"),
        ("RATE_LIMIT_LOGIN", "often", "per"),
        ("ENVIRONMENT", "live", "production"),
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


@pytest.mark.parametrize("name", ["REDIS_URL", "REDIS_CACHE_URL"])
def test_a_default_password_of_redis_is_refused_in_production(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("JWT_SECRET", GOOD)
    monkeypatch.setenv(name, "redis://bookstore:development-only@redis:6379/0")
    with pytest.raises(SettingsError, match=rf"^{name} holds a default password.*REDIS_PASSWORD"):
        load_settings()
    monkeypatch.setenv(name, f"redis://bookstore:{GOOD}@redis:6379/0")
    load_settings()


def test_a_redis_url_names_sentinels_or_nodes_with_their_ports() -> None:
    watched = RedisAddress.parse("rediss+sentinel://me:a%40b@one,[::1]:7000/shop/3?sentinel_password=c%26d")
    assert watched == RedisAddress(
        "sentinel",
        (("one", 26379), ("::1", 7000)),
        is_tls=True,
        username="me",
        password="a@b",
        primary="shop",
        database=3,
        sentinel_password="c&d",
    )
    cluster = RedisAddress.parse("redis+cluster://one:7001,two/0")
    assert cluster == RedisAddress(
        "cluster", (("one", 7001), ("two", 6379)), is_tls=False, username=None, password=None
    )
    assert RedisAddress.parse("unix:///run/redis.sock?db=1") is None


def test_a_region_says_its_country_and_lies_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", GOOD)
    monkeypatch.setenv("SHOP_COUNTRY", "")
    monkeypatch.setenv("SHOP_REGION", "")
    assert load_settings().country == ""
    monkeypatch.setenv("SHOP_REGION", "DE-BY")
    assert load_settings().country == "DE"
    monkeypatch.setenv("SHOP_COUNTRY", "AT")
    with pytest.raises(SettingsError, match="SHOP_REGION must lie in SHOP_COUNTRY"):
        load_settings()


def test_a_secret_may_come_from_a_file_and_the_variable_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mounted = tmp_path / "jwt"
    mounted.write_text(f"{GOOD}-from-file\n")
    monkeypatch.setenv("JWT_SECRET_FILE", str(mounted))
    assert load_settings().jwt.secret.get_secret_value() == f"{GOOD}-from-file"
    monkeypatch.setenv("JWT_SECRET", GOOD)
    assert load_settings().jwt.secret.get_secret_value() == GOOD


def test_a_secret_file_that_cannot_be_read_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    no_text = tmp_path / "key.der"
    no_text.write_bytes(b"\x30\x82\xff")
    for path in ("nowhere/at/all", str(no_text)):
        monkeypatch.setenv("JWT_SECRET_FILE", path)
        with pytest.raises(SettingsError, match="JWT_SECRET_FILE"):
            load_settings()


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("postgres://u:f3c1@db:25060/shop?sslmode=require", "shop?ssl=require"),
        ("postgresql://u:f3c1@db/shop?a=b&sslmode=verify-full", "shop?a=b&ssl=verify-full"),
        ("postgresql://u:sslmode=1@db/shop", "u:sslmode=1@db/shop"),
    ],
)
def test_a_database_url_says_tls_as_libpq_does(
    monkeypatch: pytest.MonkeyPatch, given: str, taken: str
) -> None:
    monkeypatch.setenv("JWT_SECRET", GOOD)
    monkeypatch.setenv("DATABASE_URL", given)
    assert load_settings().database.url.get_secret_value().endswith(taken)


def test_a_database_url_that_names_a_certificate_is_told_where_that_belongs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JWT_SECRET", GOOD)
    monkeypatch.setenv("DATABASE_URL", "postgres://u:f3c1@db/shop?sslmode=verify-full&sslrootcert=/ca.pem")
    with pytest.raises(SettingsError, match="PGSSLROOTCERT") as refused:
        load_settings()
    assert "f3c1" not in str(refused.value)


def test_nested_settings_come_from_flat_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", GOOD)
    monkeypatch.setenv("DATABASE_URL", "postgres://u:f3c1-9a7e-52bd@db/shop")
    monkeypatch.setenv("DATABASE_READ_POOL_SIZE", "3")
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example/, https://b.example")
    settings = load_settings()
    assert settings.database.url.get_secret_value() == "postgresql+asyncpg://u:f3c1-9a7e-52bd@db/shop"
    assert settings.database.read_pool_size == 3
    assert settings.cors.origins == ("https://a.example", "https://b.example")
    assert "f3c1" not in repr(settings)


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
