"""Settings: environment variables, `.env` and `*_FILE` secrets, checked once at start-up."""

import os
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from limits import parse as parse_rate
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

WEAK_SECRETS = frozenset({"", "secret", "changeme", "change-me", "change-me-in-production"})
DEVELOPMENT_SECRET = "development-only-secret-do-not-use-in-production"  # noqa: S105 (known to everybody)
"""What `.env.example` holds, so that the stack starts as it is; production refuses it."""
SHORTEST_SECRET = 32
"""HS256 wants a key at least as long as its hash: 32 bytes (RFC 7518 §3.2)."""


class SettingsError(Exception):
    """The configuration cannot be used; the text names each variable and the way out."""


class Environment(StrEnum):
    """Development is lenient and talkative; production refuses weak secrets."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class DatabaseSettings(BaseModel):
    """PostgreSQL: `DATABASE_*`. Times in seconds."""

    url: SecretStr = SecretStr("postgresql+asyncpg://bookstore:bookstore@localhost:5432/bookstore")
    replica_url: SecretStr | None = None
    pool_size: int = Field(default=8, ge=1, le=200)
    read_pool_size: int = Field(default=8, ge=1, le=200)
    pool_timeout: float = Field(default=5, gt=0)
    connect_timeout: float = Field(default=5, gt=0)
    statement_timeout: float = Field(default=10, gt=0)

    @field_validator("url", "replica_url")
    @classmethod
    def _names_asyncpg(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None
        scheme, separator, rest = url.get_secret_value().partition("://")
        if not separator or scheme not in {"postgres", "postgresql", "postgresql+asyncpg"}:
            raise ValueError("must look like postgresql+asyncpg://user:password@host:5432/database")
        return SecretStr(f"postgresql+asyncpg://{rest}")


class RedisSettings(BaseModel):
    """Redis: `REDIS_*`. Times in seconds."""

    url: SecretStr = SecretStr("redis://localhost:6379/0")
    timeout: float = Field(default=1, gt=0)


class CacheSettings(BaseModel):
    """The hot-read cache: `CACHE_*`. Size in MiB per worker, times in seconds."""

    local_size: float = Field(default=24, ge=0)
    local_ttl: float = Field(default=60, gt=0)
    shared_ttl: float = Field(default=300, gt=0)


class JwtSettings(BaseModel):
    """Access tokens: `JWT_*`. Times in seconds."""

    secret: SecretStr = SecretStr("")
    issuer: str = "bookstore"
    audience: str = "bookstore-api"
    access_ttl: int = Field(default=900, ge=30, le=86_400)
    leeway: int = Field(default=10, ge=0, le=30)


class RateLimitSettings(BaseModel):
    """Requests per window and client: `RATE_LIMIT_*`; the factor multiplies every limit."""

    factor: float = Field(default=1, gt=0)
    login: str = "5/minute"
    registration: str = "3/hour"
    search: str = "30/minute"

    @field_validator("login", "registration", "search")
    @classmethod
    def _names_a_rate(cls, rate: str) -> str:
        try:
            parse_rate(rate)
        except ValueError:
            raise ValueError(f"{rate!r} is no rate; write requests per time, such as 5/minute") from None
        return rate


class LogSettings(BaseModel):
    """Logs: `LOG_*`."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["json", "text"] = "json"


class CorsSettings(BaseModel):
    """Browsers' origins that may call with credentials: `CORS_ORIGINS`, comma-separated."""

    origins: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("origins", mode="before")
    @classmethod
    def _splits_commas(cls, origins: object) -> object:
        if isinstance(origins, str):
            return tuple(origin.strip().rstrip("/") for origin in origins.split(",") if origin.strip())
        return origins

    @field_validator("origins")
    @classmethod
    def _names_exact_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if origin in {"*", "null"} or "://" not in origin:
                raise ValueError(f"{origin!r} is not an exact origin such as https://shop.example.com")
        return origins


class _FileSecretsSource(EnvSettingsSource):
    """Reads `NAME` from the file that `NAME_FILE` names, as container secrets are mounted."""

    def _load_env_vars(self) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for name, path in os.environ.items():
            stem = name.removesuffix("_FILE")
            if stem == name or stem in os.environ:
                continue
            try:
                found[stem.lower()] = Path(path).read_text(encoding="utf-8").strip()
            except OSError:
                if stem.lower() in _SECRET_VARIABLES:
                    raise SettingsError(
                        f"{name}: cannot read {path!r}; check the path and its mode"
                    ) from None
        return found


_SECRET_VARIABLES = frozenset({"database_url", "database_replica_url", "redis_url", "jwt_secret"})


class _DatabaseOnly(BaseSettings):
    """Where settings come from, and the part that migrations need."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="ignore",
        frozen=True,
    )

    database: DatabaseSettings = DatabaseSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then variables, then `*_FILE`, then `.env`."""
        del file_secret_settings
        return init_settings, env_settings, _FileSecretsSource(settings_cls), dotenv_settings


class Settings(_DatabaseOnly):
    """Everything that differs between installations, by environment variable."""

    environment: Environment = Environment.PRODUCTION
    public_url: str = "http://localhost:8000"
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")
    docs_enabled: bool | None = None
    redis: RedisSettings = RedisSettings()
    cache: CacheSettings = CacheSettings()
    jwt: JwtSettings = JwtSettings()
    rate_limit: RateLimitSettings = RateLimitSettings()
    log: LogSettings = LogSettings()
    cors: CorsSettings = CorsSettings()

    @model_validator(mode="after")
    def _refuses_weak_secrets(self) -> Self:
        secret = self.jwt.secret.get_secret_value()
        if secret.lower() in WEAK_SECRETS or len(secret.encode()) < SHORTEST_SECRET:
            raise ValueError(
                f"JWT_SECRET must be at least {SHORTEST_SECRET} random bytes; make one with: openssl rand -hex 32"
            )
        if self.environment is Environment.PRODUCTION and secret == DEVELOPMENT_SECRET:
            raise ValueError(
                "JWT_SECRET is the one of .env.example, which everybody knows; make one with: openssl rand -hex 32"
            )
        return self

    @cached_property
    def in_production(self) -> bool:
        """Whether the strict defaults of production hold."""
        return self.environment is Environment.PRODUCTION

    @cached_property
    def shows_docs(self) -> bool:
        """Whether `/docs`, `/redoc` and `/openapi.json` are served."""
        return not self.in_production if self.docs_enabled is None else self.docs_enabled


def load_settings(**overrides: object) -> Settings:
    """Read and check the settings; SettingsError names each bad variable and what to set."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # overrides are checked by pydantic itself
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(problem) for problem in error.errors())) from None


def load_database_settings() -> DatabaseSettings:
    """The database alone, for migrations, which need no secrets. SettingsError as `load_settings`."""
    try:
        return _DatabaseOnly().database
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(problem) for problem in error.errors())) from None


def _explain(problem: ErrorDetails) -> str:
    name = "_".join(str(part) for part in problem["loc"]).upper()
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}" if name else message
