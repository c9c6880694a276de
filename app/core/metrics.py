"""What Prometheus sees: requests as prometheus-fastapi-instrumentator counts them, pools, cache, events, build.

Of that library come the metrics and the endpoint, so that its published dashboards fit, but not its middleware, which
matches every route a second time (ADR 4): whoever answered knows the route already.
"""

import platform
from dataclasses import dataclass
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, Summary
from prometheus_fastapi_instrumentator import metrics as instrumentator

IN_PROGRESS = Gauge(
    "http_requests_inprogress", "Number of HTTP requests in progress.", multiprocess_mode="livesum"
)
CACHE_READS = Counter("bookstore_cache_reads_total", "Hot reads by the tier that answered.", ["tier"])
CACHE_CONNECTED = Gauge(
    "bookstore_cache_bus_connected", "Workers that hear invalidations.", multiprocess_mode="livesum"
)
POOL_SIZE = Gauge(
    "bookstore_db_pool_size", "Connections a pool may open.", ["pool"], multiprocess_mode="livesum"
)
POOL_IN_USE = Gauge(
    "bookstore_db_pool_in_use", "Connections lent out.", ["pool"], multiprocess_mode="livesum"
)
OUTBOX_PENDING = Gauge(
    "bookstore_outbox_pending",
    "Events that are not done; NaN while PostgreSQL is away.",
    multiprocess_mode="livemostrecent",
)
OUTBOX_AGE = Gauge(
    "bookstore_outbox_age_seconds",
    "Seconds since the oldest event that is not done was written.",
    multiprocess_mode="livemostrecent",
)
DEAD_LETTERS = Gauge(
    "bookstore_dead_letters", "Events that were given up.", multiprocess_mode="livemostrecent"
)
QUEUE_DEPTH = Gauge(
    "bookstore_queue_depth",
    "Events in the stream between relay and workers; NaN while Redis is away.",
    multiprocess_mode="livemostrecent",
)
STOCK_MISMATCHES = Gauge(
    "bookstore_stock_mismatches",
    "Items whose stock the ledger did not explain when all were last compared; NaN before that.",
    multiprocess_mode="livemostrecent",
)
BREACH_LOOKUPS = Counter(
    "bookstore_password_breach_lookups_total",
    "Look-ups of leaked passwords by what came of them.",
    ["outcome"],
)
WORKERS = Gauge("bookstore_workers", "Worker processes.", multiprocess_mode="livesum")
BUILD_INFO = Gauge("bookstore_build_info", "Always 1.", ["version", "python"], multiprocess_mode="livemax")

UNMATCHED = "none"
"""The handler of paths that nobody serves, as the library calls it."""


class _Made(CollectorRegistry):
    """Passes on what is registered, and keeps it by its name."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._registry = registry
        self._by_name: dict[str, Any] = {}

    def register(self, collector: Any) -> None:
        self._registry.register(collector)
        (family,) = collector.describe()
        self._by_name[family.name] = collector

    def __getitem__(self, name: str) -> Any:
        return self._by_name[name]


@dataclass(frozen=True, slots=True)
class RequestMeter:
    """The metrics of requests of one method and route with one class of status."""

    total: Counter
    duration: Histogram
    high_resolution: Histogram
    request_size: Summary
    response_size: Summary

    def observe(self, seconds: float, received: int, sent: int) -> None:
        """Count an answered request, whose bodies were announced with so many bytes; 0 where not."""
        self.total.inc()
        self.request_size.observe(received)
        self.response_size.observe(sent)
        self.high_resolution.observe(seconds)
        self.duration.observe(seconds)


class RequestMeters:
    """The library's metrics of requests. Their children are looked up once: `labels()` costs more than a count."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._made = _Made(registry)
        instrumentator.default(registry=self._made)
        self._meters: dict[tuple[str, str, int], RequestMeter] = {}

    def of(self, method: str, handler: str, status: int) -> RequestMeter:
        """The meter for answers of this kind; statuses count by class, as in the library."""
        meter = self._meters.get((method, handler, status))
        if meter is None:
            group = f"{status // 100}xx"
            meter = RequestMeter(
                self._made["http_requests"].labels(method, group, handler),
                self._made["http_request_duration_seconds"].labels(method, handler),
                self._made["http_request_duration_highr_seconds"],
                self._made["http_request_size_bytes"].labels(handler),
                self._made["http_response_size_bytes"].labels(handler),
            )
            self._meters[method, handler, status] = meter
        return meter


REQUESTS = RequestMeters(REGISTRY)


def publish_build_info(version: str) -> None:
    """Say which version runs on which Python."""
    BUILD_INFO.labels(version, platform.python_version()).set(1)
