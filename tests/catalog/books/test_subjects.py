"""Subjects of books: the shapes of each scheme, and what is kept of them."""

from typing import Any

import httpx
import pytest

from tests.catalog.merges.arrange import BOOKS
from tests.conftest import Caller
from tests.factories import a_book


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"code": "fmb"}, ("thema", "FMB")),
        ({"code": "1DDU-GB-E"}, ("thema", "1DDU-GB-E")),
        ({"scheme": "bisac", "code": "fic009020"}, ("bisac", "FIC009020")),
        ({"scheme": "own", "code": "gift.set_2"}, ("own", "GIFT.SET_2")),
    ],
)
async def test_codes_are_kept_in_capitals(
    client: httpx.AsyncClient, seller: Caller, sent: dict[str, Any], kept: tuple[str, str]
) -> None:
    book = await a_book(client, seller, "X", subjects=[{**sent, "heading": " Epic fantasy "}])
    scheme, code = kept
    assert book["subjects"] == [{"scheme": scheme, "code": code, "heading": "Epic fantasy"}]


@pytest.mark.parametrize(
    "subject",
    [
        {"code": ""},
        {"code": "7ABC"},
        {"code": "F-B"},
        {"code": "FABCDEFGHIJ"},
        {"code": "ФБ"},
        {"scheme": "bisac", "code": "FIC9020"},
        {"scheme": "bisac", "code": "FIC00902x"},
        {"scheme": "own", "code": "-a"},
        {"scheme": "own", "code": "a b"},
        {"scheme": "own", "code": "a" * 31},
        {"scheme": "dewey", "code": "823"},
        {"code": "FB", "heading": ""},
        {"code": "FB", "heading": "x" * 201},
        {"code": "FB", "heading": "two\nlines"},
        {"code": "FB", "weight": 1},
        {"heading": "Fantasy"},
        "FB",
    ],
    ids=str,
)
async def test_what_is_no_code_of_its_scheme_is_refused(
    client: httpx.AsyncClient, seller: Caller, subject: object
) -> None:
    body = {"title": "X", "price": 1, "subjects": [subject]}
    answer = await client.post(BOOKS, json=body, headers=seller.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation")
    assert answer.json()["errors"][0]["field"].startswith("subjects.0")


async def test_a_code_stands_once_in_each_scheme(client: httpx.AsyncClient, seller: Caller) -> None:
    both = [{"code": "FB"}, {"scheme": "own", "code": "FB"}]
    assert len((await a_book(client, seller, "X", subjects=both))["subjects"]) == 2
    body = {"title": "X", "price": 1, "subjects": [{"code": "FB"}, {"code": "fb"}]}
    assert (await client.post(BOOKS, json=body, headers=seller.headers)).status_code == 422
    many = [{"scheme": "own", "code": f"A{number}"} for number in range(31)]
    body = {"title": "X", "price": 1, "subjects": many}
    assert (await client.post(BOOKS, json=body, headers=seller.headers)).status_code == 422


async def test_subjects_are_replaced_as_a_whole_and_may_be_emptied(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    book = await a_book(client, seller, "X", subjects=[{"code": "FB"}, {"code": "FMB"}])
    path = f"{BOOKS}/{book['id']}"
    changed = await client.patch(path, json={"subjects": [{"code": "FMB"}]}, headers=seller.headers)
    assert [one["code"] for one in changed.json()["subjects"]] == ["FMB"]
    assert (await client.patch(path, json={"subjects": None}, headers=seller.headers)).status_code == 422
    emptied = await client.patch(path, json={"subjects": []}, headers=seller.headers)
    assert emptied.json()["subjects"] == []
