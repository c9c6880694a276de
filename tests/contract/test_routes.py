"""What holds for every route: a principal or a reason to be public, names, texts, problems."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from app.api import PUBLIC_ROUTES, ROUTERS
from app.core.errors import AppError
from app.core.http.problems import GENERIC
from app.identity.authentication.deps import get_principal

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def asks_who_calls(dependant: Dependant) -> bool:
    return dependant.call is get_principal or any(asks_who_calls(inner) for inner in dependant.dependencies)


def unguarded(routes: list[APIRoute]) -> set[str]:
    return {route.name for route in routes if not asks_who_calls(route.dependant)}


async def test_every_route_names_a_principal_or_is_public_on_purpose(app: FastAPI) -> None:
    pages = {"/docs", "/redoc", "/docs/oauth2-redirect"}
    served = [route for route in app.routes if isinstance(route, APIRoute) and route.path not in pages]
    assert unguarded(served) == PUBLIC_ROUTES


def test_a_route_without_a_principal_would_be_noticed() -> None:
    async def leak() -> None:
        """Hand out everything."""

    assert unguarded([*ROUTES, APIRoute("/leak", leak)]) - PUBLIC_ROUTES == {"leak"}


def solved(dependant: Dependant) -> Iterator[Dependant]:
    for needed in dependant.dependencies:
        yield needed
        yield from solved(needed)


def test_who_calls_is_solved_at_the_price_of_one_dependency() -> None:
    # Each costs as much as reading the credentials: schemes are documented by `takes`, not solved.
    for route in ROUTES:
        asking = [one for one in solved(route.dependant) if one.call is get_principal]
        assert not any(one.dependencies for one in asking), route.name
    [own_account] = [route for route in ROUTES if route.name == "get_own_account"]
    assert [one.call for one in solved(own_account.dependant)] == [get_principal]


async def test_operations_document_the_credentials_that_they_take(app: FastAPI) -> None:
    document = app.openapi()
    ways = {"OAuth2PasswordBearer", "APIKeyHeader", "APIKeyCookie"}
    assert set(document["components"]["securitySchemes"]) == ways
    for route in ROUTES:
        if asks_who_calls(route.dependant):
            method = next(iter(route.methods or {"GET"}))
            security = document["paths"][route.path][method.lower()]["security"]
            assert {name for way in security for name in way} == ways, route.name


def test_operation_names_are_unique() -> None:
    names = [route.name for route in ROUTES]
    assert len(names) == len(set(names))


async def test_every_operation_has_summary_text_and_described_problems(app: FastAPI) -> None:
    document = app.openapi()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            name = f"{method} {path}"
            assert operation["operationId"], name
            assert operation["summary"], name
            assert operation["description"], name
            assert {"500", "503"} <= set(operation["responses"]), name
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    content = response["content"]["application/problem+json"]
                    assert content["examples"], (name, status)
            # With an empty requirement among others, what is sent may be worth nothing.
            if operation["security"] and {} not in operation["security"]:
                assert {"401"} <= set(operation["responses"]), name


async def test_every_answer_and_body_in_the_document_has_examples(app: FastAPI) -> None:
    schemas = app.openapi()["components"]["schemas"]
    for name, schema in schemas.items():
        properties = schema.get("properties", {})
        has_example = "examples" in schema or any(
            "examples" in field or "$ref" in str(field) or "binary" in str(field)
            for field in properties.values()
        )
        assert has_example or schema.get("enum"), name


def error_classes(base: type[AppError] = AppError) -> Iterator[type[AppError]]:
    for error in base.__subclasses__():
        yield error
        yield from error_classes(error)


def test_problem_codes_are_unique() -> None:
    codes = sorted(
        [error.code for error in error_classes() if error.__module__.startswith("app.")] + [*GENERIC]
    )
    assert not [code for code, following in pairwise(codes) if code == following]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_no_path_ends_in_a_slash(route: APIRoute) -> None:
    assert route.path == "/" or not route.path.endswith("/")
