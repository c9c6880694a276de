"""Refusals that only some requests to an operation meet are in its documentation too."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core.http.negotiation import NDJSON
from app.identity.permissions import SESSION_ONLY
from tests.conftest import Caller

BOOKS = "/api/v1/books"
ITEMS = "/api/v1/items"
SEARCH = "/api/v1/search"
WRONG_KEY = {"X-API-Key": "nonsense"}


@pytest.fixture(autouse=True)
def _document(app: FastAPI) -> None:
    # Made before a test begins: it takes so long that the test's transaction would be ended for idling.
    app.openapi()


def is_documented(app: FastAPI, path: str, answer: httpx.Response) -> bool:
    operation: dict[str, Any] = app.openapi()["paths"][path][answer.request.method.lower()]
    described = operation["responses"].get(str(answer.status_code), {"content": {}})
    examples = described["content"].get("application/problem+json", {"examples": {}})["examples"]
    return answer.json()["code"] in examples


async def test_an_item_with_one_author_twice_is_refused_as_documented(
    app: FastAPI, client: httpx.AsyncClient, seller: Caller
) -> None:
    twice = {"title": "T", "price": 1, "author": "Ann Bee; ANN BEE"}
    refused = await client.post(ITEMS, json=twice, headers=seller.headers)
    assert refused.json()["code"] == "duplicate-contributor"
    assert is_documented(app, ITEMS, refused)
    book = await client.post(ITEMS, json={**twice, "author": "Ann Bee"}, headers=seller.headers)
    replaced = await client.put(f"{ITEMS}/{book.json()['id']}", json=twice, headers=seller.headers)
    assert replaced.json()["code"] == "duplicate-contributor"
    assert is_documented(app, f"{ITEMS}/{{item_id}}", replaced)


async def test_what_public_reads_show_to_staff_alone_asks_for_credentials_as_documented(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    lines = await client.get(BOOKS, headers={**WRONG_KEY, "Accept": NDJSON})
    assert lines.json()["code"] == "invalid-api-key"
    assert is_documented(app, BOOKS, lines)
    explained = await client.get(SEARCH, params={"q": "emma", "explain": True}, headers=WRONG_KEY)
    assert explained.json()["code"] == "invalid-api-key"
    assert is_documented(app, SEARCH, explained)
    for path, scope in ((BOOKS, "catalog:transfer"), (SEARCH, "catalog:manage")):
        ways = app.openapi()["paths"][path]["get"]["security"]
        assert {} in ways
        assert {"OAuth2PasswordBearer": [scope]} in ways


def codes_of(app: FastAPI, method: str, path: str) -> set[str]:
    operation: dict[str, Any] = app.openapi()["paths"][path][method]
    return {
        code
        for status, answer in operation["responses"].items()
        if int(status) >= 400
        for code in answer["content"]["application/problem+json"]["examples"]
    }


async def test_who_may_call_brings_its_refusals_into_the_documentation(app: FastAPI) -> None:
    always = {"not-authenticated", "invalid-token", "invalid-api-key", "rate-limited"}
    reading = codes_of(app, "get", "/api/v1/users/me")
    assert always <= reading
    assert reading.isdisjoint({"csrf-refused", "insufficient-scope", "mfa-enrolment-required"})
    selling = codes_of(app, "post", ITEMS)
    assert always | {"csrf-refused", "insufficient-scope", "email-not-verified"} <= selling
    # Every user may sell, so that the policy on staff's second factor never stands in the way.
    assert "mfa-enrolment-required" not in selling
    managing = codes_of(app, "patch", "/api/v1/series/{series_id}")
    assert always | {"insufficient-scope", "mfa-enrolment-required", "stale-version"} <= managing
    assert "session-required" in codes_of(app, "get", "/api/v1/api-keys")
    assert "session-required" not in managing


async def test_that_a_key_is_refused_by_permission_is_documented_on_exactly_those_routes(
    app: FastAPI,
) -> None:
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            asked = {
                scope for way in operation.get("security", ()) for scopes in way.values() for scope in scopes
            }
            if not SESSION_ONLY.isdisjoint(asked):
                assert "session-required" in codes_of(app, method, path), (method, path)
    assert "session-required" in codes_of(app, "get", "/api/v1/admin/audit")
    assert "session-required" in codes_of(app, "post", "/api/v1/auth/introspect")
    for path in ("/api/v1/admin/users", "/api/v1/admin/dashboard", "/api/v1/admin/imports"):
        assert "session-required" not in codes_of(app, "get", path)


async def test_an_open_operation_documents_only_what_its_own_dependencies_refuse(app: FastAPI) -> None:
    listing = codes_of(app, "get", "/api/v1/series")
    assert {"invalid-cursor", "rate-limited"} <= listing
    assert listing.isdisjoint({"not-authenticated", "insufficient-scope"})
    assert "invalid-cursor" not in codes_of(app, "get", "/api/v1/series/{series_id}")


async def test_every_operation_but_those_of_probes_may_be_asked_too_often(app: FastAPI) -> None:
    for path, operations in app.openapi()["paths"].items():
        for method in operations:
            is_probe = path.startswith("/health") or path == "/metrics"
            assert ("rate-limited" in codes_of(app, method, path)) is not is_probe, path
