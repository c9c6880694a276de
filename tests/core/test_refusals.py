"""Refusals that say in words what is wanted, and reads that say when they send nothing."""

import httpx
import pytest

from tests.conftest import Caller

BOOKS = "/api/v1/books"


async def test_openapi_says_which_reads_answer_not_modified(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    reading = paths[f"{BOOKS}/{{book_id}}"]["get"]
    assert "If-None-Match" in {parameter["name"] for parameter in reading["parameters"]}
    assert "304" in reading["responses"]
    assert "304" in paths["/media/covers/{file}"]["get"]["responses"]
    assert "304" not in paths["/health"]["get"]["responses"]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"sku": "abc"}, "sku", "capital letters, a dash and four to eight digits, such as BK-000123"),
        ({"language": "english"}, "language", "must be a language code, such as en or en-US"),
        ({"subtitle": "s" * 501}, "subtitle", "must have at most 500 characters"),
    ],
    ids=["sku", "language", "long"],
)
async def test_a_refused_field_is_told_what_it_should_be(
    client: httpx.AsyncClient, seller: Caller, body: dict[str, str], field: str, message: str
) -> None:
    answer = await client.post(BOOKS, json={"title": "T", "price": 1, **body}, headers=seller.headers)
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert error["message"].endswith(message)


async def test_one_character_is_not_told_as_several(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/search", params={"q": ""})
    assert answer.json()["detail"] == "q: must have at least 1 character"


async def test_a_body_that_is_too_large_is_told_the_limit(client: httpx.AsyncClient, seller: Caller) -> None:
    answer = await client.post(BOOKS, content=b" " * 2 * 1024 * 1024, headers=seller.headers)
    assert answer.status_code == 413
    assert "1 MiB" in answer.json()["detail"]
