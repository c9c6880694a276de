"""What a search finds, and in which order."""

import unicodedata

import httpx
import pytest

from tests.catalog.search.shelf import BOOKS, SEARCH, search, titles
from tests.conftest import Caller
from tests.factories import a_book

WAR = ("War", "War and Peace", "Warbreaker", "The Art of War", "Peace")


async def shelve_war(client: httpx.AsyncClient, seller: Caller) -> None:
    await a_book(client, seller, "Peace", description="What comes after a war.")
    await a_book(client, seller, "The Art of War", author="Sun Tzu")
    await a_book(client, seller, "Warbreaker", author="Brandon Sanderson")
    await a_book(client, seller, "War and Peace", author="Leo Tolstoy")
    await a_book(client, seller, "War")


async def test_a_title_comes_before_what_begins_so_before_words_in_titles_before_words_elsewhere(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await shelve_war(client, seller)
    page = await search(client, "war")
    assert [book["title"] for book in page["items"]] == list(WAR)
    assert [book["match"] for book in page["items"]] == ["exact", "text", "text", "text", "text"]
    assert (page["total"], page["did_you_mean"]) == (5, None)


@pytest.mark.parametrize(
    "q",
    [
        "9780261102217",
        "978-0-261-10221-7",
        "0-261-10221-4",
        " 0261102214 ",
        "ISBN 978 0261102217",
        "978–0261102217",
        "(ISBN 978-0-261-10221-7).",
        "261102214",
        "9780261102217 51495",
        "hobbit, urn:isbn:9780261102217 (pbk.)",
    ],
)
async def test_an_isbn_in_any_form_finds_its_book(client: httpx.AsyncClient, seller: Caller, q: str) -> None:
    await a_book(client, seller, "The Hobbit", isbn="0-261-10221-4")
    await a_book(client, seller, "The Annotated Hobbit", description="Not 9780261102217.")
    found = (await search(client, q))["items"]
    assert (found[0]["title"], found[0]["match"]) == ("The Hobbit", "exact")


async def test_an_isbn_ending_in_x_is_found_and_a_wrong_check_digit_is_not(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await a_book(client, seller, "A Book", isbn="080442957X")
    assert await titles(client, "0-8044-2957-x") == ["A Book"]
    assert await titles(client, "0-8044-2957-1") == []


@pytest.mark.parametrize(
    "q", ["A.A. Milne", "A. A. Milne", "AA Milne", "a a milne", "milne", "Ａ．Ａ． Ｍｉｌｎｅ"]
)
@pytest.mark.parametrize("name", ["A.A. Milne", "A. A. Milne", "AA Milne"])
async def test_initials_are_one_however_they_are_spaced(
    client: httpx.AsyncClient, seller: Caller, q: str, name: str
) -> None:
    await a_book(client, seller, "Winnie-the-Pooh", author=name)
    assert await titles(client, q) == ["Winnie-the-Pooh"]


@pytest.mark.parametrize(
    ("title", "queries"),
    [
        (
            "L’Étranger",
            ["l'etranger", "letranger", "etranger", "L'ÉTRANGER", unicodedata.normalize("NFD", "étranger")],
        ),
        (
            "Die Blütezeit",
            ["blutezeit", "Blütezeit", "Bluetezeit", unicodedata.normalize("NFD", "blütezeit")],
        ),
        ("Der Duesenjaeger", ["Düsenjäger", "duesenjaeger"]),
        ("Straße", ["strasse", "STRASSE"]),
        ("Spider-Man", ["spider man", "spiderman", "spider-man"]),
        ("Spiderman", ["spider-man", "spiderman"]),
        ("Catch-22", ["catch 22", "catch22", "catch-22"]),
        ("Malcolm X: A Life", ["malcolm x", "Malcolm X: A Life", "life malcolm x"]),
        ("Pride & Prejudice", ["pride and prejudice", "pride prejudice"]),
        ("The Philosopher's Stone", ["philosophers stone", "philosopher’s"]),
        ("Smilla og Jørgen", ["jorgen", "joergen", "Jørgen"]),
        ("100% _Proof_ \\ Whisky", ["100% proof", "_proof_", "whisky \\", "100 proof whisky"]),
        ("Мастер и Маргарита", ["мастер", "МАРГАРИТА"]),
    ],
)
async def test_spelling_that_does_not_count(
    client: httpx.AsyncClient, seller: Caller, title: str, queries: list[str]
) -> None:
    await a_book(client, seller, title)
    for q in queries:
        assert (q, await titles(client, q)) == (q, [title])


async def test_phrases_exclusions_and_alternatives(client: httpx.AsyncClient, seller: Caller) -> None:
    await shelve_war(client, seller)
    assert await titles(client, '"art of war"') == ["The Art of War"]
    assert await titles(client, '"war of art"') == []
    assert await titles(client, "war -peace -breaker -tzu") == ["War"]
    assert sorted(await titles(client, "sanderson OR tolstoy")) == ["War and Peace", "Warbreaker"]
    assert await titles(client, '"art of') == ["The Art of War"]


async def test_a_word_excluded_is_excluded_wherever_it_stands(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await a_book(client, seller, "Atlas of Rome", description="With a map of Ostia.")
    await a_book(client, seller, "Atlas of Italy", subtitle="Naples and Ostia")
    await a_book(client, seller, "Atlas of France")
    for q in ("atlas -ostia", "atlsa -ostia"):
        assert (q, await titles(client, q)) == (q, ["Atlas of France"])


@pytest.mark.parametrize(
    "q", ["!!!", "%", "_", "\\", "&", "-", '"', "-war", "()", ":*", "'", "...", "(((", "-war OR x"]
)
async def test_what_names_no_word_finds_nothing(client: httpx.AsyncClient, seller: Caller, q: str) -> None:
    await shelve_war(client, seller)
    assert await titles(client, q) == []


@pytest.mark.parametrize("q", ["w", "x" * 200, "war " * 50, "-" * 200, '"' * 199, "a-b-c-" * 33, "ü" * 200])
async def test_odd_queries_are_answered(client: httpx.AsyncClient, seller: Caller, q: str) -> None:
    await shelve_war(client, seller)
    page = await search(client, q)
    assert page["total"] == len(page["items"])


@pytest.mark.parametrize("character", ["㌖", "ﷺ"])
async def test_a_text_that_is_too_long_when_written_out_is_refused(
    client: httpx.AsyncClient, seller: Caller, character: str
) -> None:
    await a_book(client, seller, "キロメートル")
    for path, name, count in (
        (SEARCH, "q", 200),
        (BOOKS, "search", 200),
        (f"{BOOKS}/facets", "search", 200),
        ("/api/v1/suggest", "q", 100),
    ):
        answer = await client.get(path, params={name: f"x {character * (count - 2)}"})
        assert (answer.status_code, answer.json()["code"]) == (422, "validation"), path
        assert [error["field"] for error in answer.json()["errors"]] == [name]
    assert await titles(client, "㌖") == ["キロメートル"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=",
        "q=%20",
        f"q={'x' * 201}",
        "q=%00",
        "q=a%0Ab",
        "q=x&sort=colour",
        "q=x&sort=-relevance",
        "q=x&sort=title,-title",
        "q=x&skip=10001",
        "q=x&explain=perhaps",
    ],
)
async def test_bad_queries_are_refused(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"{SEARCH}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "validation")
    assert len(answer.json()["errors"]) == 1


async def test_the_words_of_a_book_come_from_everything_that_describes_it(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await a_book(
        client,
        seller,
        "Quartz",
        subtitle="A Feldspar",
        contributors=[{"name": "Olivine"}, {"name": "Zircon", "role": "editor"}],
        series="Granites",
        description="About basalt.",
        subjects=[{"code": "RBGF", "heading": "Geology"}],
    )
    for q in (
        "quartz",
        "feldspar",
        "olivine",
        "zircon",
        "granites",
        "basalt",
        "geology",
        "rbgf",
        "zircon quartz basalt",
    ):
        assert await titles(client, q) == ["Quartz"]


async def test_the_list_of_books_matches_as_the_search_does_and_keeps_its_order(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await shelve_war(client, seller)
    for q, expected in (
        ("war", sorted(WAR, key=lambda title: title.removeprefix("The "))),
        ("sandersen", ["Warbreaker"]),
        ("!!!", []),
    ):
        listed = await client.get(BOOKS, params={"search": q})
        assert [book["title"] for book in listed.json()["items"]] == expected
