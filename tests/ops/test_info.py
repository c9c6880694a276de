from html import escape
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core.errors import AppError
from app.core.http.problems import GENERIC
from app.ops import remedies
from app.ops.schemas import ProblemKindOut
from devstack import Servers
from tests.conftest import (
    INTERNAL_PORT,
    PUBLIC_URL,
    DatabaseMaker,
    client_of,
    running_app,
    settings_for,
)


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


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
        "application/json;q=0.5, text/html",
    ],
)
async def test_people_see_a_page_with_the_remedy(client: httpx.AsyncClient, accept: str) -> None:
    kind = (await client.get("/problems/stale-version")).json()
    page = await client.get("/problems/stale-version", headers={"Accept": accept})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["vary"] == "Accept"
    for text in (kind["title"], "stale-version", "412", "<code>If-Match</code>", "What to do"):
        assert text in page.text
    policy = page.headers["content-security-policy"]
    assert "script" not in policy
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    head = await client.head("/problems/stale-version", headers={"Accept": accept})
    assert (head.headers["content-length"], head.content) == (page.headers["content-length"], b"")


@pytest.mark.parametrize(
    "accept", ["application/json", "*/*", "text/html;q=0.5, application/json", "image/png"]
)
async def test_programs_see_json_with_the_remedy(client: httpx.AsyncClient, accept: str) -> None:
    answer = await client.get("/problems/stale-version", headers={"Accept": accept})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["vary"] == "Accept"
    assert answer.json()["remedy"].startswith("Read the resource again")


async def test_an_unknown_code_is_no_page_of_html(client: httpx.AsyncClient) -> None:
    answer = await client.get("/problems/%3Cscript%3E", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_the_index_shows_people_every_error_with_its_remedy(client: httpx.AsyncClient) -> None:
    kinds = (await client.get("/problems", headers={"Accept": "application/json"})).json()["items"]
    page = await client.get("/problems", headers={"Accept": "text/html"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert (page.headers["vary"], page.headers["cache-control"]) == ("Accept", "no-store")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert page.text.count("<h1>") == 1
    for kind in kinds:
        assert (
            f'<h2 id="{kind["code"]}"><a href="{kind["type"]}">{escape(kind["title"])}</a></h2>' in page.text
        )
        assert escape(kind["remedy"].split("`")[0]) in page.text, kind["code"]
    head = await client.head("/problems", headers={"Accept": "text/html"})
    assert (head.headers["content-length"], head.content) == (page.headers["content-length"], b"")


async def test_every_error_has_a_remedy(client: httpx.AsyncClient) -> None:
    for kind in (await client.get("/problems")).json()["items"]:
        assert kind["remedy"].endswith("."), kind["code"]


async def test_a_remedy_by_code_is_of_a_code_that_there_is(client: httpx.AsyncClient) -> None:
    codes = {kind["code"] for kind in (await client.get("/problems")).json()["items"]}
    assert set(remedies.BY_CODE) <= codes


async def test_the_root_says_what_answers_and_leads_on(client: httpx.AsyncClient, app: FastAPI) -> None:
    told = (await client.get("/")).json()
    assert (told["name"], told["version"]) == ("Bookstore", app.version)
    assert set(told["links"]) == {"api", "docs", "openapi", "health", "problems"}
    for name, url in told["links"].items():
        assert url.startswith(PUBLIC_URL)
        if name != "api":
            assert (await client.get(url.removeprefix(PUBLIC_URL))).status_code == 200, name


async def test_the_root_names_no_docs_where_they_are_off(
    servers: Servers, make_database: DatabaseMaker
) -> None:
    with make_database() as url:
        settings = settings_for(servers, url, docs_enabled=None)
        async with running_app(settings) as app, client_of(app) as client:
            links = (await client.get("/")).json()["links"]
            assert (links["docs"], links["openapi"]) == (None, None)


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
