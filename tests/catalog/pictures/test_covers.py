"""Covers of books over HTTP: uploading, serving, who may, races."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from io import BytesIO

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image

from app.core.storage.storage import Storage, StorageAway
from app.identity.permissions import Role
from tests.catalog.test_audited_edits import log_of
from tests.conftest import ROOT, Caller, SignUp, client_of

from .pictures import BOOKS, FORMATS, make_book, names_in, opened, path_of, picture, put_cover, read_cover


@pytest.mark.parametrize("name", FORMATS)
async def test_a_picture_becomes_webp_in_three_sizes(
    client: httpx.AsyncClient, seller: Caller, storage: Storage, name: str
) -> None:
    book_id = await make_book(client, seller)
    answer = await put_cover(client, seller, book_id, picture(FORMATS[name]), name)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["version"], answer.headers["etag"]) == (2, '"2.1.0"')
    cover = await read_cover(client, book_id)
    assert cover is not None
    assert cover == answer.json()["cover"]
    assert (cover["width"], cover["height"]) == (1000, 1500)
    for size, expected in {"s": (160, 240), "m": (400, 600), "l": (1000, 1500)}.items():
        served = await client.get(cover["urls"][size])
        assert served.headers["content-type"] == "image/webp"
        seen = opened(served.content)
        assert (seen.format, seen.mode, seen.size) == ("WEBP", "RGB", expected)
        red, green, _ = seen.getpixel((5, 5))  # type: ignore[misc]  # an RGB picture's pixel has three parts
        assert (red > 150, green < 80) == (True, True)
    assert len(await names_in(storage)) == 3


async def test_a_small_picture_is_not_enlarged(client: httpx.AsyncClient, seller: Caller) -> None:
    book_id = await make_book(client, seller)
    cover = (await put_cover(client, seller, book_id, picture(size=(200, 300)))).json()["cover"]
    assert (cover["width"], cover["height"]) == (200, 300)
    widths = [opened((await client.get(cover["urls"][size])).content).width for size in "sml"]
    assert widths == [160, 200, 200]


async def test_a_picture_is_served_for_ever_and_can_do_no_harm(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    book_id = await make_book(client, seller)
    url = (await put_cover(client, seller, book_id, picture())).json()["cover"]["urls"]["m"]
    served = await client.get(url)
    assert served.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert served.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert served.headers["cross-origin-resource-policy"] == "cross-origin"
    again = await client.get(url, headers={"If-None-Match": served.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "file",
    ["0" * 40 + "-s.webp", "0" * 40 + "-x.webp", "..%2f..%2fsecret", "a.webp", "0" * 40 + "-s.webp%0a"],
)
async def test_a_picture_that_is_none_is_not_found(client: httpx.AsyncClient, file: str) -> None:
    answer = await client.get(f"/media/covers/{file}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_nothing_of_the_metadata_is_left_and_the_picture_stands_upright(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010F] = "Camera of somebody"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)  # where it was taken
    content = picture(size=(900, 600), exif=exif.tobytes(), comment=b"somebody's comment")
    assert b"Camera of somebody" in content
    book_id = await make_book(client, seller)
    cover = (await put_cover(client, seller, book_id, content)).json()["cover"]
    assert (cover["width"], cover["height"]) == (600, 900)
    for url in cover["urls"].values():
        served = (await client.get(url)).content
        assert not opened(served).getexif()
        assert served[12:16] == b"VP8 "  # the plain format, which has no place for metadata
        assert b"somebody" not in served


async def test_a_picture_of_any_mode_comes_out_as_it_looks(client: httpx.AsyncClient, seller: Caller) -> None:
    book_id = await make_book(client, seller)
    clear = BytesIO()
    Image.new("RGBA", (200, 300), (0, 0, 0, 0)).save(clear, "PNG")
    grey = BytesIO()
    Image.new("I;16", (200, 300), 0x8000).save(grey, "PNG")
    cases = {
        clear.getvalue(): (255, 255, 255),
        grey.getvalue(): (128, 128, 128),
        picture("JPEG", (200, 300), "CMYK"): (200, 30, 30),
        picture("PNG", (200, 300), "P"): (200, 30, 30),
    }
    for content, expected in cases.items():
        cover = (await put_cover(client, seller, book_id, content)).json()["cover"]
        seen = opened((await client.get(cover["urls"]["l"])).content).getpixel((20, 20))
        assert seen == pytest.approx(expected, abs=25)


async def test_a_cover_is_taken_away(client: httpx.AsyncClient, seller: Caller) -> None:
    book_id = await make_book(client, seller)
    url = (await put_cover(client, seller, book_id, picture())).json()["cover"]["urls"]["s"]
    assert (await client.delete(path_of(book_id), headers=seller.headers)).status_code == 204
    book = (await client.get(f"{BOOKS}/{book_id}")).json()
    assert (book["cover"], book["version"]) == (None, 3)
    assert (await client.delete(path_of(book_id), headers=seller.headers)).status_code == 204
    assert (await client.get(f"{BOOKS}/{book_id}")).json()["version"] == 3
    # Whoever holds the address may still have it in a page: the purge takes it.
    assert (await client.get(url)).status_code == 200


async def test_the_same_cover_again_changes_nothing(client: httpx.AsyncClient, seller: Caller) -> None:
    book_id = await make_book(client, seller)
    first = await put_cover(client, seller, book_id, picture())
    again = await put_cover(client, seller, book_id, picture())
    assert again.json() == first.json()


async def test_lists_show_the_new_cover_at_once(client: httpx.AsyncClient, seller: Caller) -> None:
    book_id = await make_book(client, seller)
    assert (await client.get(BOOKS)).json()["items"][0]["cover"] is None
    cover = (await put_cover(client, seller, book_id, picture())).json()["cover"]
    assert (await client.get(BOOKS)).json()["items"][0]["cover"] == cover


async def test_only_the_owner_or_a_moderator_may_and_what_staff_do_is_audited(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, storage: Storage
) -> None:
    book_id, stranger = await make_book(client, seller), await sign_up()
    refused = await put_cover(client, stranger, book_id, picture())
    assert (refused.status_code, refused.json()["code"]) == (403, "not-your-item")
    gone = await client.delete(path_of(book_id), headers=stranger.headers)
    assert (gone.status_code, gone.json()["code"]) == (403, "not-your-item")
    assert await names_in(storage) == set()
    assert (await put_cover(client, seller, book_id, picture())).status_code == 200
    set_by_staff = await put_cover(client, moderator, book_id, picture(size=(300, 400)))
    name = set_by_staff.json()["cover"]["urls"]["s"].rpartition("/")[2].partition("-")[0]
    logged = await log_of(client, await sign_up(Role.ADMIN), "item")
    assert [(action, changes["pictures"][1]) for action, changes in logged] == [
        ("item.pictures_changed", [name])
    ]


async def test_who_may_not_is_told_before_the_body_is_read(
    app: FastAPI, client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    book_id, stranger = await make_book(client, seller), await sign_up()
    read: list[bytes] = []

    async def body() -> AsyncIterator[bytes]:
        read.append(b"x")
        yield b"x"

    cases = {
        (path_of(book_id), ""): "not-authenticated",
        (path_of(book_id), stranger.headers["Authorization"]): "not-your-item",
        (path_of(999_999), seller.headers["Authorization"]): "book-not-found",
    }
    del app
    for (path, token), code in cases.items():
        headers = {
            "Content-Type": "multipart/form-data; boundary=b",
            **({"Authorization": token} if token else {}),
        }
        answer = await client.put(path, content=body(), headers=headers)
        assert answer.json()["code"] == code
    assert read == []


async def test_a_stale_tag_is_refused_before_and_after_the_upload(
    client: httpx.AsyncClient, seller: Caller, storage: Storage
) -> None:
    book_id = await make_book(client, seller)
    stale = await put_cover(client, seller, book_id, picture(), **{"If-Match": '"7"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale-version")
    assert await names_in(storage) == set()
    fresh = await put_cover(client, seller, book_id, picture(), **{"If-Match": '"1.1.0"'})
    assert fresh.status_code == 200


async def test_of_two_uploads_with_one_tag_one_wins(live_app: FastAPI, live_sign_up: SignUp) -> None:
    seller = await live_sign_up()
    async with client_of(live_app) as client:
        book_id = await make_book(client, seller)
        answers = await asyncio.gather(
            *(
                put_cover(client, seller, book_id, picture(size=(width, 300)), **{"If-Match": '"1"'})
                for width in (200, 210, 220)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
        won = next(answer for answer in answers if answer.status_code == 200)
        assert await read_cover(client, book_id) == won.json()["cover"]


async def test_a_book_that_vanishes_during_the_upload_is_not_found(
    live_app: FastAPI, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    async with client_of(live_app) as client:
        book_id = await make_book(client, seller)
        content = picture()
        form = httpx.Request("PUT", "http://x", files={"file": ("a.jpg", content)})

        async def body() -> AsyncIterator[bytes]:
            deleted = await client.delete(f"{BOOKS}/{book_id}", headers=seller.headers)
            assert deleted.status_code == 204
            yield form.read()

        headers = {**seller.headers, "Content-Type": form.headers["content-type"]}
        answer = await client.put(path_of(book_id), content=body(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "book-not-found")


async def test_a_store_that_is_away_answers_503_and_the_book_stays_as_it_was(
    app: FastAPI, client: httpx.AsyncClient, seller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        async def put(self, name: str, content: bytes) -> None:
            raise StorageAway(f"{name}: {len(content)} bytes")

        async def read(self, name: str) -> bytes:
            raise StorageAway(name)

    book_id = await make_book(client, seller)
    monkeypatch.setitem(app.state.storage.__dict__, "opened", Away())
    answer = await put_cover(client, seller, book_id, picture())
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "retry-after" in answer.headers
    assert (await client.get("/media/covers/" + "0" * 40 + "-s.webp")).status_code == 503
    assert await read_cover(client, book_id) is None


def test_the_api_loads_neither_pillow_nor_the_store_s_library() -> None:
    script = "import sys, app.main; print(*sys.modules)"
    loaded = subprocess.check_output((sys.executable, "-c", script), cwd=ROOT, text=True).split()  # noqa: S603 (our own interpreter)
    assert "app.catalog.pictures.router" in loaded
    assert {"PIL", "obstore", "app.core.storage.objects"} & set(loaded) == set()
