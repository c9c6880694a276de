"""The settings of who is told of faults and times: Sentry, OpenTelemetry."""

from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator

from app.core.settings.unset import unset_if_empty


class SentrySettings(BaseModel):
    """Sentry: `SENTRY_*`. Off without a DSN; the part of requests that is timed, None: a tenth in production, else none."""

    dsn: SecretStr | None = None
    traces_sample_rate: float | None = Field(default=None, ge=0, le=1)

    _may_be_empty = field_validator("traces_sample_rate", mode="before")(unset_if_empty)

    @field_validator("dsn")
    @classmethod
    def _names_a_place(cls, dsn: SecretStr | None) -> SecretStr | None:
        if dsn is None or not dsn.get_secret_value():
            return None
        parts = urlsplit(dsn.get_secret_value())
        if parts.scheme not in {"http", "https"} or not parts.username or not parts.path.strip("/").isdigit():
            raise ValueError("must look like https://key@sentry.example.com/42")
        return dsn


class OtelSettings(BaseModel):
    """OpenTelemetry: `OTEL_*`. Traces are sent below this address, to `/v1/traces`; off without one."""

    exporter_otlp_endpoint: str = ""
    service_name: str = "bookstore"

    @field_validator("exporter_otlp_endpoint")
    @classmethod
    def _names_a_place(cls, url: str) -> str:
        if url and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname):
            raise ValueError("must look like http://collector:4318")
        return url
