from typing import Any

import httpx
from fastapi import FastAPI

from app.core.errors import AppError
from app.core.http.problems import GENERIC
from app.ops.schemas import ProblemKindOut
from tests.conftest import INTERNAL_PORT, client_of


async def test_the_version_is_the_applications_and_for_operators(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    async with client_of(app, base_url=f"http://testserver:{INTERNAL_PORT}") as inside:
        told = (await inside.get("/version")).json()
    heads = told.pop("schema_heads")
    assert told == {"status": "up", "name": "Bookstore", "version": app.version, "api": "/api/v1"}
    assert len(heads) == 1
    assert (await client.get("/version")).json() == {"status": "up"}


async def test_every_error_class_and_every_generic_problem_has_a_page(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/problems")).json()
    codes = [kind["code"] for kind in listed["items"]]
    assert codes == sorted(codes)
    assert listed["total"] == len(codes) == len(set(codes))
    assert set(codes) == set(GENERIC) | {error.code for error in _leaves(AppError)}


async def test_every_page_is_where_its_type_leads(client: httpx.AsyncClient) -> None:
    for kind in (await client.get("/problems")).json()["items"]:
        page = await client.get(kind["type"])
        assert page.json() == kind
        assert ProblemKindOut(**kind).description


async def test_the_type_of_an_error_leads_to_its_explanation(client: httpx.AsyncClient) -> None:
    error = (await client.get("/nowhere")).json()
    page = (await client.get(error["type"])).json()
    assert (page["code"], page["status"], page["title"]) == (error["code"], error["status"], error["title"])


async def test_an_unknown_code_is_a_problem_of_its_own(client: httpx.AsyncClient) -> None:
    answer = await client.get("/problems/no-such-thing")
    assert answer.status_code == 404
    assert answer.json()["code"] == "problem-not-found"
    assert (await client.get(answer.json()["type"])).status_code == 200


async def test_every_documented_problem_has_a_page(client: httpx.AsyncClient, app: FastAPI) -> None:
    listed = {kind["code"]: kind["status"] for kind in (await client.get("/problems")).json()["items"]}
    for path in app.openapi()["paths"].values():
        for operation in path.values():
            for code, status in _documented(operation):
                assert listed[code] == status


def _documented(operation: dict[str, Any]) -> list[tuple[str, int]]:
    return [
        (code, int(status))
        for status, response in operation["responses"].items()
        for code in response.get("content", {}).get("application/problem+json", {}).get("examples", {})
    ]


def _leaves(error: type[AppError]) -> list[type[AppError]]:
    below = [leaf for subclass in error.__subclasses__() for leaf in _leaves(subclass)]
    return below or [error]
