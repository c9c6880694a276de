"""Pictures of items of every kind over HTTP: their order, listing something with them, who may, races."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import orjson
import pytest
import time_machine
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.pictures.queries import find_used_pictures
from app.core.clock import utc_now
from app.core.storage.storage import Storage
from tests.conftest import Audit, Caller, SignUp, client_of
from tests.factories import a_book, an_item

from .pictures import names_in, picture, purge, put_cover

ITEMS = "/api/v1/items"
BOOKS = "/api/v1/books"
COLOURS = [(width, 90) for width in (60, 70, 80, 90, 100, 110, 120)]
"""Sizes by which pictures are told apart."""


def form(data: dict[str, Any] | str, *sizes: tuple[int, int]) -> dict[str, Any]:
    text = data if isinstance(data, str) else orjson.dumps(data).decode()
    files = [("pictures", (f"{size[0]}.png", picture("PNG", size))) for size in sizes]
    return {"data": {"data": text}, "files": files or [("nothing", ("", b""))][:0]}


async def put(
    client: httpx.AsyncClient,
    caller: Caller,
    item_id: int,
    number: int,
    size: tuple[int, int],
    **headers: str,
) -> httpx.Response:
    return await client.put(
        f"{ITEMS}/{item_id}/pictures/{number}",
        files={"file": ("a.png", picture("PNG", size))},
        headers={**caller.headers, **headers},
    )


async def widths(client: httpx.AsyncClient, item_id: int) -> list[int]:
    item = (await client.get(f"{ITEMS}/{item_id}")).raise_for_status().json()
    return [one["width"] for one in item["pictures"]]


async def test_an_item_has_six_pictures_in_the_order_of_their_numbers(
    client: httpx.AsyncClient, seller: Caller, storage: Storage
) -> None:
    pen = await an_item(client, seller)
    gap = await put(client, seller, pen["id"], 2, COLOURS[0])
    assert (gap.status_code, gap.json()["code"]) == (409, "picture-gap")
    assert await names_in(storage) == set()
    for number, size in enumerate(COLOURS[:6], start=1):
        answer = await put(client, seller, pen["id"], number, size)
        assert (answer.status_code, answer.json()["version"]) == (200, number + 1), answer.text
    assert await widths(client, pen["id"]) == [60, 70, 80, 90, 100, 110]
    shown = answer.json()["pictures"][2]
    assert (await client.get(shown["urls"]["m"])).headers["content-type"] == "image/webp"
    for wrong in (0, 7):
        assert (await put(client, seller, pen["id"], wrong, COLOURS[6])).status_code == 422
    # The same again changes nothing; another replaces; what is there moves.
    assert (await put(client, seller, pen["id"], 6, COLOURS[5])).json()["version"] == 7
    assert (await put(client, seller, pen["id"], 2, COLOURS[6])).json()["version"] == 8
    assert await widths(client, pen["id"]) == [60, 120, 80, 90, 100, 110]
    moved = await client.put(
        f"{ITEMS}/{pen['id']}/pictures/1", json={"upload": shown["name"]}, headers=seller.headers
    )
    assert moved.status_code == 200, moved.text
    assert await widths(client, pen["id"]) == [80, 60, 120, 90, 100, 110]
    path = f"{ITEMS}/{pen['id']}/pictures"
    assert (await client.delete(f"{path}/2", headers=seller.headers)).status_code == 204
    assert await widths(client, pen["id"]) == [80, 120, 90, 100, 110]
    missing = await client.delete(f"{path}/6", headers=seller.headers)
    assert (missing.status_code, missing.json()["code"]) == (404, "picture-not-found")


async def test_an_old_picture_of_the_item_moves_and_anothers_does_not_count(
    client: httpx.AsyncClient, seller: Caller, storage: Storage
) -> None:
    pen, other = await an_item(client, seller), await an_item(client, seller, "Other")
    await put(client, seller, pen["id"], 1, COLOURS[0])
    name = (await put(client, seller, pen["id"], 2, COLOURS[1])).json()["pictures"][1]["name"]
    with time_machine.travel(utc_now() + timedelta(days=3), tick=True):
        path = "{}/{}/pictures/1"
        for item, expected in ((pen, 200), (other, 409)):
            answer = await client.put(
                path.format(ITEMS, item["id"]), json={"upload": name}, headers=seller.headers
            )
            assert answer.status_code in {expected, 401}
    assert len(await names_in(storage)) == 6


async def test_the_main_picture_of_a_book_is_its_cover(client: httpx.AsyncClient, seller: Caller) -> None:
    book = await a_book(client, seller)
    await put_cover(client, seller, book["id"], picture(size=COLOURS[0]))
    await put(client, seller, book["id"], 2, COLOURS[1])
    shown = (await client.get(f"{BOOKS}/{book['id']}")).json()
    assert (shown["cover"]["width"], [one["width"] for one in shown["pictures"]]) == (60, [60, 70])
    await client.delete(f"{BOOKS}/{book['id']}/cover", headers=seller.headers)
    shown = (await client.get(f"{BOOKS}/{book['id']}")).json()
    assert (shown["cover"]["width"], len(shown["pictures"])) == (70, 1)
    pen = await an_item(client, seller)
    no_book = await put_cover(client, seller, pen["id"], picture(size=COLOURS[0]))
    assert (no_book.status_code, no_book.json()["code"]) == (404, "book-not-found")


async def test_something_is_listed_with_its_pictures(client: httpx.AsyncClient, seller: Caller) -> None:
    pen = {"title": "Füller 万年筆", "price": 24.9, "kind": "stationery", "tags": ["pen"]}
    answer = await client.post(ITEMS, **form(pen, *COLOURS[:3]), headers=seller.headers)
    assert answer.status_code == 201, answer.text
    item = answer.json()
    assert answer.headers["location"] == f"{ITEMS}/{item['id']}"
    assert (item["title"], [one["width"] for one in item["pictures"]]) == (pen["title"], [60, 70, 80])
    assert item["version"] == 1
    book = {"title": "The Hobbit", "author": "J.R.R. Tolkien", "isbn": "0261102214", "price": 9, "pages": 310}
    made = await client.post(BOOKS, **form(book, COLOURS[3]), headers=seller.headers)
    assert made.status_code == 201, made.text
    assert (made.json()["cover"]["width"], made.json()["pages"]) == (90, 310)
    # The same rules as for JSON: a pen has no pages, an ISBN makes a book.
    simple = {"title": "Emma", "isbn": "9780141439587", "price": 5}
    assert (await client.post(ITEMS, **form(simple, COLOURS[0]), headers=seller.headers)).json()[
        "kind"
    ] == "book"
    wrong = await client.post(ITEMS, **form({**pen, "pages": 3}, COLOURS[0]), headers=seller.headers)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "pages")


async def test_a_listing_that_is_refused_makes_nothing(
    client: httpx.AsyncClient, seller: Caller, storage: Storage
) -> None:
    pen = {"title": "Pen", "price": 1}
    broken = {"data": {"data": orjson.dumps(pen).decode()}, "files": [("pictures", ("a.png", b"no picture"))]}
    cases: list[tuple[dict[str, Any], int, str]] = [
        (form(pen, *COLOURS[:7]), 400, ""),
        (broken, 415, "unsupported-picture"),
        (form("no JSON", COLOURS[0]), 422, "validation"),
        (form({"title": "Pen"}, COLOURS[0]), 422, "validation"),
        ({"files": [("pictures", ("a.png", picture("PNG", COLOURS[0])))]}, 422, "validation"),
        ({**form(pen, COLOURS[0]), "data": {"data": "{}", "other": "1"}}, 400, ""),
    ]
    for request, status, code in cases:
        answer = await client.post(ITEMS, **request, headers=seller.headers)
        assert answer.status_code in {status, 422}, answer.text
        assert answer.json()["code"] == code or not code
    assert (await client.get(f"{ITEMS}?owner_id={seller.id}")).json()["total"] == 0
    assert (await client.post(ITEMS, **form(pen, COLOURS[0]))).status_code == 401
    assert await names_in(storage) == set()


async def test_a_form_sent_twice_with_one_key_lists_once(client: httpx.AsyncClient, seller: Caller) -> None:
    headers = {**seller.headers, "Idempotency-Key": "one"}
    body = form({"title": "Pen", "price": 1}, COLOURS[0])
    first = await client.post(ITEMS, **body, headers=headers)
    second = await client.post(ITEMS, **body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert (second.json(), second.headers["idempotent-replayed"]) == (first.json(), "true")


async def test_who_may_and_what_staff_do_is_audited(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, audit: Audit
) -> None:
    pen = await an_item(client, seller)
    other = await sign_up()
    assert (await put(client, other, pen["id"], 1, COLOURS[0])).status_code == 403
    assert (await put(client, seller, 2**40, 1, COLOURS[0])).status_code == 404
    stale = await put(client, seller, pen["id"], 1, COLOURS[0], **{"If-Match": '"9"'})
    assert stale.status_code == 412
    await client.patch(f"{ITEMS}/{pen['id']}", json={"is_active": False}, headers=seller.headers)
    assert (await put(client, other, pen["id"], 1, COLOURS[0])).status_code == 404
    name = (await put(client, moderator, pen["id"], 1, COLOURS[0])).json()["pictures"][0]["name"]
    [entry] = await audit(action="item.pictures_changed")
    assert entry["changes"] == {"pictures": [[], [name]]}


async def test_the_purge_spares_what_any_item_uses(
    client: httpx.AsyncClient, seller: Caller, storage: Storage, session: AsyncSession
) -> None:
    pen = await an_item(client, seller)
    for number in (1, 2):
        await put(client, seller, pen["id"], number, COLOURS[number])
    await client.delete(f"{ITEMS}/{pen['id']}/pictures/1", headers=seller.headers)
    with time_machine.travel(utc_now() + timedelta(days=3), tick=True):
        assert await purge(storage, partial(find_used_pictures, session)) == 1
    assert len(await names_in(storage)) == 3
    await client.delete(f"{ITEMS}/{pen['id']}", headers=seller.headers)
    with time_machine.travel(utc_now() + timedelta(days=3), tick=True):
        assert await purge(storage, partial(find_used_pictures, session)) == 1
    assert await names_in(storage) == set()


async def test_pictures_set_at_once_are_all_there(live_app: FastAPI, live_sign_up: SignUp) -> None:
    seller = await live_sign_up()
    async with client_of(live_app) as client:
        pen = await an_item(client, seller)
        await put(client, seller, pen["id"], 1, COLOURS[0])
        answers = await asyncio.gather(*(put(client, seller, pen["id"], 2, size) for size in COLOURS[1:4]))
        assert {answer.status_code for answer in answers} == {200}
        shown = await widths(client, pen["id"])
        # Each replaces the one before: whoever is last stands there, and nothing is there twice.
        assert (len(shown), shown[0]) == (2, 60)
        assert (await client.get(f"{ITEMS}/{pen['id']}")).json()["version"] == 5


@pytest.mark.parametrize("path", [ITEMS, BOOKS])
async def test_json_is_taken_as_ever_beside_forms(
    client: httpx.AsyncClient, seller: Caller, path: str
) -> None:
    assert (
        await client.post(path, json={"title": "T", "price": 1}, headers=seller.headers)
    ).status_code == 201
    for content_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = await client.post(
            path, content=b"title=T", headers={**seller.headers, "Content-Type": content_type}
        )
        assert answer.status_code in {415, 422}
    assert (await client.put(path, **form({"title": "T"}), headers=seller.headers)).status_code == 405
