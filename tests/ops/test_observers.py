"""Sentry and OpenTelemetry: told to receivers of this machine, with nothing of persons; and nothing at all when off."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from fastapi import FastAPI
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from app import __version__
from app.core.settings.settings import SettingsError
from devstack import Servers
from tests.conftest import JWT_SECRET, PUBLIC_URL, ROOT, client_of, running_app, settings_for

SECRETS = (
    "ada@example.com",
    "geheim",
    "Bearer",
    "eyJhbGciOi",
    "tok_123",
    "cookie-value",
    "curious words",
    "203.0.113.9",
)
PRIVATE = {
    "Authorization": "Bearer eyJhbGciOi.tok_123",
    "Cookie": "session=cookie-value",
    "X-Forwarded-For": "203.0.113.9",
}


class Received(list[tuple[str, bytes]]):
    """What came, by path."""

    url = ""


@contextmanager
def a_receiver() -> Iterator[Received]:
    """An HTTP server that takes whatever is sent."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            received.append((self.path, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    received.url = f"127.0.0.1:{server.server_port}"
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def with_a_bug(application: FastAPI) -> None:
    async def fail(secret: str) -> None:
        raise RuntimeError(f"the password of ada@example.com is {secret}")

    application.get("/broken/{secret}")(fail)


def items_of(received: Received) -> list[tuple[str, dict[str, Any]]]:
    """What an envelope of Sentry holds: type and content of each item."""
    items = []
    for path, body in received:
        assert path == "/api/42/envelope/"
        lines = body.split(b"\n")
        for head, payload in zip(lines[1::2], lines[2::2], strict=False):
            kind = json.loads(head)["type"]
            if kind in {"event", "transaction"}:
                items.append((kind, json.loads(payload)))
    return items


async def test_sentry_is_told_of_a_bug_and_of_times_without_anything_of_persons(
    servers: Servers, empty_database_url: str
) -> None:
    with a_receiver() as received:
        sentry = {"dsn": f"http://key@{received.url}/42", "traces_sample_rate": 1}
        settings = settings_for(servers, empty_database_url, sentry=sentry)
        async with running_app(settings) as application, client_of(application) as http:
            with_a_bug(application)
            answer = await http.get("/broken/geheim?q=curious words", headers=PRIVATE)
            assert answer.json()["code"] == "internal"
            await http.get("/version")
    items = items_of(received)
    [event] = [item for kind, item in items if kind == "event"]
    assert (event["environment"], event["release"]) == ("production", f"bookstore@{__version__}")
    [fault] = event["exception"]["values"]
    assert fault["type"] == "RuntimeError"
    assert fault["stacktrace"]["frames"][-1]["function"] == "fail"
    assert event["tags"]["request_id"] == answer.headers["x-request-id"]
    transactions = {item["transaction"]: item for kind, item in items if kind == "transaction"}
    assert set(transactions) == {"GET /broken/{secret}", "GET /version"}
    assert transactions["GET /version"]["contexts"]["trace"]["status"] == "ok"
    sent = b"".join(body for _, body in received).decode()
    assert [secret for secret in SECRETS if secret in sent] == []


@pytest.mark.parametrize(
    ("environment", "given", "rate"),
    [("production", None, 0.1), ("staging", None, 0.1), ("development", None, 0.0), ("production", 0.5, 0.5)],
)
def test_a_tenth_of_the_requests_is_timed_in_production(
    servers: Servers, environment: str, given: float | None, rate: float
) -> None:
    sentry = {"dsn": "https://key@sentry.example.com/42", "traces_sample_rate": given}
    settings = settings_for(servers, servers.database_url, environment=environment, sentry=sentry)
    assert settings.traces_sample_rate == rate


async def test_traces_reach_a_receiver_of_otlp_without_anything_of_persons(
    servers: Servers, empty_database_url: str
) -> None:
    with a_receiver() as received:
        settings = settings_for(
            servers, empty_database_url, otel={"exporter_otlp_endpoint": f"http://{received.url}"}
        )
        async with running_app(settings) as application, client_of(application) as http:
            with_a_bug(application)
            await http.get("/broken/geheim?q=curious words", headers=PRIVATE)
            parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            await http.get("/version", headers={"traceparent": parent})
            await http.get("/health/live")
    assert {path for path, _ in received} == {"/v1/traces"}
    exported = [ExportTraceServiceRequest.FromString(body) for _, body in received]
    spans = {
        span.name: span
        for export in exported
        for resource in export.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }
    assert set(spans) == {"GET /broken/{secret}", "GET /version"}
    assert spans["GET /version"].trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    described = {one.key: one.value.string_value for one in exported[0].resource_spans[0].resource.attributes}
    assert described["service.name"] == "bookstore"
    assert described["service.version"] == __version__
    assert described["deployment.environment.name"] == "production"
    sent = b"".join(body for _, body in received)
    assert [secret for secret in SECRETS if secret.encode() in sent] == []


def test_neither_is_imported_when_it_is_off() -> None:
    script = (
        "import sys; from app.main import create_app; create_app();"
        # redis-py itself imports what it finds of opentelemetry.sdk.metrics.
        "print(sorted(name for name in ('sentry_sdk', 'opentelemetry.exporter', 'opentelemetry.sdk.trace', 'google.protobuf', 'pyinstrument') if name in sys.modules))"
    )
    environment = {
        "JWT_SECRET": JWT_SECRET,
        "PUBLIC_URL": PUBLIC_URL,
        "DOTENV": "",
        "DATABASE_URL": "postgresql://db/shop",
    }
    done = subprocess.run(  # noqa: S603 (our own program)
        (sys.executable, "-c", script), cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("group", "complaint"),
    [
        ({"sentry": {"dsn": "sentry.example.com"}}, "SENTRY_DSN: must look like https://key@"),
        ({"sentry": {"traces_sample_rate": 2}}, "SENTRY_TRACES_SAMPLE_RATE: "),
        (
            {"otel": {"exporter_otlp_endpoint": "collector"}},
            "OTEL_EXPORTER_OTLP_ENDPOINT: must look like http://",
        ),
    ],
)
def test_a_bad_value_stops_the_start_naming_the_variable(
    servers: Servers, group: dict[str, object], complaint: str
) -> None:
    with pytest.raises(SettingsError, match=complaint):
        settings_for(servers, servers.database_url, **group)
