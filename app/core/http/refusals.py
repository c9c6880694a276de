"""Refusals that the audit log keeps: what a known caller was denied, and which limit was exceeded.

They are written in a transaction of their own, after the request's has ended, since a refusal rolls that
back. Strangers must neither fill the log, which is kept for ever, nor hold up its chain: a minute brings one
entry for each thing that is refused to somebody, few for one account, and few for all strangers together.
The request log and the metrics count every one.
"""

import asyncio
from collections import OrderedDict
from http import HTTPStatus
from typing import NamedTuple

import structlog
from fastapi import Request

from app.core.audit import record_audit
from app.core.cache.hot import HotCache
from app.core.clock import utc_now
from app.core.db.engine import Database
from app.core.db.faults import Fault
from app.core.db.transaction import transaction
from app.core.errors import AppError
from app.core.rate_limit import client_address

WINDOW = 60
"""Seconds in which the same refusal is kept once."""
MOST_OF_ONE = 20
MOST_OF_STRANGERS = 30
_MOST_CALLERS = 10_000
_PATIENCE = 2
"""Seconds that an answer waits for its entry at most."""
_DENIED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_log = structlog.get_logger(__name__)


class _Refusal(NamedTuple):
    action: str
    operation: str
    why: str


class RefusalLog:
    """What this worker has kept within the last minute, by account; strangers are one."""

    def __init__(self, database: Database, cache: HotCache) -> None:
        self._database = database
        self._cache = cache
        self._kept: OrderedDict[int | None, tuple[float, set[object]]] = OrderedDict()

    async def note(self, request: Request, error: AppError) -> None:
        """Keep the refusal in the audit log if it is one to keep; the answer goes out whatever becomes of it."""
        user_id = request.scope["state"].get("user_id")
        refusal = _refusal(request, error, is_known=user_id is not None)
        if refusal is None or not self._is_new(user_id, (refusal, client_address(request))):
            return
        changes: dict[str, tuple[object, object]] = {"why": (None, refusal.why)}
        try:
            async with (
                asyncio.timeout(_PATIENCE),
                transaction(self._database, self._cache) as session,
            ):
                record_audit(session, refusal.action, ("operation", refusal.operation), changes)
        except Exception as fault:
            if not isinstance(fault, TimeoutError) and not Fault.of(fault).is_passing:
                raise
            _log.warning("refusal_not_audited", error=fault)

    def _is_new(self, user_id: int | None, what: object) -> bool:
        now = utc_now().timestamp()
        ends_at, seen = self._kept.get(user_id, (0.0, set()))
        if ends_at <= now:
            ends_at, seen = now + WINDOW, set()
            self._kept[user_id] = ends_at, seen
            self._kept.move_to_end(user_id)
            if len(self._kept) > _MOST_CALLERS:
                self._kept.popitem(last=False)
        most = MOST_OF_STRANGERS if user_id is None else MOST_OF_ONE
        if what in seen or len(seen) >= most:
            return False
        seen.add(what)
        return True


def _refusal(request: Request, error: AppError, *, is_known: bool) -> _Refusal | None:
    operation = f"{request.method} {getattr(request.scope.get('route'), 'path', '')}"
    if error.status == HTTPStatus.TOO_MANY_REQUESTS:
        zone = error.headers.get("ratelimit-policy", "").partition(";")[0].strip('"')
        return _Refusal("limit.exceeded", operation, zone or error.code)
    # Those that keep their writes have left an entry of their own, such as a wrong password.
    if is_known and error.status in _DENIED and not error.keep_writes:
        return _Refusal("access.refused", operation, error.code)
    return None
