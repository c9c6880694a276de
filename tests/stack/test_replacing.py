"""Nobody notices that processes come and go: a load through Nginx with TLS, meanwhile."""

import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.stack.conftest import StackMaker
from tests.stack.load import Load, Outage, rows_of
from tests.stack.stack import Stack, docker, eventually, running

SERVERS = 3


@pytest.fixture(scope="module")
def busy(make_stack: StackMaker) -> Iterator[Stack]:
    """Three API containers, one Gunicorn worker each, and limits that a load does not meet."""
    stack = make_stack("busy", variables={"NGINX_API_RATE": "10000r/s", "NGINX_API_BURST": "10000"})
    stack.set_in_env(RATE_LIMIT_FACTOR="10000", WEB_CONCURRENCY="1")
    with running(stack, "--scale", f"api={SERVERS}"):
        eventually(lambda: balanced(stack) == SERVERS, within=300, what="three in the balancer")
        yield stack


def balanced(stack: Stack) -> int:
    """How many API processes Nginx spreads over."""
    return stack.execute("nginx", "cat", "/run/balancer/servers.inc").count(":8000 ") // 2


def settle(stack: Stack, servers: int = SERVERS) -> None:
    eventually(lambda: balanced(stack) == servers, within=300, what=f"{servers} in the balancer")


def meanwhile(stack: Stack, act: Callable[[], object]) -> Load:
    load = Load(stack)
    with load.going_on(readers=6, writers=2):
        time.sleep(1)
        act()
        time.sleep(3)
    assert len(load.of("GET")) > 50
    print(Counter((answer.method, answer.status) for answer in load.answers))
    return load


def test_requests_are_spread_over_all(busy: Stack) -> None:
    before = {name: requests_of(name) for name in busy.containers("api")}
    with busy.client() as client:
        for number in range(60):
            assert client.get(f"/nowhere/{number}").status_code == 404
    after = {name: requests_of(name) for name in busy.containers("api")}
    assert all(after[name] - before[name] >= 10 for name in before)


def requests_of(container: str) -> int:
    """Lines that a container logged of requests."""
    return docker("logs", container).count('"event":"request"')


def test_nothing_fails_while_one_is_added_and_removed(busy: Stack) -> None:
    def act() -> None:
        busy.compose("up", "-d", "--no-deps", "--no-recreate", "--scale", f"api={SERVERS + 1}", "api")
        settle(busy, SERVERS + 1)
        busy.compose("up", "-d", "--no-deps", "--no-recreate", "--scale", f"api={SERVERS}", "api")
        settle(busy)

    load = meanwhile(busy, act)
    assert not load.failed()
    assert set(rows_of(busy, load.written).values()) == {1}


def test_no_read_fails_while_one_is_killed(busy: Stack) -> None:
    victim = busy.containers("api")[0]

    def act() -> None:
        docker("kill", "--signal", "KILL", victim)
        settle(busy, SERVERS - 1)
        time.sleep(2)
        docker("start", victim)
        settle(busy)

    load = meanwhile(busy, act)
    assert not [answer for answer in load.failed() if answer.method == "GET"]
    # What the victim was writing may have no answer; sent again with its key it is written once.
    assert set(rows_of(busy, load.written).values()) == {1}


def test_no_request_is_lost_while_the_only_one_is_replaced(busy: Stack) -> None:
    """`docker compose up -d --no-deps --build api`: requests wait until the new one is ready."""
    busy.compose("up", "-d", "--no-deps", "--no-recreate", "--scale", "api=1", "api")
    settle(busy, 1)
    before = busy.containers("api")

    def act() -> None:
        busy.compose("up", "-d", "--no-deps", "--force-recreate", "--build", "api")
        settle(busy, 1)

    load = meanwhile(busy, act)
    print("longest wait", max(answer.seconds for answer in load.answers))
    assert busy.containers("api") != before
    assert not load.failed()
    assert set(rows_of(busy, load.written).values()) == {1}
    busy.compose("up", "-d", "--no-deps", "--no-recreate", "--scale", f"api={SERVERS}", "api")
    settle(busy)


def test_a_minute_of_load_survives_a_new_api_and_restarts_of_redis_and_postgresql(busy: Stack) -> None:
    """The issue's show: 5xx within the outages alone, all well five seconds after, nothing lost or doubled."""
    load = Load(busy)
    outages: list[Outage] = []
    with load.going_on(readers=6, writers=2):
        began = time.monotonic()
        time.sleep(5)
        first = busy.containers("api")[0]
        docker("stop", "--time", "40", first)
        docker("start", first)
        settle(busy)
        for service, is_back in (
            # Without a password: that it refuses is an answer.
            ("redis", ("redis-cli", "ping")),
            ("db", ("sh", "-c", 'pg_isready -q -h 127.0.0.1 -U "$POSTGRES_USER" && echo PONG')),
        ):
            time.sleep(5)
            away = time.monotonic()
            busy.compose("restart", service)
            eventually(lambda: answers(busy, service, *is_back), within=60, what=service)  # noqa: B023 (asked at once)
            outages.append(Outage(away, time.monotonic()))
        time.sleep(max(6, 60 - (time.monotonic() - began)))
    counts = Counter((answer.method, answer.status) for answer in load.answers)
    print("answers", dict(counts), "longest", max(answer.seconds for answer in load.answers))
    for outage in outages:
        late = [each.at + each.seconds - outage.ended for each in load.failed() if outage.has(each)]
        print(
            f"away {outage.ended - outage.began:.1f} s, failed {len(late)}, the last {max(late, default=0):.1f} s after"
        )
    assert not load.failed(but=tuple(outages))
    assert set(rows_of(busy, load.written).values()) == {1}


def answers(stack: Stack, service: str, *command: str) -> bool:
    said = stack.execute(service, *command, check=False)
    return "PONG" in said or "NOAUTH" in said
