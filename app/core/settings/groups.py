"""The groups of settings: each field is a variable, `GROUP_FIELD`; `core.settings` reads them."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from limits import parse as parse_rate
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from app.core.settings.unset import unset_if_empty

ANY_HOST = "*"
"""In ALLOWED_HOSTS: whatever the client calls this server."""

_SHORTEST_SHARED_SECRET = 16
_POSTGRESQL = frozenset({"postgres", "postgresql", "postgresql+asyncpg"})
_LIBPQ_TLS = re.compile(r"(?<=[?&])sslmode=")
_LIBPQ_ROOT = re.compile(r"[?&]sslrootcert=")
_EXACT_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[^\s*/@?#\[\]]+)", re.IGNORECASE)
_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]|\*")


def _has_port_number(rest: str) -> bool:
    """Whether what follows `scheme://` has a number as its port, or none."""
    try:
        return (urlsplit(f"//{rest}").port or 1) > 0
    except ValueError:
        return False


class DatabaseSettings(BaseModel):
    """PostgreSQL: `DATABASE_*`. Times in seconds. The owner changes the schema, whoever `url` names only rows."""

    url: SecretStr = SecretStr("postgresql+asyncpg://bookstore:bookstore@localhost:5432/bookstore")
    owner_url: SecretStr | None = None
    replica_url: SecretStr | None = None
    pooler: Literal["none", "transaction"] = "none"
    processes: int | None = Field(default=None, ge=1)
    pool_size: int = Field(default=8, ge=1, le=200)
    read_pool_size: int = Field(default=8, ge=1, le=200)
    pool_timeout: float = Field(default=5, gt=0)
    connect_timeout: float = Field(default=5, gt=0)
    statement_timeout: float = Field(default=10, gt=0)
    search_timeout: float = Field(default=2, gt=0)

    _may_be_empty = field_validator("processes", mode="before")(unset_if_empty)

    @field_validator("url", "owner_url", "replica_url")
    @classmethod
    def _names_asyncpg(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None
        scheme, separator, rest = url.get_secret_value().partition("://")
        if not separator or scheme not in _POSTGRESQL or not _has_port_number(rest):
            raise ValueError("must look like postgresql+asyncpg://user:password@host:5432/database")
        if _LIBPQ_ROOT.search(rest):
            raise ValueError("must not name sslrootcert: set the variable PGSSLROOTCERT to that file")
        # As hosts of databases hand them out, for libpq; asyncpg takes the same values under its own name.
        return SecretStr(f"postgresql+asyncpg://{_LIBPQ_TLS.sub('ssl=', rest)}")

    @property
    def migrating_url(self) -> str:
        """Where migrations connect: as the owner of the schema, which without DATABASE_OWNER_URL the application is."""
        return (self.owner_url or self.url).get_secret_value()

    def session_settings(self) -> dict[str, str]:
        """What every session of the application has set in PostgreSQL, by the connection or by its role."""
        milliseconds = str(int(self.statement_timeout * 1000))
        return {
            "TimeZone": "UTC",
            "statement_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
            "jit": "off",
            # A request is one of many: starting helpers for it takes longer than most of them last.
            "max_parallel_workers_per_gather": "0",
        }


class CacheSettings(BaseModel):
    """The hot-read cache: `CACHE_*`. Size in MiB per worker, times in seconds."""

    local_size: float = Field(default=6, ge=0)
    local_ttl: float = Field(default=60, gt=0)
    shared_ttl: float = Field(default=300, gt=0)


class JwtSettings(BaseModel):
    """Tokens: `JWT_*`. Times in seconds; a session ends `refresh_ttl` after its login, or `idle_ttl` unused.

    Beyond `max_sessions` of one account under way, the oldest ends.
    """

    secret: SecretStr = SecretStr("")
    keys_file: Path | None = None
    issuer: str = ""
    audience: str = "bookstore-api"
    access_ttl: int = Field(default=900, ge=30, le=86_400)
    refresh_ttl: int = Field(default=2_592_000, ge=60, le=31_536_000)
    idle_ttl: int = Field(default=1_209_600, ge=60, le=31_536_000)
    leeway: int = Field(default=10, ge=0, le=30)
    max_sessions: int = Field(default=20, ge=1, le=1000)


class MfaSettings(BaseModel):
    """The second factor: `MFA_*`. The issuer is the shop's name in apps; `rp_id` the passkeys' domain."""

    required_for_staff: bool = False
    issuer: str = Field(default="Bookstore", min_length=1, max_length=64, pattern=r"^[^:%]+$")
    rp_id: str = Field(default="", pattern=r"^[a-z0-9.-]*$")


class PasswordSettings(BaseModel):
    """Passwords: `PASSWORD_*`. Whether new ones are looked up among those that leaked, where, and for how many seconds at most."""

    breach_check: bool = False
    breach_url: str = "https://api.pwnedpasswords.com/range"
    breach_timeout: float = Field(default=2, gt=0, le=10)

    @field_validator("breach_url")
    @classmethod
    def _names_a_place(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
            raise ValueError("must look like https://api.pwnedpasswords.com/range")
        return url


class RateLimitSettings(BaseModel):
    """Requests per window and client: `RATE_LIMIT_*`; the factor multiplies every limit.

    Every other field is a zone, by its name; `read` and `write` are the general ones.
    """

    factor: float = Field(default=1, gt=0)
    read: str = "300/minute"
    write: str = "100/minute"
    upload: str = "5/minute"
    export: str = "5/minute"
    login: str = "5/minute"
    login_account: str = "100/hour"
    login_pair: str = "30/hour"
    refresh: str = "10/minute"
    registration: str = "3/hour"
    search: str = "30/minute"
    suggest: str = "120/minute"
    username_check: str = "30/minute"
    strength_check: str = "30/minute"
    email_change: str = "5/hour"
    mail: str = "10/hour"
    mail_address: str = "3/hour"
    mail_proof: str = "10/minute"
    api_key: str = "30/minute"
    second_factor: str = "10/minute"
    gift_card: str = "10/minute"
    coupon: str = "20/minute"

    @classmethod
    def zones(cls) -> frozenset[str]:
        """The names of the limits."""
        return frozenset(cls.model_fields) - {"factor"}

    @field_validator("*")
    @classmethod
    def _names_a_rate(cls, rate: object) -> object:
        if not isinstance(rate, str):
            return rate
        try:
            parse_rate(rate)
        except ValueError:
            raise ValueError(f"{rate!r} is no rate; write requests per time, such as 5/minute") from None
        return rate


class MailSettings(BaseModel):
    """Mail: `MAIL_*`; the timeout in seconds. Only the worker sends, so only the worker needs the URL.

    With the bounce secret, which the provider sends along, the API takes notice of bounces and complaints.
    """

    model_config = ConfigDict(populate_by_name=True)

    url: SecretStr | None = None
    sender: str = Field(default="Bookstore <bookstore@localhost>", validation_alias="from")
    timeout: float = Field(default=20, gt=0)
    bounce_secret: SecretStr | None = None

    @field_validator("bounce_secret")
    @classmethod
    def _is_long(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is None or not secret.get_secret_value():
            return None
        if len(secret.get_secret_value()) < _SHORTEST_SHARED_SECRET:
            raise ValueError(f"must have at least {_SHORTEST_SHARED_SECRET} characters")
        return secret

    @field_validator("url")
    @classmethod
    def _names_a_place(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None
        if not url.get_secret_value().startswith(("smtp://", "smtp+tls://", "file:///")):
            raise ValueError("must look like smtp://user:password@mail.example.com:587 or file:///folder")
        return url


class StorageSettings(BaseModel):
    """Files of the shop: `STORAGE_*`; the timeout in seconds. Without a URL, `.local/storage` where it runs."""

    url: str = ""
    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: SecretStr | None = None
    timeout: float = Field(default=30, gt=0)

    @field_validator("url")
    @classmethod
    def _names_a_place(cls, url: str) -> str:
        if url and not url.startswith(("file:///", "s3://")):
            raise ValueError("must look like file:///folder or s3://bucket/prefix")
        if url.startswith("s3://") and {"", ".", ".."} & set(_segments(url)[1:]):
            raise ValueError("must name its prefix plainly, without . or .. or //")
        return url

    @property
    def folder(self) -> Path | None:
        """The local folder, unless files lie in a bucket."""
        if not self.url:
            return Path(".local/storage").absolute()
        parts = urlsplit(self.url)
        return Path(url2pathname(parts.path)) if parts.scheme == "file" else None

    def overlaps(self, other: "StorageSettings") -> bool:
        """Whether one of the two places lies in the other, however they are spelt."""
        shorter, longer = sorted((self.place, other.place), key=len)
        return longer[: len(shorter)] == shorter

    @property
    def place(self) -> tuple[str, ...]:
        """The folder, or the bucket with its prefix, part by part; in one spelling."""
        return tuple(_segments(self.url)) if self.folder is None else self.folder.resolve().parts


class ShopSettings(BaseModel):
    """Who the shop is on invoices: `SHOP_*`. Lines of the address and of the footer are separated by `;`."""

    name: str = Field(default="Bookstore", min_length=1, max_length=200)
    address: str = Field(default="", max_length=1000)
    vat_id: str = Field(default="", max_length=50)
    footer: str = Field(default="", max_length=1000)

    @property
    def address_lines(self) -> list[str]:
        """The address, line by line."""
        return _split(self.address, ";")

    @property
    def footer_lines(self) -> list[str]:
        """The footer, line by line."""
        return _split(self.footer, ";")


LARGEST_IMPORT = 16_000
"""MiB that a file may have at all, whatever the setting says."""


class ImportSettings(BaseModel):
    """Imports of books: `IMPORTS_*`. The size of a file in MiB."""

    max_size: int = Field(default=512, ge=1, le=LARGEST_IMPORT)


class PaymentSettings(BaseModel):
    """Payments: `PAYMENTS_*`; times in seconds. Whether the fake provider is taken (None: not in production), how
    late its late webhooks are, how long another one may take to answer.
    """

    fake: bool | None = None
    fake_delay: float = Field(default=3, ge=0, le=3600)
    timeout: float = Field(default=8, gt=0, le=9)


class StripeSettings(BaseModel):
    """Stripe: `STRIPE_*`. Taken where both secrets are set; the base URL is another one than Stripe's own for tests."""

    secret_key: SecretStr | None = None
    webhook_secret: SecretStr | None = None
    base_url: str = ""

    @field_validator("secret_key", "webhook_secret")
    @classmethod
    def _says_something(cls, secret: SecretStr | None) -> SecretStr | None:
        return secret if secret is not None and secret.get_secret_value() else None

    @field_validator("base_url")
    @classmethod
    def _names_a_place(cls, url: str) -> str:
        if url and not url.startswith(("https://", "http://")):
            raise ValueError("must look like https://api.stripe.com")
        return url.rstrip("/")


