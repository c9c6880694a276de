"""Structured logs: JSON lines for machines, readable text in development, secrets never."""

import inspect
import logging
import sys
import threading
import warnings
from collections.abc import Iterable, MutableMapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, TextIO

import orjson
import structlog

from app.core.redaction import (
    REDACTED,
    fault_line,
    fault_text,
    is_secret,
    redacted,
    redacted_text,
    remember_secrets,
)
from app.core.settings.groups import LogSettings

request_id_var: ContextVar[str] = ContextVar("request_id", default="")

_KNOWN_WRITERS = ("uvicorn", "gunicorn", "alembic", "process")
"""Whose lines name addresses, signals and migrations; what any other library puts into a line is hidden."""
_NUMBERS = (int, float)
_SHORTEST_MESSAGE = 3
_log = logging.getLogger("process")


def configure_logging(
    settings: LogSettings, secrets: Iterable[str] = (), stream: TextIO | None = None
) -> None:
    """Send our logs and those of the libraries through one formatter to the stream, else to standard output.

    The secrets are hidden wherever they stand.
    """
    remember_secrets(secrets)
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _add_request_id,
        _tell_fault,
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
    handler = _Handler(stream)
    handler.setFormatter(_formatter(settings, shared))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.level)
    for name in ("uvicorn", "uvicorn.error", "gunicorn.error"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    # One line per request is ours, with the route template.
    logging.getLogger("uvicorn.access").disabled = True


def guard_process() -> None:
    """Let whatever else Python prints by itself pass through the log: faults that nobody caught, and warnings."""
    sys.excepthook = _on_fault
    sys.unraisablehook = lambda told: _log.error("unraisable", exc_info=told.exc_value)
    threading.excepthook = lambda told: _log.error("thread_failed", exc_info=told.exc_value)
    warnings.showwarning = _on_warning


def write_json_line(event: dict[str, Any]) -> None:
    """One ready event as a JSON line, for the request log: a tenth of the cost of the full pipeline."""
    sys.stdout.write(orjson.dumps(event).decode() + "\n")


class _Handler(logging.Handler):
    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 (whatever an argument's own code does)
            # The library's own way prints the line and its arguments, which nobody has cleaned.
            line = f'{{"event":"log_line_lost","logger":"{record.name}","level":"error"}}'
        stream = self._stream or sys.stdout
        stream.write(f"{line}\n")
        stream.flush()


class _Formatter(structlog.stdlib.ProcessorFormatter):
    def format(self, record: logging.LogRecord) -> str:
        """Format a line, of a library with its own arguments cleaned before they become text."""
        if isinstance(record.msg, str):
            record = logging.makeLogRecord(record.__dict__ | {"msg": _message(record), "args": ()})
        return super().format(record)


def _message(record: logging.LogRecord) -> str:
    is_known = record.name.partition(".")[0] in _KNOWN_WRITERS
    text = record.msg
    if record.name == "asyncio":
        # What it adds below the first line are representations of tasks and of their faults.
        text = text.partition("\n")[0]
    elif not (record.args or is_known or _is_constant(record)):
        text = f"{REDACTED} {record.module}:{record.lineno}"
    if record.args:
        given = record.args if isinstance(record.args, tuple) else (record.args,)
        cleaned = tuple(_argument(one, is_shown=is_known) for one in given)
        try:
            text = record.msg % cleaned
        except (TypeError, ValueError, KeyError):
            text = record.msg
    fault = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    while fault is not None:
        for said in (repr(fault), str(fault)):
            text = text.replace(said, fault_line(fault)) if len(said) >= _SHORTEST_MESSAGE else text
        fault = fault.__cause__ or fault.__context__
    return redacted_text(text)


def _is_constant(record: logging.LogRecord) -> bool:
    """Whether the line stands in the code that writes it, as opposed to one that was put together."""
    frame = inspect.currentframe()
    while frame is not None:
        if (frame.f_code.co_filename, frame.f_lineno) == (record.pathname, record.lineno):
            return record.msg in frame.f_code.co_consts
        frame = frame.f_back
    return False


def _argument(value: object, *, is_shown: bool) -> object:
    if isinstance(value, _NUMBERS) or value is None:
        return value
    if isinstance(value, BaseException):
        return fault_line(value)
    return redacted_text(str(value)) if is_shown else REDACTED


def _formatter(settings: LogSettings, shared: list[structlog.typing.Processor]) -> logging.Formatter:
    finish: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if settings.format == "json":
        finish += [structlog.processors.JSONRenderer(_dumps)]
    else:
        plain = structlog.dev.plain_traceback
        finish += [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=plain)]
    return _Formatter(foreign_pre_chain=shared, processors=finish)


def _dumps(event: object, **_options: object) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _add_request_id(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    request_id = request_id_var.get()
    if request_id:
        event.setdefault("request_id", request_id)
    return event


def _tell_fault(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace `exc_info` by what may be told of it."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    fault = given[1] if isinstance(given, tuple) else given
    if isinstance(fault, BaseException):
        event["exception"] = fault_text(fault)
    return event


def _redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if is_secret(key):
            event[key] = REDACTED
        elif key != "exception" and not key.startswith("_"):
            event[key] = redacted(value)
    return event


def _on_fault(kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:
    if isinstance(fault, KeyboardInterrupt):
        sys.__excepthook__(kind, fault, trace)
    else:
        _log.critical("uncaught", exc_info=fault)


def _on_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Tell where a warning comes from; its text may hold a value."""
    del message, file, line
    _log.warning("python_warning %s %s:%d", category.__name__, filename, lineno)
