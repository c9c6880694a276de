"""Structured logs: JSON lines for machines, readable text in development, secrets never."""

import logging
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

import orjson
import structlog

from app.core.settings.groups import LogSettings

request_id_var: ContextVar[str] = ContextVar("request_id", default="")

SECRET_WORDS = (
    "api_key",
    "authorization",
    "code",
    "cookie",
    "credential",
    "hash",
    "password",
    "secret",
    "token",
)
"""Whatever has one of these in its name stands neither in a log nor in the audit."""
_REDACTED = "[redacted]"


def configure_logging(settings: LogSettings) -> None:
    """Send our logs and those of the libraries through one formatter to standard output."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _add_request_id,
        _redact,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_formatter(settings, shared))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.level)
    for name in ("uvicorn", "uvicorn.error", "gunicorn.error"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    # One line per request is ours, with the route template.
    logging.getLogger("uvicorn.access").disabled = True


def is_secret(name: str) -> bool:
    """Whether the value of this name must not be written down."""
    return any(word in name.lower() for word in SECRET_WORDS)


def write_json_line(event: dict[str, Any]) -> None:
    """One ready event as a JSON line, for the request log: a tenth of the cost of the full pipeline."""
    sys.stdout.write(orjson.dumps(event).decode() + "\n")


def _formatter(
    settings: LogSettings, shared: list[structlog.typing.Processor]
) -> structlog.stdlib.ProcessorFormatter:
    finish: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if settings.format == "json":
        as_line = structlog.processors.JSONRenderer(
            lambda event, **_options: orjson.dumps(event, default=repr).decode()
        )
        finish += [structlog.processors.format_exc_info, as_line]
    else:
        finish += [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=finish)


def _add_request_id(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    request_id = request_id_var.get()
    if request_id:
        event.setdefault("request_id", request_id)
    return event


def _redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in event:
        if is_secret(key):
            event[key] = _REDACTED
    return event
