"""Settings: environment variables, `*_FILE` secrets and `.env`, checked once at start-up."""

import os
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from app.core.settings.groups import (
    CacheSettings,
    CorsSettings,
    DatabaseSettings,
    ImportSettings,
    JwtSettings,
    LogSettings,
    MailSettings,
    MfaSettings,
    RateLimitSettings,
    RedisSettings,
    StorageSettings,
    WorkerSettings,
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


_SECRET_VARIABLES = frozenset(
    {"database_url", "database_replica_url", "redis_url", "jwt_secret", "mail_url", "storage_secret_key"}
)


class _DatabaseOnly(BaseSettings):
    """Where settings come from, and the part that migrations need."""

    model_config = SettingsConfigDict(
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
    require_verified_email: bool = False
    redis: RedisSettings = RedisSettings()
    cache: CacheSettings = CacheSettings()
    jwt: JwtSettings = JwtSettings()
    mfa: MfaSettings = MfaSettings()
    rate_limit: RateLimitSettings = RateLimitSettings()
    log: LogSettings = LogSettings()
    mail: MailSettings = MailSettings()
    storage: StorageSettings = StorageSettings()
    imports: ImportSettings = ImportSettings()
    worker: WorkerSettings = WorkerSettings()
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
    """Read and check the settings. Raises SettingsError, which names each bad variable and what to set."""
    try:
        return Settings(_env_file=_env_file(), **overrides)  # type: ignore[arg-type]  # checked by pydantic itself
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(problem) for problem in error.errors())) from None


def load_database_settings() -> DatabaseSettings:
    """Read the database's alone, for migrations, which need no secrets. Raises SettingsError."""
    try:
        return _DatabaseOnly(_env_file=_env_file()).database
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(problem) for problem in error.errors())) from None


def _env_file() -> str | None:
    """`.env` in the working directory, another file that DOTENV names, or none when it is empty."""
    return os.environ.get("DOTENV", ".env") or None


def _explain(problem: ErrorDetails) -> str:
    name = "_".join(str(part) for part in problem["loc"]).upper()
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}" if name else message
