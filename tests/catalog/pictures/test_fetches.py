"""Asking for a picture by its address: what is refused at once, and who sees how it stands."""

from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.conftest import Audit, Caller, SignUp, events_of

from .pictures import make_book, path_of, picture, put_cover, read_cover

URL = "https://covers.example.org/a.jpg"


@pytest.mark.parametrize(
    "url",
    [
        "http://covers.example.org/a.jpg",
        "https://127.0.0.1/a.jpg",
        "https://0x7f000001/",
        "https://[::ffff:127.0.0.1]/",
        "https://covers.example.org:8080/a.jpg",
        "https://me:secret@covers.example.org/a.jpg",
        "file:///etc/passwd",
        "https://" + "a" * 3000,
        "",
    ],
)
async def test_an_address_that_may_not_be_called_is_refused_by_name(
    client: httpx.AsyncClient, seller: Caller, url: str
) -> None:
    book_id = await make_book(client, seller)
    refused = await client.put(path_of(book_id), json={"url": url}, headers=seller.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "picture-url-refused")
    assert refused.json()["errors"][0]["field"] == "url"


@pytest.mark.parametrize(
    "body",
    [{}, {"url": None}, {"url": URL, "upload": "0" * 40}, {"url": 7}, {"url": "a\nb"}, {"url": URL, "x": 1}],
    ids=str,
)
async def test_a_body_names_either_an_upload_or_an_address(
    client: httpx.AsyncClient, seller: Caller, body: dict[str, Any]
) -> None:
    book_id = await make_book(client, seller)
    refused = await client.put(path_of(book_id), json=body, headers=seller.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "validation")


async def test_a_fetch_is_shown_to_who_may_edit_the_item(
    client: httpx.AsyncClient, session: AsyncSession, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    book_id = await make_book(client, seller)
    answer = await client.put(path_of(book_id), json={"url": URL}, headers=seller.headers)
    assert answer.status_code == 202, answer.text
    fetch = answer.json()
    assert answer.headers["location"] == f"/api/v1/items/{book_id}/picture-fetches/{fetch['id']}"
    assert (fetch["state"], fetch["url"], fetch["number"], fetch["item_id"]) == ("pending", URL, 1, book_id)
    for caller in (seller, moderator):
        assert (await client.get(answer.headers["location"], headers=caller.headers)).json() == fetch
    stranger = await sign_up()
    other_book = await make_book(client, stranger)
    for path in (
        answer.headers["location"],
        f"/api/v1/items/{other_book}/picture-fetches/{fetch['id']}",
        f"/api/v1/items/{book_id}/picture-fetches/999",
    ):
        hidden = await client.get(path, headers=stranger.headers)
        assert (hidden.status_code, hidden.json()["code"]) == (404, "picture-fetch-not-found")
    refused = await client.put(path_of(book_id), json={"url": URL}, headers=stranger.headers)
    assert refused.json()["code"] == "not-your-item"
    assert await events_of(session, "picture.wanted") == [{"fetch_id": fetch["id"]}]
    assert await read_cover(client, book_id) is None


async def test_a_stale_version_asks_for_nothing(
    client: httpx.AsyncClient, session: AsyncSession, seller: Caller
) -> None:
    book_id = await make_book(client, seller)
    await put_cover(client, seller, book_id, picture())
    headers = {**seller.headers, "If-Match": '"1"'}
    refused = await client.put(path_of(book_id), json={"url": URL}, headers=headers)
    assert refused.status_code == 412
    assert await events_of(session, "picture.wanted") == []


async def test_what_staff_ask_for_is_audited_without_the_address(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, audit: Audit
) -> None:
    book_id = await make_book(client, seller)
    for caller in (seller, moderator):
        await client.put(path_of(book_id), json={"url": f"{URL}?key=opensesame"}, headers=caller.headers)
    [entry] = await audit(action="item.picture_wanted")
    assert (entry["actor_id"], entry["changes"]) == (moderator.id, {"picture": [None, 1]})
    assert "opensesame" not in str(entry)
