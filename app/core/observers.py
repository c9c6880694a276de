"""Who is told of faults and times beside the log: Sentry and an OpenTelemetry receiver, where settings name them.

What they need is imported only then, so that a shop that uses neither pays nothing for them.
"""

import asyncio
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from starlette.types import ASGIApp

from app.core.settings.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_reports: list[Callable[[BaseException], None]] = []


class Observers(NamedTuple):
    """What a process has of them."""

    tracer_provider: "TracerProvider | None" = None
    timed: Callable[[ASGIApp], ASGIApp] | None = None
    """The middleware by which Sentry times requests."""
    closing: tuple[Callable[[], object], ...] = ()

    async def aclose(self) -> None:
        """Send what is left, from a thread: each may block for seconds."""
        for close in self.closing:
            await asyncio.to_thread(close)


def report_fault(fault: BaseException) -> None:
    """Tell of a fault that is a bug of ours; nobody hears it where nobody is named."""
    for report in _reports:
        report(fault)


def start_observers(settings: Settings, release: str) -> Observers:
    """Connect those that the settings name."""
    _reports.clear()
    closing: list[Callable[[], object]] = []
    provider = timed = None
    if settings.sentry.dsn is not None:
        sentry = import_module("app.core.sentry")
        sentry.start(settings, release)
        _reports.append(sentry.report)
        closing.append(sentry.close)
        timed = sentry.TimedRequests
    if settings.otel.exporter_otlp_endpoint:
        provider = import_module("app.core.tracing").make_provider(settings, release)
        closing.append(provider.shutdown)
    return Observers(provider, timed, tuple(closing))
