"""Series over HTTP: the order of their books, names, who may."""

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import pytest

from app.catalog.books.schemas import series_order
from app.identity.permissions import Role
from tests.catalog.merges.arrange import BOOKS, audited, read, read_book
from tests.conftest import Caller, SignUp
from tests.factories import a_book

SERIES = "/api/v1/series"
Made = dict[str, Any]


@pytest.fixture
async def book(client: httpx.AsyncClient, seller: Caller) -> Made:
    """A book of a series."""
    return await a_book(client, seller, "The Hobbit", series="Middle-earth", series_position="1")


@pytest.mark.parametrize(
    ("position", "order"),
    [
        ("1", "1"),
        ("1.5", "1.5"),
        ("1-3", "1"),
        ("Book 2", "2"),
        ("Bd. 12", "12"),
        ("prequel", None),
        ("IV", "4"),
        ("Vol. xii", "12"),
        ("VI (prequel)", "6"),
        ("Ⅳ", None),
        ("Civic", None),
        ("1,5", "1.5"),
        (".5", "0.5"),
        ("Vol.3", "3"),
        ("1, 2", "1"),
        (None, None),
        ("0", "0"),
        ("1.2345", "1.234"),
        ("123456789", "123456"),
    ],
)
def test_a_position_sorts_by_the_first_number_in_it(position: str | None, order: str | None) -> None:
    assert series_order(position) == (None if order is None else Decimal(order))


async def test_books_stand_by_number_then_by_text_and_those_without_a_number_last(
    client: httpx.AsyncClient, seller: Caller, book: Made
) -> None:
    positions = ["prequel", "10", "2", "1-3", None, "1.5", "Book 2", "IV"]
    for position in positions:
        await a_book(client, seller, f"At {position}", series="middle-EARTH", series_position=position)
    expected = ["1", "1-3", "1.5", "2", "Book 2", "IV", "10", None, "prequel"]
    path = f"{SERIES}/{book['series_id']}/books"
    whole = await read(client, path)
    assert [one["series_position"] for one in whole["items"]] == expected
    assert {one["series"] for one in whole["items"]} == {"Middle-earth"}
    paged, cursor = [], ""
    while cursor is not None:
        page = await read(client, f"{path}?limit=2{cursor and f'&cursor={cursor}'}")
        paged += page["items"]
        cursor = page["next_cursor"]
    assert paged == whole["items"]


async def test_series_are_listed_by_name_with_how_many_books_they_have(
    client: httpx.AsyncClient, seller: Caller, book: Made
) -> None:
    await a_book(client, seller, "Emil", series="Äsop")
    listed = (await read(client, SERIES))["items"]
    assert [(one["name"], one["book_count"]) for one in listed] == [("Äsop", 1), ("Middle-earth", 1)]
    assert (await read(client, f"{SERIES}?search=ASOP&sort=-name"))["total"] == 1
    assert await read(client, f"{SERIES}/{book['series_id']}") == listed[1]
    for path in (f"{SERIES}/987654321", f"{SERIES}/987654321/books"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "series-not-found")
    assert (await client.get(f"{SERIES}/{book['series_id']}/books?sort=title")).status_code == 422


async def test_a_renamed_series_shows_in_its_books_with_a_new_tag(
    client: httpx.AsyncClient, sign_up: SignUp, seller: Caller, moderator: Caller, book: Made
) -> None:
    path, shown = f"{SERIES}/{book['series_id']}", f"{BOOKS}/{book['id']}"
    before = await client.get(shown)
    tag = (await client.get(path)).headers["etag"]
    headers = {**moderator.headers, "If-Match": tag}
    renamed = await client.patch(path, json={"name": "Arda"}, headers=headers)
    assert (renamed.status_code, renamed.json()["name"], renamed.json()["version"]) == (200, "Arda", 2)
    after = await client.get(shown, headers={"If-None-Match": before.headers["etag"]})
    assert (after.status_code, after.json()["series"]) == (200, "Arda")
    assert after.json()["version"] == before.json()["version"]
    assert (await client.patch(path, json={"name": "X"}, headers=headers)).status_code == 412
    assert (await client.patch(path, json={"name": "X"}, headers=seller.headers)).status_code == 403
    for bad in ({"name": None}, {"name": ""}, {"name": "x" * 201}, {"title": "X"}):
        assert (await client.patch(path, json=bad, headers=moderator.headers)).status_code == 422
    entry = await audited(client, await sign_up(Role.ADMIN), "series.renamed")
    assert entry["changes"] == {"name": ["Middle-earth", "Arda"]}


async def test_a_series_cannot_take_the_name_of_another_but_may_respell_its_own(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, book: Made
) -> None:
    await a_book(client, seller, "Emil", series="Äsop")
    path = f"{SERIES}/{book['series_id']}"
    taken = await client.patch(path, json={"name": "asop"}, headers=moderator.headers)
    assert (taken.status_code, taken.json()["code"]) == (409, "series-name-taken")
    respelt = await client.patch(path, json={"name": "MIDDLE-EARTH"}, headers=moderator.headers)
    assert respelt.json()["name"] == "MIDDLE-EARTH"


async def test_only_an_empty_series_is_deleted(
    client: httpx.AsyncClient, sign_up: SignUp, seller: Caller, moderator: Caller, book: Made
) -> None:
    path = f"{SERIES}/{book['series_id']}"
    used = await client.delete(path, headers=moderator.headers)
    assert (used.status_code, used.json()["code"]) == (409, "series-in-use")
    await client.patch(f"{BOOKS}/{book['id']}", json={"series": None}, headers=seller.headers)
    assert (await read(client, path))["book_count"] == 0
    assert (await client.delete(path, headers=moderator.headers)).status_code == 204
    assert (await client.get(path)).status_code == 404
    entry = await audited(client, await sign_up(Role.ADMIN), "series.deleted")
    assert entry["changes"] == {"name": ["Middle-earth", None]}


async def test_a_series_deleted_while_a_book_names_it_is_there_for_the_book(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    staff = await live_sign_up(Role.MODERATOR)
    for number in range(5):
        book = await a_book(live_client, staff, "Emil", series="Short-lived")
        await live_client.patch(f"{BOOKS}/{book['id']}", json={"series": None}, headers=staff.headers)
        made, deleted = await asyncio.gather(
            live_client.post(
                BOOKS, json={"title": f"{number}", "price": 1, "series": "Short-lived"}, headers=staff.headers
            ),
            live_client.delete(f"{SERIES}/{book['series_id']}", headers=staff.headers),
        )
        assert (made.status_code, deleted.status_code in {204, 409}) == (201, True)
        assert (await read_book(live_client, made.json()))["series"] == "Short-lived"
        await live_client.delete(f"{BOOKS}/{made.json()['id']}", headers=staff.headers)
