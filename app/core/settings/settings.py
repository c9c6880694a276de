"""Settings: environment variables, `*_FILE` secrets and `.env`, checked once at start-up."""

import os
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from app.core.currencies import DECIMALS_KEPT, exponent
from app.core.settings.aws import AwsSettings, SecretsRefused, read_secrets
from app.core.settings.backups import BackupSettings
from app.core.settings.groups import (
    ANY_HOST,
    AllowedSettings,
    CacheSettings,
    CorsSettings,
    DatabaseSettings,
    ImportSettings,
    JwtSettings,
    LogSettings,
    MailSettings,
    MfaSettings,
    OrderSettings,
    PasswordSettings,
    PaymentSettings,
    RateLimitSettings,
    RefundSettings,
    ReturnSettings,
    ShopSettings,
    StorageSettings,
    StripeSettings,
    WorkerSettings,
)
from app.core.settings.observers import OtelSettings, SentrySettings
from app.core.settings.outbound import OutboundSettings, WebhookSettings
from app.core.settings.people import PushSettings, SmsSettings
from app.core.settings.redis import RedisSettings
from app.core.settings.streams import StreamSettings
from app.core.settings.strength import is_default_password, is_guessable
from app.core.settings.unset import unset_if_empty

WEAK_SECRETS = frozenset({"", "secret", "changeme", "change-me", "change-me-in-production"})
SHORTEST_SECRET = 32
"""HS256 wants a key at least as long as its hash: 32 bytes (RFC 7518 §3.2)."""
_MAKE_ONE = "make one with: openssl rand -hex 32"


class SettingsError(Exception):
    """The configuration cannot be used; the text names each variable and the way out."""

    is_log_safe = True


class Environment(StrEnum):
    """Where this runs: what is strict about production holds in staging too, testing is development without its talk."""

    DEVELOPMENT = "development"
    TESTING = "testing"
    STAGING = "staging"
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
            except (OSError, UnicodeDecodeError):
                if stem.lower() in _SECRET_VARIABLES:
                    raise SettingsError(
                        f"{name}: cannot read {path!r} as text; check the path and its mode"
                    ) from None
        return found


_SECRET_VARIABLES = frozenset(
    {
        "database_url",
        "database_owner_url",
        "database_replica_url",
        "redis_url",
        "redis_cache_url",
        "jwt_secret",
        "sentry_dsn",
        "mail_url",
        "storage_secret_key",
        "backup_key",
        "backup_secret_key",
        "stripe_secret_key",
        "stripe_webhook_secret",
        "sms_token",
        "push_private_key",
    }
)


class _AwsSecretsSource(EnvSettingsSource):
    """Reads what the secrets hold that `AWS_SECRETS` names, in the environment or in `.env`."""

    def __init__(self, settings_cls: type[BaseSettings], given: Mapping[str, str | None]) -> None:
        self._given = given
        super().__init__(settings_cls)

    def _load_env_vars(self) -> dict[str, str | None]:
        names = self._given.get("aws_secrets")
        if not names:
            return {}
        place = AwsSettings(
            secrets=names,
            region=self._given.get("aws_region") or "",
            secrets_endpoint=self._given.get("aws_secrets_endpoint") or "",
        )
        try:
            found = read_secrets(place.secrets, place.region, place.secrets_endpoint)
        except SecretsRefused as refusal:
            raise SettingsError(f"AWS_SECRETS: {refusal}") from None
        if unknown := sorted(set(found) - variable_names()):
            raise SettingsError(f"AWS_SECRETS: {', '.join(unknown)}: no such setting; see .env.example")
        return {name.lower(): value for name, value in found.items()}


