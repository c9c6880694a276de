"""The handler of `deploy/lambda` as Amazon calls it: a process of its own, started once, one event after another."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from devstack import Servers
from tests.conftest import JWT_SECRET, ROOT

PROGRAM = """
import json, sys
sys.path.insert(0, "deploy/lambda")
from handler import handler
answers = [handler(event, None) for event in json.load(sys.stdin)]
print(json.dumps(answers), file=sys.stderr)
"""


def _event(path: str, method: str = "GET", body: str | None = None) -> dict[str, Any]:
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "shop.example.com", "content-type": "application/json"},
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"},
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": False,
    }


@pytest.fixture
def invoke(servers: Servers, empty_database_url: str) -> Any:
    def run(*events: dict[str, Any]) -> list[dict[str, Any]]:
        environment = {
            "PATH": os.environ["PATH"],
            "DOTENV": "",
            "ENVIRONMENT": "production",
            "PUBLIC_URL": "https://shop.example.com",
            "DATABASE_URL": empty_database_url,
            "DATABASE_POOL_SIZE": "1",
            "DATABASE_READ_POOL_SIZE": "1",
            "CACHE_LOCAL_SIZE": "0",
            "REDIS_URL": servers.redis_url,
            "STORAGE_URL": servers.files.as_uri(),
            "JWT_SECRET": JWT_SECRET,
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(  # noqa: S603 (our own program)
            (sys.executable, "-c", PROGRAM),
            cwd=ROOT,
            env=environment,
            input=json.dumps(events),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        assert done.stdout.count('"event":"started"') == 1
        [answers] = [line for line in done.stderr.splitlines() if line.startswith("[")]
        return list(json.loads(answers))

    return run


def test_events_meet_one_application_that_was_started_once(invoke: Any) -> None:
    account = {"username": "lambda_reader", "email": "reader@example.org", "password": "Correct-horse-1!"}
    ready, registered, books, nowhere = invoke(
        _event("/health/ready"),
        _event("/api/v1/users/register", "POST", json.dumps(account)),
        _event("/api/v1/books"),
        _event("/nowhere"),
    )
    assert (ready["statusCode"], json.loads(ready["body"])) == (200, {"status": "ready"})
    assert registered["statusCode"] == 201
    assert json.loads(books["body"])["items"] == []
    assert nowhere["statusCode"] == 404
    assert json.loads(nowhere["body"])["code"] == "no-such-route"
