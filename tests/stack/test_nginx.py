"""What Nginx does for everybody: TLS, limits, the cache of a second, what it refuses and what it logs."""

import json
import socket
import ssl
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from app.core.http.middleware import SECURITY_HEADERS
from tests.stack.conftest import StackMaker
from tests.stack.stack import Stack, any_certificate, eventually, running

PROBLEM = "application/problem+json"
SELLER = {"username": "demo_seller", "password": "Bookstore-demo-1!"}
ELSEWHERE = "203.0.113.9"


@pytest.fixture(scope="module")
def behind_a_balancer(make_stack: StackMaker) -> Iterator[Stack]:
    """HTTPS alone, and a proxy in front that is believed."""
    stack = make_stack("balanced", variables={"NGINX_API_RATE": "1000r/s", "NGINX_API_BURST": "1000"})
    stack.set_in_env(HTTPS_REDIRECT="true", TRUSTED_PROXIES="10.0.0.0/8,172.16.0.0/12,192.168.0.0/16")
    with running(stack):
        yield stack


def lines_of(stack: Stack, request_id: str) -> list[dict[str, object]]:
    """What Nginx logged of a request."""
    logged = stack.logs("--no-log-prefix", "nginx").splitlines()
    return [json.loads(line) for line in logged if request_id in line]


def wait_for_limits() -> None:
    """So that what was asked before counts no more: twenty at ten a second."""
    time.sleep(2.5)


def certificate_of(stack: Stack) -> bytes:
    context = any_certificate()
    with (
        socket.create_connection(("127.0.0.1", stack.https_port)) as plain,
        context.wrap_socket(plain) as tls,
    ):
        return tls.getpeercert(binary_form=True) or b""


def test_tls_is_1_2_at_least_and_speaks_http_2(stack: Stack) -> None:
    context = any_certificate()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", stack.https_port)) as plain,
        context.wrap_socket(plain) as tls,
    ):
        assert tls.version() == "TLSv1.3"
        assert tls.selected_alpn_protocol() == "h2"
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", stack.https_port)) as plain,
        context.wrap_socket(plain) as tls,
    ):
        assert tls.version() == "TLSv1.2"


