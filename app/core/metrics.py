"""What Prometheus sees: request rate, errors, latency, in-flight, pool, cache hits, build info."""

import platform

from prometheus_client import Counter, Gauge, Histogram

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = Counter(
    "http_requests_total", "Requests by route template and status.", ["method", "route", "status"]
)
DURATION = Histogram(
    "http_request_duration_seconds", "Time to the end of the answer.", ["method", "route"], buckets=_BUCKETS
)
IN_FLIGHT = Gauge("http_requests_in_flight", "Requests being answered.", multiprocess_mode="livesum")
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

UNMATCHED = "(unmatched)"


class RouteMeters:
    """Counters per route, looked up once: `labels()` costs more than the count itself."""

    def __init__(self) -> None:
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._histograms: dict[tuple[str, str], Histogram] = {}

    def observe(self, method: str, template: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        counter = self._counters.get((method, template, status))
        if counter is None:
            counter = REQUESTS.labels(method, template, str(status))
            self._counters[method, template, status] = counter
        histogram = self._histograms.get((method, template))
        if histogram is None:
            histogram = DURATION.labels(method, template)
            self._histograms[method, template] = histogram
        counter.inc()
        histogram.observe(seconds)


def publish_build_info(version: str) -> None:
    """Say which version runs on which Python."""
    BUILD_INFO.labels(version, platform.python_version()).set(1)
