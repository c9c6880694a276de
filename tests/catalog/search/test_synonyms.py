"""Synonyms: who edits them, and what they do to searches."""

from typing import Any

import httpx
import pytest

from app.identity.permissions import Role
from tests.catalog.search.shelf import search, titles
from tests.conftest import Caller, SignUp
from tests.factories import a_book

SYNONYMS = "/api/v1/admin/search/synonyms"


async def teach(client: httpx.AsyncClient, moderator: Caller, **fields: object) -> dict[str, Any]:
    answer = await client.post(SYNONYMS, json=fields, headers=moderator.headers)
    assert answer.status_code == 201, answer.text
    synonym: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{SYNONYMS}/{synonym['id']}"
    return synonym


async def test_terms_find_one_another_at_once(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    await a_book(client, seller, "Best Science Fiction of 1984")
    await a_book(client, seller, "Sci-Fi Posters")
    await a_book(client, seller, "Fiction of Science", description="Not of that kind.")
    assert await titles(client, "sci-fi posters") == ["Sci-Fi Posters"]
    await teach(client, moderator, terms=["sci-fi", "science fiction"])
    assert sorted(await titles(client, "sci-fi")) == ["Best Science Fiction of 1984", "Sci-Fi Posters"]
    assert sorted(await titles(client, "science fiction")) == [
        "Best Science Fiction of 1984",
        "Fiction of Science",
        "Sci-Fi Posters",
    ]
    assert await titles(client, "sci-fi 1984") == ["Best Science Fiction of 1984"]
    assert await titles(client, '"sci fi"') == ["Sci-Fi Posters"]
    snippet = (await search(client, "sci-fi 1984"))["items"][0]["snippet"]
    assert "<b>Science</b> <b>Fiction</b>" in snippet


async def test_a_one_way_synonym_does_not_lead_back(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    await a_book(client, seller, "Kites")
    await a_book(client, seller, "Tolkien: A Life")
    synonym = await teach(client, moderator, terms=["jrrt", "professor"], finds=["tolkien"])
    assert await titles(client, "jrrt") == ["Tolkien: A Life"]
    assert await titles(client, "Professor life") == ["Tolkien: A Life"]
    await a_book(client, seller, "The Professor")
    assert await titles(client, "tolkien") == ["Tolkien: A Life"]
    path = f"{SYNONYMS}/{synonym['id']}"
    changed = await client.patch(path, json={"finds": ["kites"]}, headers=moderator.headers)
    assert (changed.json()["finds"], changed.json()["version"]) == (["kites"], 2)
    assert await titles(client, "jrrt") == ["Kites"]
    assert (await client.delete(path, headers=moderator.headers)).status_code == 204
    assert await titles(client, "jrrt") == []


async def test_two_synonyms_of_one_term_count_both(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    for title in ("Automobile", "Car", "Vehicle"):
        await a_book(client, seller, title)
    await teach(client, moderator, terms=["car", "automobile"])
    await teach(client, moderator, terms=["car"], finds=["vehicle"])
    assert await titles(client, "car") == ["Car", "Automobile", "Vehicle"]
    assert await titles(client, "automobile") == ["Automobile", "Car"]


async def test_synonyms_are_read_replaced_and_listed(client: httpx.AsyncClient, moderator: Caller) -> None:
    first = await teach(client, moderator, terms=["a one", "b two"])
    second = await teach(client, moderator, terms=["c"], finds=["d", "e"])
    listed = await client.get(SYNONYMS, headers=moderator.headers)
    assert [one["id"] for one in listed.json()["items"]] == [second["id"], first["id"]]
    path = f"{SYNONYMS}/{first['id']}"
    read = await client.get(path, headers=moderator.headers)
    assert (read.json(), read.headers["etag"]) == (first, '"1"')
    stale = {**moderator.headers, "If-Match": '"7"'}
    assert (await client.put(path, json={"terms": ["x", "y"]}, headers=stale)).status_code == 412
    replaced = await client.put(path, json={"terms": ["x", "y"]}, headers=moderator.headers)
    assert replaced.json()["terms"] == ["x", "y"]
    assert (await client.delete(f"{SYNONYMS}/999999", headers=moderator.headers)).status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "validation"),
        ({"terms": []}, "validation"),
        ({"terms": ["alone"]}, "validation"),
        ({"terms": ["a", "x" * 101]}, "validation"),
        ({"terms": ["a", "\u0000"]}, "validation"),
        ({"terms": ["a", "b"], "finds": []}, "validation"),
        ({"terms": ["a", "b"], "other": 1}, "validation"),
        ({"terms": ["a", "!!!"]}, "invalid-synonym"),
        ({"terms": ["Café", "CAFE"]}, "invalid-synonym"),
        ({"terms": ["a"], "finds": ["'"]}, "invalid-synonym"),
    ],
)
async def test_what_is_no_synonym_is_refused(
    client: httpx.AsyncClient, moderator: Caller, body: dict[str, object], code: str
) -> None:
    answer = await client.post(SYNONYMS, json=body, headers=moderator.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_patch_may_not_leave_a_term_alone(client: httpx.AsyncClient, moderator: Caller) -> None:
    synonym = await teach(client, moderator, terms=["c"], finds=["d"])
    answer = await client.patch(
        f"{SYNONYMS}/{synonym['id']}", json={"finds": None}, headers=moderator.headers
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-synonym")


async def test_edits_of_synonyms_are_audited(
    client: httpx.AsyncClient, moderator: Caller, sign_up: SignUp
) -> None:
    synonym = await teach(client, moderator, terms=["c"], finds=["d"])
    path = f"{SYNONYMS}/{synonym['id']}"
    await client.patch(path, json={"terms": ["e"]}, headers=moderator.headers)
    await client.delete(path, headers=moderator.headers)
    admin = await sign_up(Role.ADMIN)
    log = await client.get("/api/v1/admin/audit?limit=3", headers=admin.headers)
    entries = [(entry["action"], entry["changes"]) for entry in log.json()["items"]]
    assert entries == [
        ("synonym.deleted", {"terms": [["e"], None], "finds": [["d"], None]}),
        ("synonym.changed", {"terms": [["c"], ["e"]]}),
        ("synonym.created", {"terms": [None, ["c"]], "finds": [None, ["d"]]}),
    ]