def test_a_crowd_from_one_address_is_refused_by_a_problem_and_probes_never(stack: Stack) -> None:
    wait_for_limits()
    with stack.client() as client:
        answers = [client.get("/api/v1/books?limit=1") for _ in range(60)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert 10 <= len(refused) < 60
        assert refused[0].headers["content-type"] == PROBLEM
        assert refused[0].headers["retry-after"] == "1"
        assert refused[0].json()["code"] == "rate-limited"
        assert {client.get("/health").status_code for _ in range(60)} == {200}
    wait_for_limits()


def test_logging_in_has_a_narrower_limit(stack: Stack) -> None:
    wait_for_limits()
    with stack.client() as client:
        statuses = [client.get("/api/v1/auth/csrf").status_code for _ in range(10)]
    # Without a cookie the API says 401.
    assert statuses[:6] == [401] * 6
    assert 429 in statuses[6:]
    time.sleep(6)


def test_what_is_for_the_inner_network_is_not_reached(stack: Stack) -> None:
    with stack.client(tls=True) as client:
        for path in ("/metrics", "/health/ready"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (404, "no-such-route")


def test_security_headers_stand_once_whoever_answers(stack: Stack) -> None:
    wait_for_limits()
    with stack.client() as client:
        for path in ("/api/v1/books?limit=2", "/metrics", "/nowhere"):
            headers = client.get(path).headers
            for name in (*SECURITY_HEADERS, "X-Request-ID", "X-Process-Time"):
                assert len(headers.get_list(name)) == 1, (path, name)


def test_requests_are_logged_without_their_queries_and_probes_not_at_all(stack: Stack) -> None:
    wait_for_limits()
    seen, probe = uuid4().hex, uuid4().hex
    with stack.client() as client:
        client.get("/nowhere?token=hidden", headers={"X-Request-ID": seen, "X-Forwarded-For": ELSEWHERE})
        client.get("/health", headers={"X-Request-ID": probe})
    eventually(lambda: bool(lines_of(stack, seen)), what="the line of the request")
    [line] = [line for line in lines_of(stack, seen) if line["logger"] == "nginx"]
    assert line["path"] == "/nowhere"
    # Nobody is trusted: what the client says about itself is not believed.
    assert line["client"] != ELSEWHERE
    assert not lines_of(stack, probe)


def test_what_anybody_may_see_is_kept_for_a_second(stack: Stack) -> None:
    wait_for_limits()
    path = "/api/v1/books?limit=7"
    ids = [uuid4().hex for _ in range(4)]
    with stack.client() as client:
        # What a worker answers for the first time counts against its caller, and is not kept.
        for _ in range(8):
            client.get(path)
        time.sleep(2.1)
        first = client.get(path, headers={"X-Request-ID": ids[0]})
        second = client.get(path, headers={"X-Request-ID": ids[1]})
        client.get(path, headers={"X-Request-ID": ids[2], "If-None-Match": first.headers["etag"]})
        time.sleep(2.1)
        again = client.get(path, headers={"X-Request-ID": ids[3]})
    assert first.content == second.content == again.content
    assert second.headers["x-request-id"] == ids[1]
    eventually(lambda: bool(lines_of(stack, ids[3])))
    # After the second, the API is asked with the tag of what is kept, and nothing has changed.
    assert [lines_of(stack, each)[0]["cache"] for each in ids] == [
        "REVALIDATED",
        "HIT",
        "BYPASS",
        "REVALIDATED",
    ]


def test_tokens_are_not_compressed_and_the_catalogue_is(stack: Stack) -> None:
    wait_for_limits()
    with stack.client(headers={"Accept-Encoding": "gzip"}) as client:
        assert client.get("/api/v1/books?limit=50").headers["content-encoding"] == "gzip"
        token = client.post("/api/v1/auth/token", data=SELLER)
    assert token.status_code == 200
    assert "content-encoding" not in token.headers


def test_a_body_that_is_too_large_is_a_problem(stack: Stack) -> None:
    with stack.client() as client:
        answer = client.post("/api/v1/books", content=b"x" * (65 * 2**20))
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


def test_the_proof_of_a_certificate_is_served(stack: Stack) -> None:
    stack.execute("nginx", "sh", "-c", "echo proof >/var/www/edge/.well-known/acme-challenge/token")
    with stack.client() as client:
        assert client.get("/.well-known/acme-challenge/token").text == "proof\n"
        assert client.get("/.well-known/acme-challenge/other").json()["code"] == "no-such-route"


def test_a_file_closes_the_shop_and_its_removal_opens_it(stack: Stack) -> None:
    wait_for_limits()
    stack.execute("nginx", "touch", "/var/www/edge/maintenance")
    try:
        with stack.client() as client:
            answer = client.get("/api/v1/books")
            assert (answer.status_code, answer.json()["code"]) == (503, "maintenance")
            assert answer.headers["content-type"] == PROBLEM
            assert answer.headers["retry-after"] == "60"
            assert client.get("/health/live").status_code == 200
    finally:
        stack.execute("nginx", "rm", "/var/www/edge/maintenance")
    with stack.client() as client:
        assert client.get("/api/v1/books").status_code == 200


def test_a_new_certificate_is_taken_by_itself(stack: Stack) -> None:
    before = certificate_of(stack)
    stack.compose(
        "run", "--rm", "certificate", "sh", "-c", "rm /tls/*.pem && bookstore certificate /tls", timeout=120
    )
    eventually(lambda: certificate_of(stack) != before, within=20, what="the new certificate")


def test_plain_http_is_sent_to_https_but_for_probes(behind_a_balancer: Stack) -> None:
    stack = behind_a_balancer
    with stack.client() as client:
        answer = client.get("/api/v1/books?limit=1")
        assert answer.status_code == 308
        assert answer.headers["location"] == f"https://127.0.0.1:{stack.https_port}/api/v1/books?limit=1"
        assert client.get("/health/live").status_code == 200
        assert client.get("/.well-known/acme-challenge/other").status_code == 404
        # The balancer ended TLS, and is believed.
        assert client.get("/api/v1/books?limit=1", headers={"X-Forwarded-Proto": "https"}).status_code == 200
    with stack.client(tls=True) as client:
        assert client.get("/api/v1/books?limit=1").status_code == 200


def test_the_word_of_a_trusted_proxy_about_the_client_is_taken(behind_a_balancer: Stack) -> None:
    request_id = uuid4().hex
    with behind_a_balancer.client(tls=True) as client:
        # What the client put there itself stands to the left of what the proxy added.
        headers = {"X-Request-ID": request_id, "X-Forwarded-For": f"198.51.100.1, {ELSEWHERE}"}
        assert client.get("/nowhere", headers=headers).status_code == 404
    eventually(lambda: bool(lines_of(behind_a_balancer, request_id)))
    assert lines_of(behind_a_balancer, request_id)[0]["client"] == ELSEWHERE


def test_a_proxy_that_is_no_address_stops_nginx_with_a_word(make_stack: StackMaker) -> None:
    stack = make_stack("mistaken")
    stack.set_in_env(TRUSTED_PROXIES="balancer.example.com")
    try:
        stack.compose("up", "-d", "--no-deps", "nginx", check=False)
        eventually(lambda: "TRUSTED_PROXIES" in stack.logs("nginx"), what="the complaint")
    finally:
        stack.down()


def test_a_request_that_cannot_be_read_is_a_problem_too(stack: Stack) -> None:
    with socket.create_connection(("127.0.0.1", stack.http_port)) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40_000 + b"\r\n\r\n")
        answer = raw.recv(4096).decode()
    assert PROBLEM in answer
    assert answer.split()[1] == "400"
