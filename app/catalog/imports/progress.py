"""What is written of a job's progress: results of rows, counts, working time."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Any

import orjson

from app.catalog.formats.record import RowProblem
from app.catalog.imports.apply.outcome import Outcome
from app.catalog.models import ImportJob, RowStatus

_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""Of JSON, the escape; a backslash of the text before `u0000` is doubled."""
_JSON = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_DATACLASS


class Stopwatch:
    """Seconds since the last look."""

    def __init__(self) -> None:
        self._started = monotonic()

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = monotonic()
        seconds, self._started = now - self._started, now
        return seconds


def row_values(job_id: int, outcomes: Iterable[Outcome], *, is_real: bool) -> list[tuple[Any, ...]]:
    """The outcomes as rows to be copied; ids and versions of a dry run are of books that do not exist."""
    return [
        (
            *(job_id, one.number, one.status.value, one.isbn13),
            *((one.item_id, one.version, _json(one.changes), _json(one.before)) if is_real else _seen(one)),
            *(_json([_told(error) for error in one.errors]) if one.errors else None, _json(one.raw)),
        )
        for one in outcomes
    ]


def advanced(outcomes: Sequence[Outcome], last: int, position: int, seconds: float) -> dict[str, Any]:
    """The job's columns after these outcomes."""
    counted = Counter(one.status for one in outcomes)
    values: dict[str, Any] = {
        "rows_done": last,
        "bytes_done": position,
        "working_seconds": ImportJob.working_seconds + seconds,
    }
    for status in RowStatus:
        if counted[status]:
            values[status.value] = getattr(ImportJob, status.value) + counted[status]
    return values


def _seen(one: Outcome) -> tuple[Any, ...]:
    item_id = None if one.status is RowStatus.CREATED else one.item_id
    return item_id, None, _json(one.changes), None


def _told(problem: RowProblem) -> dict[str, str]:
    return {"field": problem.field, "message": problem.message, "type": problem.type}


def _json(value: Any) -> str | None:
    """JSON as PostgreSQL takes it, which holds no NUL."""
    if value is None:
        return None
    text = orjson.dumps(value, option=_JSON).decode()
    return _NUL.sub("\\1\ufffd", text) if "\\u0000" in text else text