class _DatabaseOnly(BaseSettings):
    """Where settings come from, and the part that migrations need."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
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
        """Arguments first, then variables, then `*_FILE`, then `.env`, then AWS Secrets Manager."""
        del file_secret_settings
        given: dict[str, str | None] = {}
        for source in (dotenv_settings, env_settings):
            if isinstance(source, EnvSettingsSource):
                given.update(source.env_vars)
        aws = _AwsSecretsSource(settings_cls, given)
        return init_settings, env_settings, _FileSecretsSource(settings_cls), dotenv_settings, aws


class Settings(_DatabaseOnly):
    """Everything that differs between installations, by environment variable."""

    environment: Environment = Environment.PRODUCTION
    public_url: str = "http://localhost:8000"
    https_redirect: bool = False
    internal_port: int | None = Field(default=None, ge=1, le=65_535)
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")
    shop_time_zone: ZoneInfo | None = None
    shop_country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    shop_region: str | None = Field(default=None, pattern=r"^[A-Z]{2}-[A-Z0-9]{1,4}$")
    docs_enabled: bool | None = None
    enable_metrics: bool = True
    profiler: bool = False
    gzip: bool = False
    drain_seconds: float = Field(default=3, ge=0, le=20)
    require_verified_email: bool = False
    aws: AwsSettings = AwsSettings()
    redis: RedisSettings = RedisSettings()
    cache: CacheSettings = CacheSettings()
    jwt: JwtSettings = JwtSettings()
    mfa: MfaSettings = MfaSettings()
    password: PasswordSettings = PasswordSettings()
    rate_limit: RateLimitSettings = RateLimitSettings()
    log: LogSettings = LogSettings()
    mail: MailSettings = MailSettings()
    storage: StorageSettings = StorageSettings()
    backup: BackupSettings = BackupSettings()
    shop: ShopSettings = ShopSettings()
    imports: ImportSettings = ImportSettings()
    payments: PaymentSettings = PaymentSettings()
    stripe: StripeSettings = StripeSettings()
    orders: OrderSettings = OrderSettings()
    refunds: RefundSettings = RefundSettings()
    returns: ReturnSettings = ReturnSettings()
    worker: WorkerSettings = WorkerSettings()
    stream: StreamSettings = StreamSettings()
    outbound: OutboundSettings = OutboundSettings()
    webhooks: WebhookSettings = WebhookSettings()
    sms: SmsSettings = SmsSettings()
    push: PushSettings = PushSettings()
    sentry: SentrySettings = SentrySettings()
    otel: OtelSettings = OtelSettings()
    cors: CorsSettings = CorsSettings()
    allowed: AllowedSettings = AllowedSettings()

    @model_validator(mode="before")
    @classmethod
    def _is_quiet_in_tests(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values.get("environment") != Environment.TESTING or not isinstance(values.get("log", {}), dict):
            return values
        return {**values, "log": {"level": "WARNING", **values.get("log", {})}}

    _may_be_empty = field_validator(
        "internal_port", "shop_time_zone", "shop_country", "shop_region", mode="before"
    )(unset_if_empty)

    @field_validator("currency")
    @classmethod
    def _can_be_kept(cls, currency: str) -> str:
        if exponent(currency) > DECIMALS_KEPT:
            raise ValueError(
                f"amounts are kept with {DECIMALS_KEPT} decimals, which are too few for {currency}"
            )
        return currency

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
            raise ValueError("must look like https://shop.example.com")
        return url

    @model_validator(mode="after")
    def _refuses_what_is_unsafe(self) -> Self:
        secret = self.jwt.secret.get_secret_value()
        if secret.lower() in WEAK_SECRETS or len(secret.encode()) < SHORTEST_SECRET:
            raise ValueError(f"JWT_SECRET must be at least {SHORTEST_SECRET} random bytes; {_MAKE_ONE}")
        if self.profiler and self.environment not in {Environment.DEVELOPMENT, Environment.TESTING}:
            raise ValueError("PROFILER must be off outside development: it shows the code to whoever asks")
        if self.shop_region and self.shop_region[:2] != self.country:
            raise ValueError("SHOP_REGION must lie in SHOP_COUNTRY: DE-BY in DE")
        if self.backup.url and self.backup.overlaps(self.storage):
            raise ValueError(
                "BACKUP_URL must lie outside STORAGE_URL: a backup would hold the ones before it"
            )
        if self.in_production and (complaints := list(self._complaints())):
            raise ValueError("\n".join(complaints))
        return self

    def _complaints(self) -> Iterator[str]:
        """What development may do and nobody else."""
        where = f"in {self.environment}"
        if is_guessable(self.jwt.secret.get_secret_value()):
            yield (
                f"JWT_SECRET can be guessed: it is the one of .env.example, repeats itself or consists of words"
                f" that everybody tries, which is refused {where}; {_MAKE_ONE}"
            )
        if not self.public_url.startswith("https://"):
            yield f"PUBLIC_URL must begin with https:// {where}: name the address under which browsers reach the shop"
        if ANY_HOST in self.allowed.hosts:
            yield f"ALLOWED_HOSTS must name the hosts {where}, such as shop.example.com or *.example.com"
        if self.outbound.networks:
            yield f"OUTBOUND_NETWORKS must be empty {where}: whoever names a webhook would reach machines of yours"
        role = "give the role another one (ALTER ROLE … PASSWORD …; in the Compose stack POSTGRES_PASSWORD)"
        user = "give the user another one (in the Compose stack REDIS_PASSWORD)"
        for name, url, remedy in (
            ("DATABASE_URL", self.database.url, role),
            ("DATABASE_OWNER_URL", self.database.owner_url, role),
            ("DATABASE_REPLICA_URL", self.database.replica_url, role),
            ("REDIS_URL", self.redis.url, user),
            ("REDIS_CACHE_URL", self.redis.cache_url, user),
        ):
            parts = urlsplit("" if url is None else url.get_secret_value())
            names = (parts.username or "", parts.path.strip("/"))
            if parts.password and is_default_password(unquote(parts.password), *names):
                yield (
                    f"{name} holds a default password, which is refused {where}: {remedy}, made with: openssl rand -hex 32"
                )

    @property
    def country(self) -> str:
        """The country of the shop, else that of its region; "" where neither is said."""
        return self.shop_country or (self.shop_region or "")[:2]

    @property
    def in_production(self) -> bool:
        """Whether the strict defaults of production hold, as they do in staging."""
        return self.environment in {Environment.PRODUCTION, Environment.STAGING}

    @property
    def traces_sample_rate(self) -> float:
        """The part of the requests whose times are told to Sentry."""
        given = self.sentry.traces_sample_rate
        return (0.1 if self.in_production else 0.0) if given is None else given

    @property
    def takes_fake_payments(self) -> bool:
        """Whether orders can be paid with no money at all."""
        return not self.in_production if self.payments.fake is None else self.payments.fake

    def secret_values(self) -> Iterator[str]:
        """Every secret, and of URLs the password too, to be hidden wherever they stand."""
        for _, group in self:
            for _, value in group if isinstance(group, BaseModel) else ():
                if isinstance(value, SecretStr):
                    secret = value.get_secret_value()
                    password = urlsplit(secret).password if "://" in secret else None
                    yield secret
                    yield from (password, unquote(password)) if password else ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names under which the API is served: ALLOWED_HOSTS, else in production that of PUBLIC_URL; none means any."""
        if ANY_HOST in self.allowed.hosts:
            return ()
        return self.allowed.hosts or (
            (str(urlsplit(self.public_url).hostname),) if self.in_production else ()
        )

    @cached_property
    def shows_docs(self) -> bool:
        """Whether `/docs`, `/redoc` and `/openapi.json` are served."""
        return not self.in_production if self.docs_enabled is None else self.docs_enabled


def variable_names() -> frozenset[str]:
    """The names of all settings, as variables."""
    names = set()
    for name, field in Settings.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, BaseModel):
            parts = group.model_fields.items()
            names |= {f"{name}_{each.validation_alias or part}".upper() for part, each in parts}
        else:
            names.add(name.upper())
    return frozenset(names)


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
