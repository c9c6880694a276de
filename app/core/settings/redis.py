"""Redis: `REDIS_*`, and how its URLs name one server, a primary that Sentinels watch, or a Cluster."""

from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator

from app.core.settings.unset import unset_if_empty

_LOOKS_LIKE = (
    "must look like redis://user:password@host:6379/0,"
    " redis+sentinel://user:password@host:26379,host:26379/name/0 or redis+cluster://user:password@host:6379,host:6379"
    " (rediss… for TLS)"
)
_ONE_SERVER = frozenset({"redis", "rediss", "unix"})
_KINDS: dict[str, Literal["sentinel", "cluster"]] = {"sentinel": "sentinel", "cluster": "cluster"}
_PORTS = {"sentinel": 26379, "cluster": 6379}


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """What a URL of Redis says, where it names more than one server."""

    kind: Literal["sentinel", "cluster"]
    nodes: tuple[tuple[str, int], ...]
    is_tls: bool
    username: str | None
    password: str | None
    primary: str = ""
    database: int = 0
    sentinel_username: str | None = None
    sentinel_password: str | None = None

    @classmethod
    def parse(cls, url: str) -> Self | None:
        """Read `redis+sentinel://` and `redis+cluster://`; None for one server. Raises ValueError."""
        parts = urlsplit(url)
        scheme, _, kind = parts.scheme.partition("+")
        if not kind and scheme in _ONE_SERVER and "://" in url:
            # Asked for since it may be no number.
            _ = parts.port
            return None
        if scheme not in {"redis", "rediss"} or kind not in _KINDS:
            raise ValueError(_LOOKS_LIKE)
        hosts = parts.netloc.rpartition("@")[2].split(",")
        primary, _, database = parts.path.strip("/").partition("/")
        if kind == "cluster":
            primary, database = "", primary
        if (kind == "sentinel" and not primary) or (kind == "cluster" and int(database or 0)):
            raise ValueError(_LOOKS_LIKE)
        more = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return cls(
            _KINDS[kind],
            tuple(_host_and_port(host, _PORTS[kind]) for host in hosts),
            is_tls=scheme == "rediss",
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            primary=unquote(primary),
            database=int(database or 0),
            sentinel_username=more.get("sentinel_username"),
            sentinel_password=more.get("sentinel_password"),
        )


class RedisSettings(BaseModel):
    """Redis: `REDIS_*`. Times in seconds.

    `url` is for what must not be evicted: the queue, limits, streams. `cache_url` is for the tier of the cache that
    all workers share; None: the same as `url`.
    """

    url: SecretStr = SecretStr("redis://localhost:6379/0")
    cache_url: SecretStr | None = None
    timeout: float = Field(default=1, gt=0)

    _may_be_empty = field_validator("cache_url", mode="before")(unset_if_empty)

    @field_validator("url", "cache_url")
    @classmethod
    def _names_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        try:
            RedisAddress.parse(url.get_secret_value())
        except ValueError:
            raise ValueError(_LOOKS_LIKE) from None
        return url

    @property
    def has_own_cache(self) -> bool:
        """Whether the cache lies in another Redis than what must not be evicted."""
        return self.cache_url is not None and self.cache_url != self.url


def _host_and_port(text: str, default: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError(_LOOKS_LIKE)
    return parts.hostname, parts.port or default
