"""Under which names the API answers, and what becomes of plain HTTP."""

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.core.http.middleware import HttpsOnly
from app.core.settings.settings import load_settings
from app.main import create_app
from devstack import Servers
from tests.conftest import PUBLIC_URL, client_of, settings_for

BOOKS = "/api/v1/books"
ALLOWED = "shop.example.com, *.example.org, [2001:db8::1]"
INTERNAL = ("/health/live", "/health/ready", "/health", "/metrics")


@pytest.fixture
async def named_app(servers: Servers, empty_database_url: str) -> FastAPI:
    settings = settings_for(
        servers, empty_database_url, allowed={"hosts": ALLOWED}, cors={"origins": "https://a.example"}
    )
    return create_app(settings)


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("shop.example.com", True),
        ("SHOP.Example.Com:8443", True),
        ("shop.example.com.", True),
        ("a.example.org", True),
        ("a.b.example.org:80", True),
        ("[2001:db8::1]:8000", True),
        ("example.org", False),
        ("evilexample.org", False),
        ("shop.example.com.evil.com", False),
        ("evil.com", False),
        ("127.0.0.1", False),
        ("", False),
        ("shop.example.com@evil.com", False),
    ],
)
async def test_only_names_of_ours_are_answered(named_app: FastAPI, host: str, *, is_ours: bool) -> None:
    async with client_of(named_app) as client:
        answer = await client.get("/problems", headers={"Host": host})
        assert (answer.status_code == 200) is is_ours
        if not is_ours:
            assert answer.status_code == 400
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"] == "host-not-allowed"
            assert host not in answer.text or not host
            assert answer.headers["x-request-id"]
            assert answer.headers["permissions-policy"]
            assert (
                await client.get("/problems/host-not-allowed", headers={"Host": "a.example.org"})
            ).is_success
        for path in INTERNAL[:1]:
            assert (await client.get(path, headers={"Host": host})).status_code == 200


async def test_two_hosts_are_none(named_app: FastAPI) -> None:
    async with client_of(named_app) as client:
        hosts = [("Host", "shop.example.com"), ("Host", "evil.com")]
        assert (await client.get("/problems", headers=hosts)).json()["code"] == "host-not-allowed"


async def test_a_preflight_for_another_host_is_refused_too(named_app: FastAPI) -> None:
    headers = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET", "Host": "evil.com"}
    async with client_of(named_app) as client:
        assert (await client.options(BOOKS, headers=headers)).status_code == 400


async def test_probes_call_by_address(app: FastAPI) -> None:
    async with client_of(app, base_url="http://10.1.2.3:8000") as client:
        for path in INTERNAL:
            assert (await client.get(path)).status_code in {200, 503}
        assert (await client.get("/version")).json()["code"] == "host-not-allowed"


async def test_in_production_the_name_is_that_of_the_public_address(
    servers: Servers, empty_database_url: str
) -> None:
    settings = settings_for(servers, empty_database_url, allowed={}, public_url="https://Shop.example.com/x")
    assert settings.hosts == ("shop.example.com",)
    loose = load_settings(environment="development", jwt={"secret": "x" * 32})
    assert loose.hosts == ()


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize(
    ("host", "path", "location"),
    [
        ("localhost", "/a%20b/c?d=%2F&e", f"{PUBLIC_URL}/a%20b/c?d=%2F&e"),
        ("localhost:80", "/", f"{PUBLIC_URL}/"),
        ("other.example.com:8080", "//evil.com/x", "https://other.example.com//evil.com/x"),
    ],
)
async def test_plain_http_moves_for_good_with_method_and_body(host: str, path: str, location: str) -> None:
    transport = httpx.ASGITransport(HttpsOnly(_answer, PUBLIC_URL))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        answer = await client.post(f"http://testserver{path}", headers={"Host": host}, content=b"x")
    assert (answer.status_code, answer.headers["location"]) == (308, location)


async def test_the_redirect_believes_a_trusted_proxy_alone(servers: Servers, empty_database_url: str) -> None:
    application = create_app(settings_for(servers, empty_database_url, https_redirect=True))
    behind = ProxyHeadersMiddleware(application, trusted_hosts="192.0.2.1")  # type: ignore[arg-type]  # uvicorn names ASGI its own way
    secure = {"X-Forwarded-Proto": "https"}
    for address, headers, status in (
        ("192.0.2.1", secure, 200),
        ("192.0.2.1", {"X-Forwarded-Proto": "http"}, 308),
        ("192.0.2.1", {}, 308),
        ("198.51.100.7", secure, 308),
    ):
        async with client_of(behind, address) as client:  # type: ignore[arg-type]  # any ASGI application
            answer = await client.get("/problems", headers=headers)
            assert answer.status_code == status, (address, headers)
            assert answer.headers["strict-transport-security"]
            assert (await client.get("/health/live", headers=headers)).status_code == 200
            refused = await client.get("/problems", headers={**headers, "Host": "evil.com"})
            assert refused.status_code == 400, "no redirect for a host that is not ours"
