"""Statements that take long have a line in the log: a hash that names them, their plan's hash, never a parameter."""

import asyncio
import hashlib
import re
from time import monotonic
from typing import Any

import orjson
import structlog
from sqlalchemy import event

from app.core.db.engine import Database

PLAN_EVERY = 600.0
"""Seconds in which the plan of a statement is asked for once at most."""

_LITERAL = re.compile(r"'(?:[^']|'')*'|(?<![\w$])\d+(?:\.\d+)?\b")
_SPACE = re.compile(r"\s+")
_EXPLAINED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
_SHAPE = ("Node Type", "Join Type", "Relation Name", "Index Name", "Strategy", "Plans", "Plan")
_log = structlog.get_logger(__name__)


def statement_hash(statement: str) -> str:
    """The same for statements that differ in literals and white space alone."""
    return _hash(_SPACE.sub(" ", _LITERAL.sub("?", statement)).strip())


def plan_hash(plan: Any) -> str:
    """The same for plans of one shape, whatever they are thought to cost."""
    return _hash(orjson.dumps(_shape(plan)).decode())


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def _shape(plan: Any) -> Any:
    if isinstance(plan, list):
        return [_shape(one) for one in plan]
    if isinstance(plan, dict):
        return {name: _shape(plan[name]) for name in _SHAPE if name in plan}
    return plan


class SlowStatements:
    """Watches the statements of a process; those of SQLAlchemy, and those that the driver runs itself."""

    def __init__(self, database: Database, after: float) -> None:
        self._database = database
        self._after = after
        self._asked: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        for engine in database.engines().values():
            event.listen(engine.sync_engine, "before_cursor_execute", _note_start)
            event.listen(engine.sync_engine, "after_cursor_execute", self._note_end)
            event.listen(engine.sync_engine, "connect", self._watch_driver)

    def _note_end(
        self, _connection: Any, _cursor: Any, statement: str, _given: Any, context: Any, _many: bool
    ) -> None:
        self._judge(statement, monotonic() - context.started_at)

    def _watch_driver(self, dbapi_connection: Any, _record: object) -> None:
        dbapi_connection.driver_connection.add_query_logger(
            lambda query: self._judge(query.query, query.elapsed)
        )

    def _judge(self, statement: str, seconds: float) -> None:
        if seconds <= self._after:
            return
        name = statement_hash(statement)
        _log.warning("slow_statement", statement=name, duration_ms=round(seconds * 1000, 2))
        now = monotonic()
        if (
            statement.lstrip().upper().startswith(_EXPLAINED)
            and now - self._asked.get(name, -PLAN_EVERY) >= PLAN_EVERY
        ):
            self._asked[name] = now
            task = asyncio.get_running_loop().create_task(self._explain(name, statement))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _explain(self, name: str, statement: str) -> None:
        """Ask for the plan that does not depend on parameters, which therefore need not be known."""
        try:
            # A connection of its own: that of the statement has its next one to run meanwhile.
            async with self._database.read_engine.connect() as connection:
                raw: Any = (await connection.get_raw_connection()).driver_connection
                prepared = await raw.prepare(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {statement}")
                plan = await prepared.fetchval(*[None for _ in prepared.get_parameters()])
        except Exception as fault:  # noqa: BLE001 (a plan that cannot be had is no fault of the request's)
            _log.warning("slow_statement_unexplained", statement=name, error=fault)
            return
        told = orjson.loads(plan) if isinstance(plan, str) else plan
        _log.warning("slow_statement_plan", statement=name, plan=plan_hash(told))


def _note_start(
    _connection: Any, _cursor: Any, _statement: str, _given: Any, context: Any, _many: bool
) -> None:
    context.started_at = monotonic()
