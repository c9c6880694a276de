"""An error never outgrows the request that it answers."""

import json

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import Caller

BOOKS = "/api/v1/books"
LARGEST = 24_000


def test_the_document_tells_of_the_rest(app: FastAPI) -> None:
    properties = app.openapi()["components"]["schemas"]["Problem"]["properties"]
    assert "errors_omitted" in properties


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ({"title": "T", "price": 1, **{f"unknown{number}": 1 for number in range(1000)}}, 1000),
        ({"title": "T", "price": 1, **{"k" * 40_000 + str(number): 1 for number in range(20)}}, 20),
        ({"title": "T", "price": 1, **{"\x01" * 40_000 + str(number): 1 for number in range(4)}}, 4),
        ({"title": "T" * 900_000, "price": "9" * 50_000}, None),
        ({"title": "T", "price": 1, "tags": [{} for _ in range(50_000)]}, None),
        ({"title": "T", "price": 1, "contributors": [{"name": 1}] * 30_000}, None),
        ({"title": "T", "price": 1, "language": "ü" * 400_000}, None),
    ],
    ids=["many", "long", "escaped", "values", "items", "nested", "text"],
)
async def test_twenty_complaints_are_listed_and_the_rest_counted(
    client: httpx.AsyncClient, seller: Caller, body: dict[str, object], count: int | None
) -> None:
    content = json.dumps(body, ensure_ascii=False).encode()
    headers = {**seller.headers, "Content-Type": "application/json"}
    answer = await client.post(BOOKS, content=content, headers=headers)
    problem = answer.json()
    assert answer.status_code == 422
    assert len(problem["errors"]) <= 20
    if count is not None:
        assert len(problem["errors"]) + problem.get("errors_omitted", 0) == count
    assert len(answer.content) < min(LARGEST, len(content))


async def test_few_complaints_are_all_there_is(client: httpx.AsyncClient, seller: Caller) -> None:
    answer = await client.post(BOOKS, json={"title": " ", "price": -1}, headers=seller.headers)
    assert len(answer.json()["errors"]) == 2
    assert "errors_omitted" not in answer.json()


async def test_addresses_and_parameters_are_repeated_in_part(client: httpx.AsyncClient) -> None:
    long = "y" * 60_000
    for answer in (
        await client.get(f"/api/v1/{long}"),
        await client.get(f"{BOOKS}/isbn/{long}"),
        await client.get(f"/problems/{long}"),
        await client.get(BOOKS, params={long: "1"}),
        await client.get(BOOKS, params={"sort": long}),
        await client.get(BOOKS, params={f"p{number}": "1" for number in range(3000)}),
        await client.get(BOOKS, params={"sort": ",".join(f"s{number}" for number in range(5000))}),
        await client.get(BOOKS, headers={"Authorization": f"Bearer {long}"}),
        await client.get(BOOKS, headers={"X-API-Key": long}),
        await client.get(BOOKS, headers={"If-None-Match": long, "Accept": long}),
    ):
        assert len(answer.content) < LARGEST, answer.request.url.path[:50]
        assert "y" * 2000 not in answer.text