class OrderSettings(BaseModel):
    """Orders: `ORDERS_*`. Minutes that one may stay unpaid, and whether prices contain the tax."""

    unpaid_minutes: int = Field(default=30, ge=1, le=10_080)
    prices_include_tax: bool = False


class RefundSettings(BaseModel):
    """Refunds: `REFUNDS_*`. Whoever gives back more than this, in the shop's currency, proves anew who they are."""

    fresh_above: Decimal = Field(default=Decimal(100), ge=0)


class ReturnSettings(BaseModel):
    """Returns: `RETURNS_*`. Days after delivery within which goods may be sent back."""

    days: int = Field(default=14, ge=0, le=3650)


class WorkerSettings(BaseModel):
    """The worker: `WORKER_*`. Events at once, seconds that one stays locked, tries before it is a dead letter.

    Worker and scheduler serve their metrics at this host and port, where one is set.
    """

    concurrency: int = Field(default=10, ge=1, le=100)
    lease: float = Field(default=15, gt=0)
    attempts: int = Field(default=15, ge=1)
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = Field(default=None, ge=1, le=65_535)

    _may_be_empty = field_validator("metrics_port", mode="before")(unset_if_empty)


class LogSettings(BaseModel):
    """Logs: `LOG_*`. Requests and statements that take longer than so many seconds have a line of their own."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["json", "text"] = "json"
    slow_request: float = Field(default=1, gt=0)
    slow_statement: float = Field(default=0.2, gt=0)


class CorsSettings(BaseModel):
    """Browsers' origins that may call with credentials: `CORS_ORIGINS`, comma-separated."""

    origins: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("origins", mode="before")
    @classmethod
    def _splits_commas(cls, origins: object) -> object:
        return tuple(one.rstrip("/") for one in _split(origins)) if isinstance(origins, str) else origins

    @field_validator("origins")
    @classmethod
    def _names_exact_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not _EXACT_ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is not an exact origin such as https://shop.example.com")
        return origins


class AllowedSettings(BaseModel):
    """Names under which the API is served: `ALLOWED_HOSTS`, comma-separated; `*.example.com` is every name below."""

    hosts: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("hosts", mode="before")
    @classmethod
    def _splits_commas(cls, hosts: object) -> object:
        return tuple(one.lower() for one in _split(hosts)) if isinstance(hosts, str) else hosts

    @field_validator("hosts")
    @classmethod
    def _names_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not _HOST.fullmatch(host):
                raise ValueError(
                    f"{host!r} is no host without a port, such as shop.example.com or *.example.com"
                )
        return hosts


def _segments(url: str) -> list[str]:
    """The bucket, and the prefix part by part."""
    return unquote(url).removeprefix("s3://").rstrip("/").split("/")


def _split(text: str, separator: str = ",") -> list[str]:
    return [one.strip() for one in text.split(separator) if one.strip()]
