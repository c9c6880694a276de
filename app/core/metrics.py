"""What Prometheus sees: requests as prometheus-fastapi-instrumentator counts them, pools, cache, events, build.

Of that library come the metrics and the endpoint, so that its published dashboards fit, but not its middleware, which
matches every route a second time (ADR 4): whoever answered knows the route already.
"""

import platform
from dataclasses import dataclass
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, Summary
from prometheus_fastapi_instrumentator import metrics as instrumentator
from sqlalchemy.ext.asyncio import AsyncSession

_COUNTED = "counted"

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
    "Seconds for which an event could have been started and was not.",
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
BACKUP_AGE = Gauge(
    "bookstore_backup_age_seconds",
    "Seconds since the moment that the last backup of the kind shows; NaN before the first, and while PostgreSQL is away.",
    ["kind"],
    multiprocess_mode="livemostrecent",
)
BACKUP_INTERVAL = Gauge(
    "bookstore_backup_interval_seconds",
    "Seconds between two backups of the kind as this process knows it; 0 where none are made.",
    ["kind"],
    multiprocess_mode="livemostrecent",
)
BREACH_LOOKUPS = Counter(
    "bookstore_password_breach_lookups_total",
    "Look-ups of leaked passwords by what came of them.",
    ["outcome"],
)
REFUSALS = Counter(
    "bookstore_refusals_total",
    "Answers with a problem, by route template and the problem's code.",
    ["handler", "code"],
)
ORDERS = Counter(
    "bookstore_orders_total",
    "Orders by the status that they came to, and by where they were made.",
    ["status", "channel"],
)
REVENUE = Counter("bookstore_revenue_total", "Money of orders that were paid in full.", ["currency"])
STOCK_CONFLICTS = Counter(
    "bookstore_stock_conflicts_total", "Times that more of an item was wanted than was there."
)
LOGINS = Counter(
    "bookstore_logins_total",
    "Sessions that were opened (ok) and passwords that were wrong (failed).",
    ["outcome"],
)
LOCKOUTS = Counter("bookstore_lockouts_total", "Accounts that too many wrong passwords locked for a client.")
LOOP_LAG = Histogram(
    "bookstore_event_loop_lag_seconds",
    "How much later than asked the event loop woke a task, once a second.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0),
)
EVENT_ATTEMPTS = Counter(
    "bookstore_event_attempts_total",
    "Attempts of the worker at events: done, postponed (to be tried again), dead (given up), overtaken.",
    ["type", "outcome"],
)
EVENT_DURATION = Histogram(
    "bookstore_event_duration_seconds",
    "Time of an attempt at an event.",
    ["type"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0),
)
WEBHOOK_TRIES = Counter(
    "bookstore_webhook_tries_total",
    "Tries at sending webhooks: delivered, failed (to be tried again), dead (given up).",
    ["outcome"],
)
WEBHOOK_ENDPOINTS_DISABLED = Counter(
    "bookstore_webhook_endpoints_disabled_total",
    "Webhooks that the shop stopped sending to: gone (410) or after too many failures.",
    ["reason"],
)
WEBHOOK_TRY_DURATION = Histogram(
    "bookstore_webhook_try_duration_seconds",
    "Time of a try at sending a webhook, until its answer or until there was none.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0),
)
WEBHOOK_DEAD_LETTERS = Counter(
    "bookstore_webhook_dead_letters_total",
    "Deliveries that were given up: after ten tries (tries), with their webhook (disabled), untold (withheld).",
    ["reason"],
)
WEBHOOK_PENDING = Gauge(
    "bookstore_webhook_deliveries_pending",
    "Deliveries that are to be tried, now or later; NaN while PostgreSQL is away.",
    multiprocess_mode="livemostrecent",
)
WEBHOOK_BACKLOG_AGE = Gauge(
    "bookstore_webhook_backlog_age_seconds",
    "Seconds for which a webhook that is not held off had something due, and no try at it was under way.",
    multiprocess_mode="livemostrecent",
)
WEBHOOK_BREAKERS_OPEN = Gauge(
    "bookstore_webhook_breakers_open",
    "Webhooks that are held off: they failed too often of late, or asked for a pause.",
    multiprocess_mode="livemostrecent",
)
JOB_RUNS = Counter("bookstore_job_runs_total", "Runs of scheduled jobs: ok or failed.", ["name", "outcome"])
JOB_DURATION = Histogram(
    "bookstore_job_duration_seconds",
    "Time of a run of a scheduled job.",
    ["name"],
    buckets=(0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0),
)
JOB_LAST_SUCCESS = Gauge(
    "bookstore_job_last_success_timestamp_seconds",
    "When a scheduled job last ran without failing.",
    ["name"],
    multiprocess_mode="livemax",
)
JOB_OVERDUE = Gauge(
    "bookstore_job_overdue_seconds",
    "Seconds for which a slot of the job waits that came after the last one that ended well; as last asked.",
    ["name"],
    multiprocess_mode="livemostrecent",
)
SLOTS_OPENED = Counter("bookstore_job_slots_opened_total", "Runs that a scheduler announced.", ["name"])
WORKERS = Gauge("bookstore_workers", "Worker processes.", multiprocess_mode="livesum")
STREAMS_OPEN = Gauge(
    "bookstore_streams_open", "Streams of events and WebSockets that are open.", multiprocess_mode="livesum"
)
STREAMS_DEGRADED = Gauge(
    "bookstore_streams_degraded",
    "Workers whose streams look for events instead of being told, as Redis is away.",
    multiprocess_mode="livesum",
)
STREAMS_ENDED = Counter("bookstore_streams_ended_total", "Streams that ended, by the reason.", ["reason"])
BUILD_INFO = Gauge("bookstore_build_info", "Always 1.", ["version", "python"], multiprocess_mode="livemax")


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


def count_at_commit(session: AsyncSession, counter: Counter, amount: float = 1) -> None:
    """Count what this transaction does, if it commits."""
    session.info.setdefault(_COUNTED, []).append((counter, amount))


def count_committed(session: AsyncSession) -> None:
    """Count what the transaction, which has just committed, did."""
    for counter, amount in session.info.pop(_COUNTED, ()):
        counter.inc(amount)


def publish_build_info(version: str) -> None:
    """Say which version runs on which Python."""
    BUILD_INFO.labels(version, platform.python_version()).set(1)
