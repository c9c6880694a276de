import asyncio
import time
from contextlib import suppress

import httpx
from fastapi import FastAPI
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_fastapi_instrumentator import Instrumentator
from prometheus_fastapi_instrumentator import metrics as instrumentator
from starlette.requests import Request
from starlette.responses import Response

from app.core.metrics import RequestMeters
from devstack import Servers
from devstack.process import wait_until
from tests.conftest import client_of, running_app, settings_for
from tests.gunicorn import Metrics, StartGunicorn, parse


async def test_requests_are_counted_by_route_template(live_client: httpx.AsyncClient) -> None:
    labels = (("handler", "/problems/{code}"), ("method", "GET"), ("status", "4xx"))
    before = parse((await live_client.get("/metrics")).text)
    await live_client.get("/problems/one-code")
    await live_client.get("/problems/another-code")
    answer = await live_client.get("/metrics")
    after = parse(answer.text)
    assert _difference(before, after, "http_requests_total", labels) == 2
    assert _difference(before, after, "http_request_duration_seconds_count", labels[:2]) == 2
    assert "one-code" not in answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["cache-control"] == "no-store"


async def test_sizes_are_those_that_were_announced(live_client: httpx.AsyncClient) -> None:
    labels = (("handler", "/api/v1/auth/login"),)
    before = parse((await live_client.get("/metrics")).text)
    answer = await live_client.post("/api/v1/auth/login", content=b"x" * 77)
    after = parse((await live_client.get("/metrics")).text)
    assert _difference(before, after, "http_request_size_bytes_sum", labels) == 77
    assert _difference(before, after, "http_response_size_bytes_sum", labels) == len(answer.content)


async def test_paths_that_nobody_serves_share_one_series(live_client: httpx.AsyncClient) -> None:
    await live_client.get("/guess/1")
    text = (await live_client.get("/metrics")).text
    assert "guess" not in text
    assert 'handler="none"' in text


async def test_probes_and_scrapes_are_not_counted(live_client: httpx.AsyncClient) -> None:
    for path in ("/health", "/health/live", "/health/ready", "/metrics"):
        await live_client.get(path)
    metrics = parse((await live_client.get("/metrics")).text)
    handlers = {dict(labels).get("handler", "") for _, labels in metrics}
    assert handlers.isdisjoint({"/health", "/health/live", "/health/ready", "/metrics"})
    assert metrics["http_requests_inprogress", ()] == 0


async def test_series_of_requests_are_those_of_prometheus_fastapi_instrumentator(
    live_client: httpx.AsyncClient,
) -> None:
    theirs = CollectorRegistry()
    application = FastAPI()
    Instrumentator(registry=theirs).instrument(application).expose(application)
    application.get("/version")(lambda: "1.0")
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as plain:
        for path in ("/version", "/nowhere"):
            await plain.get(path)
            await live_client.get(path)
        wanted = _http_series((await plain.get("/metrics")).text)
        found = _http_series((await live_client.get("/metrics")).text)
    assert len(wanted) > 30
    assert wanted <= found


def test_requests_are_measured_as_by_the_closure_of_the_library() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    meters = RequestMeters(ours)
    closure = instrumentator.default(registry=theirs)
    assert closure is not None
    for status, seconds, received, sent in ((200, 0.003, 0, 512), (201, 0.7, 40, 9), (503, 80.0, 7, 0)):
        meters.of("POST", "/api/v1/books", status).observe(seconds, received, sent)
        closure(
            instrumentator.Info(
                Request({"type": "http", "headers": [(b"content-length", b"%d" % received)]}),
                Response(headers={"content-length": str(sent)}),
                "POST",
                "/api/v1/books",
                f"{status // 100}xx",
                seconds,
            )
        )
    assert _without_times(generate_latest(ours)) == _without_times(generate_latest(theirs))


async def test_metrics_can_be_switched_off(servers: Servers, empty_database_url: str) -> None:
    settings = settings_for(servers, empty_database_url, enable_metrics=False)
    before = REGISTRY.get_sample_value("http_request_duration_highr_seconds_count")
    async with running_app(settings) as application, client_of(application) as http:
        assert (await http.get("/version")).status_code == 200
        answer = await http.get("/metrics")
        assert (answer.status_code, answer.json()["code"]) == (404, "no-such-route")
    assert REGISTRY.get_sample_value("http_request_duration_highr_seconds_count") == before


