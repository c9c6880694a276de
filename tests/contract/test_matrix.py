"""Every route with every kind of caller, against the matrix that `matrix.txt` holds."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.routing import BaseRoute

from app.api import PUBLIC_ROUTES, ROUTERS
from app.identity.authentication.api_key_format import key_digest, make_key
from app.identity.models import ApiKey
from app.identity.permissions import Permission, Role
from tests.conftest import SignUp

MATRIX = Path(__file__).with_name("matrix.txt")
DOORS = {
    "not-authenticated": "401",
    "invalid-token": "401",
    "invalid-api-key": "401",
    "insufficient-scope": "403",
    "session-required": "403",
}
"""The problems that turn a caller away, whatever the request says otherwise."""

ENDLESS = {"/api/v1/events/stream": {"channel": "orders:ORD-99999999"}}
"""Answers that would not end; with a query that names nothing that is there, they do not begin."""

Operation = tuple[str, str]
"""Method and path."""
Row = dict[str, str]


def operations_of(routes: Iterable[BaseRoute]) -> dict[Operation, APIRoute]:
    return {
        (method, route.path): route
        for route in routes
        if isinstance(route, APIRoute)
        for method in sorted((route.methods or set()) - {"HEAD"})
    }


ROUTES = operations_of(route for router in ROUTERS for route in router.routes)


def read_matrix(text: str) -> dict[Operation, Row]:
    """The rows by method and path; the first line names the callers."""
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    (_, _, *callers), *rows = lines
    return {(method, path): dict(zip(callers, expected, strict=True)) for method, path, *expected in rows}


EXPECTED = read_matrix(MATRIX.read_text())


@pytest.fixture
async def callers(
    sign_up: SignUp, session: AsyncSession, client: httpx.AsyncClient
) -> Mapping[str, dict[str, str]]:
    """The headers of each kind of caller; the keys have no scopes and all, and an owner who may do everything."""
    del client
    headers = {role.value: (await sign_up(role)).headers for role in Role}
    owner = await sign_up(Role.SUPER_ADMIN)
    scopes: dict[str, list[str]] = {"bare_key": [], "full_key": list(Permission)}
    keys = {name: make_key(owner.id) for name in scopes}
    for name, key in keys.items():
        digest = key_digest(key)
        session.add(ApiKey(user_id=owner.id, name=name, hint="x", key_hash=digest, scopes=scopes[name]))
    await session.commit()
    return {"anonymous": {}, **headers, **{name: {"X-API-Key": key} for name, key in keys.items()}}


def outcome(answer: httpx.Response, *, is_public: bool) -> str:
    """`yes` when the caller came through the door, else the status of the refusal."""
    if answer.status_code not in {401, 403}:
        return "yes"
    if is_public:
        return "own"
    code = answer.json()["code"]
    assert code in DOORS, f"{code} is no known refusal: is it one of who the caller is?"
    return DOORS[code]


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=str)
async def test_the_route_admits_exactly_whom_the_matrix_says(
    client: httpx.AsyncClient, callers: Mapping[str, dict[str, str]], method: str, path: str
) -> None:
    route = ROUTES[method, path]
    # Valid in form and of nobody: what comes through the door finds nothing, or a malformed body.
    url = path.format_map(dict.fromkeys(route.param_convertors, "999999999"))
    seen = {}
    for name, headers in callers.items():
        answer = await client.request(method, url, params=ENDLESS.get(path), headers=headers)
        assert answer.status_code < 500, (name, answer.text)
        seen[name] = outcome(answer, is_public=route.name in PUBLIC_ROUTES)
    assert seen == EXPECTED.get((method, path), f"no row in {MATRIX.name}")


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert EXPECTED.keys() == ROUTES.keys()


def test_a_new_route_without_a_row_would_be_noticed() -> None:
    async def list_secrets() -> None:
        """Hand out everything."""

    with_new = operations_of([*ROUTES.values(), APIRoute("/api/v1/secrets", list_secrets)])
    assert with_new.keys() - EXPECTED.keys() == {("GET", "/api/v1/secrets")}


def test_only_public_routes_admit_strangers() -> None:
    admitting = {ROUTES[key].name for key, row in EXPECTED.items() if row["anonymous"] in {"yes", "own"}}
    # Metrics are served beside the routes of the list.
    assert admitting == PUBLIC_ROUTES - {"get_metrics"}


def test_a_higher_role_is_never_admitted_less() -> None:
    for key, row in EXPECTED.items():
        admitted = [row[role] == "yes" for role in Role]
        assert admitted == sorted(admitted), key


async def test_the_production_application_serves_these_routes_and_no_others(app: FastAPI) -> None:
    served = operations_of(app.routes)
    others = {path for _, path in served.keys() - ROUTES.keys()}
    # Documents, and what Nginx leads nobody to.
    assert all(path.startswith(("/docs", "/redoc", "/metrics")) for path in others), others
    assert ROUTES.keys() <= served.keys()
