"""Several pictures at once, what becomes of each, and the purge of those that no book uses."""

import os
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import time_machine
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.pictures.forms import MOST_FILES
from app.catalog.pictures.queries import find_used_pictures
from app.catalog.pictures.store import UNUSED_FOR, USABLE_FOR
from app.core.clock import utc_now
from app.core.storage.storage import Storage
from devstack import Servers
from tests.conftest import Caller, SignUp

from .pictures import BOOKS, make_book, names_in, path_of, picture, purge, put_cover, read_cover

UPLOADS = "/api/v1/uploads"
ISBN = "9780261102217"


async def upload(
    client: httpx.AsyncClient, caller: Caller, *files: tuple[str, bytes], **fields: str
) -> httpx.Response:
    return await client.post(
        UPLOADS, files=[("files", file) for file in files], data=fields, headers=caller.headers
    )


async def upload_one(client: httpx.AsyncClient, caller: Caller, content: bytes) -> str:
    answer = (await upload(client, caller, ("a.jpg", content))).raise_for_status().json()
    return str(answer["results"][0]["upload"])


def age(servers: Servers, by: timedelta) -> None:
    """Make every stored file that much older."""
    for path in Path(servers.files).rglob("*.webp"):
        then = path.stat().st_mtime - by.total_seconds()
        os.utime(path, (then, then))


async def test_each_file_is_stored_or_refused_on_its_own(
    client: httpx.AsyncClient, seller: Caller, storage: Storage
) -> None:
    answer = await upload(
        client, seller, ("a.jpg", picture()), ("../b\u202e.svg", b"<svg/>"), ("c.png", picture("PNG")[:200])
    )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["stored"], told["refused"]) == (1, 2)
    stored, svg, cut = told["results"]
    assert (stored["filename"], stored["status"], stored["problem"]) == ("a.jpg", "stored", None)
    assert (await client.get(stored["cover"]["urls"]["l"])).status_code == 200
    assert (svg["filename"], svg["status"], svg["problem"]["code"]) == (
        "b.svg",
        "refused",
        "unsupported-picture",
    )
    assert (cut["filename"], cut["problem"]["status"]) == ("c.png", 422)
    assert len(await names_in(storage)) == 3


async def test_an_uploaded_picture_becomes_a_cover(client: httpx.AsyncClient, seller: Caller) -> None:
    book_id, name = await make_book(client, seller), await upload_one(client, seller, picture())
    answer = await client.put(path_of(book_id), json={"upload": name}, headers=seller.headers)
    assert answer.status_code == 200, answer.text
    cover = await read_cover(client, book_id)
    assert cover is not None
    assert (cover["width"], cover["height"]) == (1000, 1500)
    assert (await client.get(cover["urls"]["s"])).status_code == 200


async def test_an_upload_that_is_unknown_or_old_is_no_cover(
    client: httpx.AsyncClient, seller: Caller, servers: Servers
) -> None:
    book_id, name = await make_book(client, seller), await upload_one(client, seller, picture())
    age(servers, USABLE_FOR)
    for each in (name, "0" * 40):
        answer = await client.put(path_of(book_id), json={"upload": each}, headers=seller.headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "unknown-upload")
    assert await read_cover(client, book_id) is None


async def test_files_named_after_isbns_become_the_covers_of_those_books(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp, storage: Storage
) -> None:
    stranger = await sign_up()
    mine = await make_book(client, seller, isbn=ISBN)
    theirs = await make_book(client, stranger, isbn="9780547928227")
    answer = await upload(
        client,
        seller,
        ("0-261-10221-4.jpg", picture()),
        ("9780547928227.jpg", picture()),
        ("9780618260300.jpg", picture()),
        ("front.jpg", picture()),
        (f"{ISBN}.png", b"junk"),
        attach="isbn",
    )
    results: list[dict[str, Any]] = answer.json()["results"]
    assert (results[0]["status"], results[0]["book_id"]) == ("stored", mine)
    codes = [result["problem"]["code"] for result in results[1:]]
    assert codes == ["not-your-item", "book-not-found", "invalid-isbn", "unsupported-picture"]
    assert await read_cover(client, mine) == results[0]["cover"]
    assert await read_cover(client, theirs) is None
    assert len(await names_in(storage)) == 3


async def test_a_form_that_says_too_little_or_too_much_is_refused(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    async def problem(answer: httpx.Response) -> tuple[int, list[str]]:
        return answer.status_code, [each["field"] for each in answer.json().get("errors", ())]

    content = picture(size=(20, 20))
    assert await problem(await upload(client, seller, ("a", content), attach="all")) == (422, ["attach"])
    assert await problem(await upload(client, seller, ("a", content), more="x")) == (422, ["more"])
    wrong = await client.post(UPLOADS, files={"file": ("a", content)}, headers=seller.headers)
    assert await problem(wrong) == (422, ["file"])
    many = await upload(client, seller, *[("a", b"x")] * (MOST_FILES + 1))
    assert (many.status_code, many.json()["code"]) == (400, "bad-request")
    json = await client.post(UPLOADS, json={}, headers=seller.headers)
    assert (json.status_code, json.json()["code"]) == (415, "not-an-upload")


async def test_the_purge_takes_what_is_old_and_unused(
    client: httpx.AsyncClient, seller: Caller, storage: Storage, servers: Servers, session: AsyncSession
) -> None:
    book_id, deleted = await make_book(client, seller), await make_book(client, seller)
    await put_cover(client, seller, book_id, picture(size=(300, 300)))
    await put_cover(client, seller, book_id, picture(size=(310, 300)))
    await put_cover(client, seller, deleted, picture(size=(320, 300)))
    await client.delete(f"{BOOKS}/{deleted}", headers=seller.headers)
    age(servers, UNUSED_FOR)
    await upload_one(client, seller, picture(size=(330, 300)))
    used = partial(find_used_pictures, session)
    assert len(await names_in(storage)) == 12
    assert await purge(storage, used) == 2
    assert len(await names_in(storage)) == 6
    assert await purge(storage, used) == 0
    cover = await read_cover(client, book_id)
    assert cover is not None
    assert (await client.get(cover["urls"]["l"])).status_code == 200


async def test_a_picture_uploaded_again_is_not_the_one_about_to_be_purged(
    client: httpx.AsyncClient, sign_up: SignUp, storage: Storage, servers: Servers, session: AsyncSession
) -> None:
    seller = await sign_up()
    content = picture(size=(300, 300))
    old = await upload_one(client, seller, content)
    assert await upload_one(client, seller, content) == old
    age(servers, UNUSED_FOR)
    with time_machine.travel(utc_now() + timedelta(days=1), tick=True):
        tomorrow = await sign_up()
        again = await put_cover(client, tomorrow, await make_book(client, tomorrow), content)
    assert again.status_code == 200, again.text
    assert old not in str(again.json()["cover"])
    assert await purge(storage, partial(find_used_pictures, session)) == 1
