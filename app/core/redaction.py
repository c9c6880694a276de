"""What may stand in a log: no value of a secret name, no credentials within texts, no words of a fault but known ones.

The message of an exception may hold anything that its code had at hand: a parameter, a row, a header. So a fault is
told by its class, by facts that are names or numbers (SQLSTATE, constraint, errno), by its frames without their
variables, and by its message only where the class vouches for it or Python itself speaks of types and names.
"""

import errno
import os
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from itertools import islice
from pathlib import PurePath
from typing import Any
from uuid import UUID

from pydantic_core import ValidationError

REDACTED = "[redacted]"
SECRET_WORDS = (
    "api_key",
    "apikey",
    "authorization",
    "code",
    "cookie",
    "credential",
    "dsn",
    "hash",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "pwd",
    "secret",
    "signature",
    "token",
)
"""Whatever has one of these in its name stands neither in a log nor in the audit."""

_PLAIN = (bool, int, float, Decimal, date, time, timedelta, UUID, PurePath, Enum)
_DEEPEST = 8
_MOST_ITEMS = 100
_LONGEST_CHAIN = 20
_LONGEST_TEXT = 8_000
_SHORTEST_KNOWN = 12
"""Characters: shorter ones are words such as the database's name, which would be hidden everywhere."""
_known: tuple[str, ...] = ()

_NAMED = (
    r"((?:authorization|api[_-]?key|credential|passphrase|passw(?:or)?d|pwd|secret|token)[\w-]*"
    r"['\"]?\s*(?:[:=,]|%3d)\s*['\"]?)[^\s'\"&,;)}\]]+"
)
"""`password=…`, `"token": "…"` and the like."""
_IN_TEXTS = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # URLs with credentials, whatever characters these have.
        (r"(://)[^\s'\"<>]*@", rf"\1{REDACTED}@"),
        (r"\b((?:set-)?cookie['\"]?\s*[:=,]\s*).+", rf"\1{REDACTED}"),
        (r"\b(bearer|basic|digest)\s+[\w.~+/=:-]+", rf"\1 {REDACTED}"),
        (r"\beyJ[\w-]{5,}(?:\.[\w-]*){1,4}", REDACTED),
        (r"\bbk_\w{20,}", REDACTED),
        (_NAMED, rf"\1{REDACTED}"),
    )
)
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")
_TRACEBACK = "Traceback (most recent call last)"
_FRAME = re.compile(r'  File "[^"]*", line \d+, in \S+')
_CLASS = re.compile(r"[A-Za-z_][\w.]*(?=: |$)")
_NAME = re.compile(r"[\w.$-]{1,100}")
_ERROR_WORD = re.compile(r"[A-Z]{2,20}\b")

_NAMES_OF_POSTGRESQL = ("schema_name", "table_name", "column_name", "constraint_name", "data_type_name")
_PYTHON_SAYS = re.compile(
    r"""('[\w.]+'\ object|type\ object\ '[\w.]+'|module\ '[\w.]+')\ has\ no\ attribute\ '\w+'
    |name\ '\w+'\ is\ not\ defined
    |cannot\ access\ (local|free)\ variable\ '\w+'\ .*
    |No\ module\ named\ '[\w.]+'
    |cannot\ import\ name\ '\w+'\ from\ '[\w.]+'.*
    |[\w.<>]+\(\)\ (missing|takes|got\ multiple|got\ an\ unexpected)\ [\w\s',*]+(:\ ['\w\s,]+)?
    |'[\w.]+'\ object\ (is\ not\ \w+|does\ not\ support\ [\w\s]+|cannot\ be\ [\w\s]+)
    |unsupported\ operand\ type\(s\)\ for\ \S+:\ '[\w.]+'\ and\ '[\w.]+'
    |'\S+'\ not\ supported\ between\ instances\ of\ '[\w.]+'\ and\ '[\w.]+'
    |(list|tuple|string|deque|pop)\ (assignment\ )?index\ out\ of\ range
    |(division|(float|integer)\ division\ or\ modulo|integer\ modulo)\ by\ zero
    |object\ [\w.]+\ can't\ be\ used\ in\ 'await'\ expression
    |maximum\ recursion\ depth\ exceeded.*""",
    re.VERBOSE,
)
_PYTHONS_OWN = (
    TypeError,
    AttributeError,
    NameError,
    ImportError,
    IndexError,
    ArithmeticError,
    RecursionError,
)


def remember_secrets(values: Iterable[str]) -> None:
    """Hide these wherever they stand in a text, whoever writes it: the last line of defence."""
    global _known  # noqa: PLW0603 (as the logging that it serves, one for the process)
    _known = tuple({value for value in values if len(value) >= _SHORTEST_KNOWN})


def is_secret(name: str) -> bool:
    """Whether the value of this name must not be written down."""
    plain = name.lower().replace("-", "_")
    return any(word in plain for word in SECRET_WORDS)