_READING = ("bookstore_db_pool_in_use", (("pool", "read"),))


async def test_pools_cache_and_build_are_shown(live_client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(30):
        # What has just started reads for a moment on its own account.
        while (metrics := parse((await live_client.get("/metrics")).text))[_READING]:
            await asyncio.sleep(0.05)
    assert metrics["bookstore_db_pool_size", (("pool", "write"),)] == 5
    assert metrics["bookstore_cache_bus_connected", ()] == 1
    assert {labels for name, labels in metrics if name == "bookstore_cache_reads_total"} == {
        (("tier", tier),) for tier in ("local", "shared", "database", "bypass")
    }
    assert sum(value for (name, _), value in metrics.items() if name == "bookstore_build_info") == 1


async def test_cache_reads_are_counted_once_however_often_they_are_looked_at(
    live_client: httpx.AsyncClient,
) -> None:
    before = parse((await live_client.get("/metrics")).text)
    for _ in range(3):
        await live_client.get("/api/v1/books")
    await live_client.get("/metrics")
    after = parse((await live_client.get("/metrics")).text)
    tiers = ("local", "shared", "database", "bypass")
    reads = [_difference(before, after, "bookstore_cache_reads_total", (("tier", tier),)) for tier in tiers]
    assert sum(reads) == 3


def test_any_worker_tells_the_numbers_of_all(start_gunicorn: StartGunicorn) -> None:
    server = start_gunicorn()
    assert wait_until(lambda: server.said.count('"event":"started"') == 2, timeout=10)
    for _ in range(30):
        server.http.get("/version")
    # Long enough for every worker to publish, whichever answers: the first scrape must be right.
    time.sleep(2.5)
    scrapes = [server.metrics() for _ in range(8)]
    for metrics in scrapes:
        assert metrics["http_requests_total", _labels("/version")] == 30
        assert metrics["bookstore_db_pool_size", (("pool", "read"),)] == 16
        assert metrics["http_requests_inprogress", ()] == 0
        assert _sum(metrics, "bookstore_workers") == 2
        assert _sum(metrics, "bookstore_cache_bus_connected") == 2
        assert _sum(metrics, "bookstore_build_info") == 1
    assert len(list(server.metrics_folder.glob("counter_*.db"))) == 2


def test_recycled_workers_keep_the_counts_and_leave_no_files(start_gunicorn: StartGunicorn) -> None:
    server = start_gunicorn("--max-requests", "50", "--max-requests-jitter", "5")
    answered = lost = 0
    while server.said.count("Booting worker") < 5:
        # A worker that leaves may hang up on a connection whose request it has not read.
        lost += 1
        with suppress(httpx.TransportError):
            assert server.http.get("/version").status_code == 200
            answered, lost = answered + 1, lost - 1
    for _ in range(10):
        # Few questions, since each brings the next replacement nearer.
        time.sleep(1)
        if _sum(server.metrics(), "bookstore_workers") == 2:
            break
    assert _sum(server.metrics(), "bookstore_workers") == 2
    counted = server.metrics()["http_requests_total", _labels("/version")]
    assert answered <= counted <= answered + lost
    assert len(list(server.metrics_folder.glob("counter_*.db"))) == 2


def _labels(handler: str) -> tuple[tuple[str, str], ...]:
    return (("handler", handler), ("method", "GET"), ("status", "2xx"))


def _http_series(text: str) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Those that dashboards read; `/metrics` itself is only counted there."""
    return {
        (name, labels)
        for name, labels in parse(text)
        if name.startswith("http_")
        and not name.endswith("_created")
        and ("handler", "/metrics") not in labels
    }


def _without_times(text: bytes) -> list[bytes]:
    """All but the moments at which series began."""
    return [line for line in text.splitlines() if b"_created" not in line]


def _sum(metrics: Metrics, wanted: str) -> float:
    return sum(value for (name, _), value in metrics.items() if name == wanted)


def _difference(before: Metrics, after: Metrics, name: str, labels: tuple[tuple[str, str], ...]) -> float:
    return after[name, labels] - before.get((name, labels), 0)
