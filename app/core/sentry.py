"""Reports of faults, and times of requests, to Sentry; imported where SENTRY_DSN is set, and nowhere else.

No integration of the SDK is on: those attach requests, statements and log lines. A report has the fault's class, its
frames without variables, the route and the request's id.
"""

import sentry_sdk
from sentry_sdk.types import Event, Hint
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.http.request_info import route_template
from app.core.logging import request_id_var
from app.core.redaction import fault_line
from app.core.settings.settings import Settings

_CLOSE_WITHIN = 2.0
_KEPT = frozenset(
    {
        "contexts",
        "dist",
        "environment",
        "event_id",
        "exception",
        "level",
        "measurements",
        "platform",
        "release",
        "sdk",
        "spans",
        "start_timestamp",
        "tags",
        "timestamp",
        "transaction",
        "transaction_info",
        "type",
    }
)


def start(settings: Settings, release: str) -> None:
    """Connect this process."""
    dsn = settings.sentry.dsn
    sentry_sdk.init(
        dsn=dsn.get_secret_value() if dsn else None,
        environment=settings.environment.value,
        release=f"bookstore@{release}",
        traces_sample_rate=settings.traces_sample_rate,
        # send_default_pii, which the SDK no longer wants to be named, is false where nothing is said.
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        default_integrations=False,
        auto_enabling_integrations=False,
        server_name="",
        before_send=without_personal_data,
        before_send_transaction=without_personal_data,
    )


def without_personal_data(event: Event, hint: Hint) -> Event | None:
    """What is sent of a report: of the fault's own words only those that may stand in a log, nothing of the request."""
    for name in set(event) - _KEPT:
        del event[name]  # type: ignore[misc]  # a TypedDict, whose keys are known to the SDK alone
    fault = hint.get("exc_info", (None, None, None))[1]
    told = {}
    while isinstance(fault, BaseException):
        told[type(fault).__name__] = fault_line(fault)
        fault = fault.__cause__ or fault.__context__
    for value in (event.get("exception") or {}).get("values", ()):
        value["value"] = told.get(str(value.get("type")), "")
    return event


def report(fault: BaseException) -> None:
    """Send a report of it, from a thread."""
    with sentry_sdk.new_scope() as scope:
        scope.set_tag("request_id", request_id_var.get())
        scope.capture_exception(fault)


def close() -> None:
    """Send what is left."""
    sentry_sdk.get_client().close(timeout=_CLOSE_WITHIN)


class TimedRequests:
    """Times a part of the requests, each under its route's template."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and tell how long it took."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_noting_status(message: Message) -> None:
            if message["type"] == "http.response.start":
                transaction.set_http_status(message["status"])
            await send(message)

        with (
            sentry_sdk.isolation_scope(),
            sentry_sdk.start_transaction(op="http.server", name=scope["method"]) as transaction,
        ):
            try:
                await self._app(scope, receive, send_noting_status)
            finally:
                name = f"{scope['method']} {route_template(scope)}"
                sentry_sdk.get_current_scope().set_transaction_name(name, "route")
