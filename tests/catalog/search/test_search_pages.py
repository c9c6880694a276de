"""Pages of a search: order, cursors, filters, snippets, explanations, limits."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.catalog.search import queries
from app.identity.permissions import Role
from tests.catalog.search.shelf import SEARCH, search, titles
from tests.conftest import PUBLIC_URL, Caller, SignUp, client_of, running_app, settings_for
from tests.factories import a_book


async def walk(client: httpx.AsyncClient, q: str, limit: int) -> list[int]:
    found: list[int] = []
    page = await search(client, q, limit=limit)
    while True:
        found += [book["id"] for book in page["items"]]
        if not page["has_next"]:
            return found
        page = await search(client, q, limit=limit, cursor=page["next_cursor"])


async def test_books_that_rank_alike_come_in_the_order_of_their_ids_page_by_page(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    books = [await a_book(client, seller, f"Volume {number} of an Atlas") for number in range(7)]
    ids = [book["id"] for book in books]
    assert await walk(client, "atlas", 3) == ids
    assert await walk(client, "atlas", 7) == ids
    skipped = await search(client, "atlas", skip=5, limit=5)
    assert [book["id"] for book in skipped["items"]] == ids[5:]
    assert (skipped["total"], skipped["page"], skipped["has_previous"]) == (7, 2, True)
    assert await walk(client, "atlsa", 2) == ids
    assert (await search(client, "atlsa", skip=9))["did_you_mean"] == "atlas"


async def test_a_cursor_is_of_one_search(client: httpx.AsyncClient, seller: Caller) -> None:
    for number in range(3):
        await a_book(client, seller, f"Atlas {number}")
    cursor = (await search(client, "atlas", limit=1))["next_cursor"]
    others: list[dict[str, Any]] = [
        {"q": "other"},
        {"q": "atlas", "language": "en"},
        {"q": "atlas", "skip": 1},
    ]
    for parameters in others:
        answer = await client.get(SEARCH, params={**parameters, "limit": 1, "cursor": cursor})
        assert answer.status_code in {400, 422}


async def test_a_page_links_to_the_next_one(client: httpx.AsyncClient, seller: Caller) -> None:
    for number in range(3):
        await a_book(client, seller, f"Atlas {number}")
    answer = await client.get(SEARCH, params={"q": "atlas", "limit": 2})
    assert f'<{PUBLIC_URL}{SEARCH}?q=atlas&limit=2&skip=2>; rel="next"' in answer.headers["link"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["Atlas of Rome", "Atlas of Paris"]),
        ({"language": "fr"}, ["Atlas of Paris"]),
        ({"min_price": 15}, ["Atlas of Rome"]),
        ({"in_stock": "true"}, ["Atlas of Rome"]),
        ({"author": "doe"}, ["Atlas of Paris"]),
        ({"subject": "WT"}, ["Atlas of Rome"]),
        ({"max_year": 1950}, ["Atlas of Paris"]),
        ({"language": "de"}, []),
        ({"search": "rome"}, ["Atlas of Rome"]),
    ],
)
async def test_the_filters_of_the_list_go_with_a_search(
    client: httpx.AsyncClient, seller: Caller, filters: dict[str, Any], expected: list[str]
) -> None:
    subjects = [{"code": "WTHM"}]
    await a_book(client, seller, "Atlas of Rome", price=20, quantity=1, language="en", subjects=subjects)
    await a_book(client, seller, "Atlas of Paris", author="Jane Doe", language="fr", first_published=1901)
    await a_book(client, seller, "Rome")
    assert sorted(await titles(client, "atlas", **filters)) == sorted(expected)
    assert sorted(await titles(client, "atlsa", **filters)) == sorted(expected)


async def test_a_snippet_is_html_and_nothing_in_it_is_but_the_marks(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await a_book(
        client,
        seller,
        "<script>alert('hobbit')</script> & <b>Hobbit</b>",
        description='<img src=x onerror="hobbit()"> &lt;hobbit&gt; </b><i>hobbit</i>',
        author="<u>Hobbit</u>",
    )
    book = (await search(client, "hobbit"))["items"][0]
    rest = book["snippet"].replace("<b>", "").replace("</b>", "")
    assert "<b>Hobbit</b>" in book["snippet"]
    assert "<" not in rest
    assert ">" not in rest


async def test_a_snippet_marks_words_without_regard_to_accents(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await a_book(client, seller, "Poèmes", author="Émile Verhaeren", description="Les villes tentaculaires.")
    assert "<b>Émile</b>" in (await search(client, "emile"))["items"][0]["snippet"]
    assert "<b>tentaculaires</b>" in (await search(client, "tentaculaires"))["items"][0]["snippet"]
    assert "<b>Poèmes</b>" in (await search(client, "poem"))["items"][0]["snippet"]


@pytest.mark.parametrize("q", ["AA Milne", "A. A. Milne", "aa milen"])
async def test_a_snippet_marks_the_other_words_where_initials_are_printed_otherwise(
    client: httpx.AsyncClient, seller: Caller, q: str
) -> None:
    await a_book(client, seller, "The House at Pooh Corner of a Wood", author="A.A. Milne")
    assert "<b>Milne</b>" in (await search(client, q))["items"][0]["snippet"]


async def test_staff_are_told_why_a_book_ranks(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    await a_book(client, seller, "The Hobbit", description="Of hobbits and a hobbit.")
    answer = await client.get(SEARCH, params={"q": "hobbit", "explain": True}, headers=moderator.headers)
    assert answer.headers["cache-control"] == "private, no-store"
    explanation = answer.json()["items"][0]["explanation"]
    assert (explanation["tier"], explanation["query"]) == ("words", "'hobbit'")
    assert explanation["words"] == {"hobbit": ["A", "D"]}
    assert 0 < explanation["rank"] < queries.TIER
    corrected = await client.get(SEARCH, params={"q": "hobit", "explain": True}, headers=moderator.headers)
    told = corrected.json()["items"][0]["explanation"]
    assert (told["tier"], told["query"], told["corrected_query"]) == (
        "corrected_words",
        "'hobit'",
        "'hobbit'",
    )
    assert (await search(client, "hobbit"))["items"][0]["explanation"] is None


async def test_an_explanation_is_for_staff(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    parameters: dict[str, Any] = {"q": "hobbit", "explain": True}
    anonymous = await client.get(SEARCH, params=parameters)
    assert (anonymous.status_code, anonymous.json()["code"]) == (401, "not-authenticated")
    user = await client.get(SEARCH, params=parameters, headers=seller.headers)
    assert (user.status_code, user.json()["code"]) == (403, "insufficient-scope")
    admin = await sign_up(Role.ADMIN)
    assert (await client.get(SEARCH, params=parameters, headers=admin.headers)).status_code == 200


async def test_the_total_of_a_very_common_word_is_an_estimate(
    client: httpx.AsyncClient, seller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        await a_book(client, seller, f"Volume {number} of an Atlas")
    monkeypatch.setattr(queries, "RANKED", 3)
    page = await search(client, "atlas")
    assert page["total_is_estimate"]
    assert len(page["items"]) == 3
    assert page["total"] >= 3


async def test_searches_of_strangers_are_limited(servers: Any, make_database: Any) -> None:
    with make_database() as url:
        settings = settings_for(servers, url, rate_limit={"factor": 1, "search": "2/minute"})
        async with running_app(settings) as application, client_of(application, "192.0.2.77") as stranger:
            answers = [await stranger.get(SEARCH, params={"q": "tolkien"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"search";q=2;w=60'


async def test_a_search_that_takes_too_long_is_given_up_and_harms_nobody(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    await a_book(live_client, await live_sign_up(), "Atlas")
    state = live_app.state
    patient = state.settings
    hurried = patient.database.model_copy(update={"search_timeout": 1e-9})
    state.settings = patient.model_copy(update={"database": hurried})
    answers = [await live_client.get(SEARCH, params={"q": "atlas"}) for _ in range(7)]
    state.settings = patient
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(503, "search-too-slow")}
    assert answers[0].headers["retry-after"] == "1"
    assert await titles(live_client, "atlas") == ["Atlas"]