def redacted(value: object, depth: int = 0) -> Any:
    """The value as it may be written down: secrets within it hidden, objects told by their class."""
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, BaseException):
        return fault_line(value)
    if isinstance(value, Mapping | list | tuple | set | frozenset) and depth < _DEEPEST:
        return _redacted_items(value, depth)
    return f"[{type(value).__name__}]"


def _redacted_items(values: Any, depth: int) -> Any:
    if isinstance(values, Mapping):
        pairs = islice(values.items(), _MOST_ITEMS)
        return {redacted_text(_text(name)): _value_of(_text(name), one, depth) for name, one in pairs}
    # A pair is often a header or a parameter.
    if isinstance(values, list | tuple) and len(values) == 2 and isinstance(values[0], str | bytes):  # noqa: PLR2004 (a pair)
        name = _text(values[0])
        return [redacted_text(name), _value_of(name, values[1], depth)]
    return [redacted(one, depth + 1) for one in islice(values, _MOST_ITEMS)]


def _value_of(name: str, value: object, depth: int) -> Any:
    return REDACTED if is_secret(name) else redacted(value, depth + 1)


def _text(name: object) -> str:
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)


def redacted_text(text: str) -> str:
    """The text without what looks like credentials, and without tracebacks of others' making."""
    if len(text) > _LONGEST_TEXT:
        text = f"{text[:_LONGEST_TEXT]}…"
    if _TRACEBACK in text:
        text = "\n".join(_frames_of(text))
    for secret in _known:
        text = text.replace(secret, REDACTED)
    for pattern, replacement in _IN_TEXTS:
        text = pattern.sub(replacement, text)
    return text


def _frames_of(text: str) -> Iterator[str]:
    """Of a printed traceback, the frames and the classes: whatever else stands there may be a message."""
    first, _, rest = text.partition(_TRACEBACK)
    yield f"{first}{_TRACEBACK}:"
    is_after_frames = False
    for line in rest.splitlines():
        is_indented = line.startswith("  ")
        if match := _FRAME.match(line) or (is_after_frames and not is_indented and _CLASS.match(line)):
            yield match[0]
        is_after_frames = is_indented


def fault_line(fault: BaseException) -> str:
    """The fault in a line: its class and what may be told of it."""
    facts = " ".join(_facts(fault))
    name = type(fault).__qualname__
    return f"{name}: {facts}" if facts else name


def fault_text(fault: BaseException) -> str:
    """The fault as Python would print it, chained and grouped ones too, without messages and variables."""
    return "\n".join(_told(fault, set()))


def _told(fault: BaseException, seen: set[int]) -> Iterator[str]:
    if id(fault) in seen or len(seen) >= _LONGEST_CHAIN:
        return
    seen.add(id(fault))
    earlier = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)
    if earlier is not None:
        yield from _told(earlier, seen)
        yield "which led to:" if fault.__cause__ else "during whose handling came:"
    yield f"{_TRACEBACK}:"
    for frame in traceback.StackSummary.extract(traceback.walk_tb(fault.__traceback__)):
        yield f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
        if frame.line:
            yield f"    {frame.line}"
    yield fault_line(fault)
    if isinstance(fault, BaseExceptionGroup):
        for number, inner in enumerate(fault.exceptions, 1):
            yield f"{number} of {len(fault.exceptions)} in the group:"
            yield from _told(inner, seen)


def _facts(fault: BaseException) -> Iterator[str]:
    slug = getattr(type(fault), "code", None)
    if isinstance(slug, str):
        yield slug
    if getattr(type(fault), "is_log_safe", False):
        yield _ADDRESS.sub("[address]", redacted_text(str(fault)))
    elif isinstance(fault, ValidationError):
        yield ", ".join(sorted({problem["type"] for problem in fault.errors(include_input=False)}))
    elif isinstance(fault, OSError) and fault.errno is not None and fault.errno in errno.errorcode:
        yield f"{errno.errorcode[fault.errno]} ({os.strerror(fault.errno)})"
    elif isinstance(fault, _PYTHONS_OWN) and _PYTHON_SAYS.fullmatch(str(fault)):
        yield str(fault)
    elif type(fault).__module__.startswith("redis.") and (word := _ERROR_WORD.match(str(fault))):
        yield word[0]
    else:
        yield from _postgresqls(fault)


def _postgresqls(fault: BaseException) -> Iterator[str]:
    """What PostgreSQL names besides its message, on the driver's own exception or on the one behind SQLAlchemy's."""
    original = getattr(fault, "orig", None)
    cause = next((one for one in (getattr(original, "__cause__", None), original) if one), fault)
    if cause is not fault:
        yield type(cause).__qualname__
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        yield f"SQLSTATE {state}"
    for attribute in _NAMES_OF_POSTGRESQL:
        name = getattr(cause, attribute, None)
        if isinstance(name, str) and _NAME.fullmatch(name):
            yield f"{attribute.removesuffix('_name')} {name}"
