"""A word too many, words of form and filler, numbers, and words in one or in two."""

import httpx
import pytest

from tests.catalog.search.shelf import BOOKS, search, titles
from tests.conftest import Caller
from tests.factories import a_book

SAGA = ("The Saga Begins", "The Saga Goes On", "The Saga Ends")


async def shelve(client: httpx.AsyncClient, seller: Caller) -> None:
    """Books of which some have some words."""
    await a_book(client, seller, "The Art of War", author="Sun Tzu")
    await a_book(client, seller, "War and Peace", author="Leo Tolstoy")
    await a_book(client, seller, "The Art of Peace", author="Morihei Ueshiba")
    for number in range(4):
        await a_book(client, seller, f"War {number}")


async def test_where_no_book_has_all_words_the_most_and_the_rarest_count(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await shelve(client, seller)
    page = await search(client, "art war zeppelin tolstoy")
    assert [(book["title"], book["match"], book["missing_words"]) for book in page["items"]] == [
        ("War and Peace", "partial", ["art", "zeppelin"]),
        ("The Art of War", "partial", ["zeppelin", "tolstoy"]),
    ]
    assert (page["total"], page["did_you_mean"]) == (2, None)
    assert "<b>Tolstoy</b>" in page["items"][0]["snippet"]
    # One of three: the rarest first.
    page = await search(client, "Zeppelin Ueshiba, moon")
    assert [(book["title"], book["missing_words"]) for book in page["items"]] == [
        ("The Art of Peace", ["Zeppelin", "moon"])
    ]


async def test_what_has_all_words_leaves_no_room_for_what_has_some(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await shelve(client, seller)
    page = await search(client, "war tolstoy")
    assert [(book["title"], book["match"], book["missing_words"]) for book in page["items"]] == [
        ("War and Peace", "text", [])
    ]


async def test_a_word_too_many_goes_with_filters_exclusions_phrases_and_lists(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await shelve(client, seller)
    await a_book(client, seller, "The Art of Paris", language="fr", author="Jean Petit")
    assert await titles(client, "art war zeppelin", language="fr") == ["The Art of Paris"]
    assert await titles(client, "art zeppelin -war -paris") == ["The Art of Peace"]
    assert await titles(client, '"art of war" zeppelin') == ["The Art of War"]
    assert await titles(client, '"war of art"') == []
    assert await titles(client, "zeppelin OR airship") == []
    listed = await client.get(BOOKS, params={"search": "art war zeppelin"})
    assert [book["title"] for book in listed.json()["items"]] == ["The Art of War"]
    facets = await client.get(f"{BOOKS}/facets", params={"search": "art war zeppelin"})
    assert facets.json()["total"] == 1


async def test_pages_of_some_words_follow_one_another(client: httpx.AsyncClient, seller: Caller) -> None:
    for number in range(5):
        await a_book(client, seller, f"Atlas {number}")
    first = await search(client, "atlas zeppelin", limit=3)
    rest = await search(client, "atlas zeppelin", limit=3, cursor=first["next_cursor"])
    found = [book["title"] for book in first["items"] + rest["items"]]
    assert (found, first["total"]) == ([f"Atlas {number}" for number in range(5)], 5)
    assert {tuple(book["missing_words"]) for book in rest["items"]} == {("zeppelin",)}


async def test_staff_are_told_which_words_made_a_partial_match(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    await shelve(client, seller)
    answer = await client.get(
        "/api/v1/search", params={"q": "ueshiba zeppelin", "explain": True}, headers=moderator.headers
    )
    explanation = answer.json()["items"][0]["explanation"]
    assert (explanation["tier"], explanation["words"]) == ("some_words", {"ueshiba": ["B"]})


@pytest.mark.parametrize(
    "q",
    [
        "hobbit by tolkien",
        "the hobbit paperback",
        "hobbit book",
        "hobbit a novel",
        "der hobbit taschenbuch",
        "le hobbit, livre de poche",
        "hobbit ebook epub",
        "hobit paperback",
        "the book hobbit by the author tolkien",
    ],
)
async def test_words_of_form_and_filler_never_empty_a_result(
    client: httpx.AsyncClient, seller: Caller, q: str
) -> None:
    await a_book(client, seller, "The Hobbit", author="J.R.R. Tolkien")
    await a_book(client, seller, "Nothing Like It")
    page = await search(client, q)
    assert [(book["title"], book["missing_words"]) for book in page["items"]] == [("The Hobbit", [])]
    assert page["items"][0]["match"] in {"text", "fuzzy"}


async def test_words_of_filler_rank_and_are_words_where_there_are_no_others(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await a_book(client, seller, "Jungle", description="Green.")
    await a_book(client, seller, "Tales", subtitle="The Jungle Book")
    await a_book(client, seller, "The Book")
    assert await titles(client, "jungle book") == ["Tales", "Jungle"]
    assert (await titles(client, "the book"))[0] == "The Book"
    assert await titles(client, '"jungle book"') == ["Tales"]
    assert await titles(client, "jungle -book") == ["Jungle"]


@pytest.mark.parametrize(
    "q",
    [
        "saga 3",
        "saga three",
        "saga III",
        "Saga #3",
        "saga, vol. 3",
        "saga book three",
        "saga drei",
        "trois saga",
    ],
)
async def test_a_series_is_found_with_its_number(client: httpx.AsyncClient, seller: Caller, q: str) -> None:
    for number, title in enumerate(SAGA, start=1):
        await a_book(
            client, seller, title.removeprefix("The Saga "), series="Saga", series_position=str(number)
        )
    await a_book(client, seller, "Saga Three")
    expected = {"Ends", "Saga Three"}
    assert set(await titles(client, q)) == expected


async def test_a_new_number_in_the_series_is_found(client: httpx.AsyncClient, seller: Caller) -> None:
    book = await a_book(client, seller, "Ends", series="Saga", series_position="3")
    await client.patch(f"{BOOKS}/{book['id']}", json={"series_position": "4"}, headers=seller.headers)
    assert [book["match"] for book in (await search(client, "saga four"))["items"]] == ["text"]
    assert [book["match"] for book in (await search(client, "saga three"))["items"]] == ["partial"]


@pytest.mark.parametrize(
    ("title", "queries"),
    [
        ("Moonlight", ["moon light", "moonlight", "Moon Light sonata"]),
        ("Moon Light", ["moonlight", "moon light", "moonlight sonata"]),
        ("Batman", ["bat man", "bat-man", "batman"]),
        ("Bat Man", ["batman", "bat-man"]),
        ("Nightfall Sonata", ["night fall sonata", "night fall"]),
        ("To Night Watch", ["tonight watch"]),
    ],
)
async def test_words_are_found_in_one_and_in_two(
    client: httpx.AsyncClient, seller: Caller, title: str, queries: list[str]
) -> None:
    await a_book(client, seller, title)
    await a_book(client, seller, "Something Else")
    for q in queries:
        assert (q, await titles(client, q)) == (q, [title])


@pytest.mark.parametrize("joint", ["&", "and", "und", "et", "y", "e", "og", "och", "en", ""])
@pytest.mark.parametrize("title", ["Pride & Prejudice", "Pride and Prejudice", "Pride und Prejudice"])
async def test_an_ampersand_is_every_and(
    client: httpx.AsyncClient, seller: Caller, title: str, joint: str
) -> None:
    await a_book(client, seller, title)
    page = await search(client, f"pride {joint} prejudice")
    assert [(book["title"], book["missing_words"]) for book in page["items"]] == [(title, [])]
    assert page["items"][0]["match"] != "partial"


@pytest.mark.parametrize(
    "q", ["1 2 3 4 5 6 7 8 9 10 11 12 13 14 15", "a b c d", "x" * 40 + " " + "y" * 40, '"a" "b" c', "& & &"]
)
async def test_odd_searches_for_some_words_are_answered(
    client: httpx.AsyncClient, seller: Caller, q: str
) -> None:
    await shelve(client, seller)
    page = await search(client, q)
    assert page["total"] == len(page["items"])


FORMS = {"Soft": "paperback", "Hard": "hardcover", "Spoken": "audiobook", "Neither": None}


async def shelve_forms(client: httpx.AsyncClient, seller: Caller) -> None:
    for title, form in FORMS.items():
        await a_book(client, seller, title, format=form)


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("paperback", ["Soft"]),
        ("The Paperbacks", ["Soft"]),
        ("Taschenbuch", ["Soft"]),
        ("livre de poche", ["Soft"]),
        ("softcover", ["Soft"]),
        ("hardback", ["Hard"]),
        ("Hörbuch", ["Spoken"]),
        ("paperback hardcover", ["Hard", "Soft"]),
        ("ebook", []),
        ("paperback -soft", []),
        ('"paperback"', []),
        ("the of", []),
    ],
)
async def test_a_word_of_form_alone_finds_the_books_of_that_form(
    client: httpx.AsyncClient, seller: Caller, q: str, expected: list[str]
) -> None:
    await shelve_forms(client, seller)
    page = await search(client, q)
    assert sorted(book["title"] for book in page["items"]) == expected
    assert {book["match"] for book in page["items"]} <= {"text"}
    assert (page["total"], page["did_you_mean"]) == (len(expected), None)
    listed = await client.get(BOOKS, params={"search": q})
    assert [book["title"] for book in listed.json()["items"]] == expected
    facets = await client.get(f"{BOOKS}/facets", params={"search": q})
    assert facets.json()["total"] == len(expected)


async def test_what_has_the_word_of_form_comes_before_what_has_the_form(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await shelve_forms(client, seller)
    await a_book(client, seller, "The Paperback Revolution", format="hardcover", language="fr")
    await a_book(client, seller, "Paperback Writer", format="paperback")
    assert await titles(client, "paperback") == ["Paperback Writer", "The Paperback Revolution", "Soft"]
    assert await titles(client, "paperback", language="fr") == ["The Paperback Revolution"]
    assert await titles(client, "paperback", sort="-title") == [
        "The Paperback Revolution",
        "Soft",
        "Paperback Writer",
    ]


async def test_pages_of_a_form_follow_one_another(client: httpx.AsyncClient, seller: Caller) -> None:
    for number in range(5):
        await a_book(client, seller, f"Atlas {number}", format="paperback")
    first = await search(client, "paperback", limit=3)
    rest = await search(client, "paperback", limit=3, cursor=first["next_cursor"])
    found = [book["title"] for book in first["items"] + rest["items"]]
    assert (found, first["total"]) == ([f"Atlas {number}" for number in range(5)], 5)
