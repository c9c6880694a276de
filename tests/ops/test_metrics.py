import time
from contextlib import suppress

import httpx

from devstack.process import wait_until
from tests.gunicorn import Metrics, StartGunicorn, parse


async def test_requests_are_counted_by_route_template(live_client: httpx.AsyncClient) -> None:
    labels = (("method", "GET"), ("route", "/problems/{code}"), ("status", "404"))
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


async def test_paths_that_nobody_serves_share_one_series(live_client: httpx.AsyncClient) -> None:
    await live_client.get("/guess/1")
    text = (await live_client.get("/metrics")).text
    assert "guess" not in text
    assert 'route="(unmatched)"' in text


async def test_pools_cache_and_build_are_shown(live_client: httpx.AsyncClient) -> None:
    metrics = parse((await live_client.get("/metrics")).text)
    assert metrics["bookstore_db_pool_size", (("pool", "write"),)] == 5
    assert metrics["bookstore_db_pool_in_use", (("pool", "read"),)] == 0
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
        assert metrics["http_requests_total", _labels("/version", 200)] == 30
        assert metrics["bookstore_db_pool_size", (("pool", "read"),)] == 16
        assert metrics["http_requests_in_flight", ()] == 1
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
    counted = server.metrics()["http_requests_total", _labels("/version", 200)]
    assert answered <= counted <= answered + lost
    assert len(list(server.metrics_folder.glob("counter_*.db"))) == 2


def _labels(route: str, status: int) -> tuple[tuple[str, str], ...]:
    return (("method", "GET"), ("route", route), ("status", str(status)))


def _sum(metrics: Metrics, wanted: str) -> float:
    return sum(value for (name, _), value in metrics.items() if name == wanted)


def _difference(before: Metrics, after: Metrics, name: str, labels: tuple[tuple[str, str], ...]) -> float:
    return after[name, labels] - before.get((name, labels), 0)
