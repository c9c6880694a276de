"""Hostile, damaged and mislabelled pictures, and bodies that are no uploads: refused, and nothing is left."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image

from app.catalog.pictures import encoding
from app.catalog.pictures.forms import ONE_FILE
from app.catalog.pictures.store import LARGEST_FILE
from app.core.storage.storage import Storage
from tests.conftest import Caller

from .pictures import animation, make_book, names_in, path_of, picture, png_of, put_cover, read_cover

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
JPEG = picture()
FORM = {"Content-Type": "multipart/form-data; boundary=b"}


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Where temporary files go; there is none at the end."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


Book = tuple[Caller, int]


@pytest.fixture
async def book(client: httpx.AsyncClient, seller: Caller) -> Book:
    """A seller and a book of theirs."""
    return seller, await make_book(client, seller)


@pytest.mark.usefixtures("scratch")
@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        pytest.param(b"", (415, "unsupported-picture"), id="empty"),
        pytest.param(SVG, (415, "unsupported-picture"), id="svg"),
        pytest.param(b"<html><script>alert(1)</script>", (415, "unsupported-picture"), id="html"),
        pytest.param(b"%PDF-1.7\n", (415, "unsupported-picture"), id="pdf"),
        pytest.param(b"PK\x03\x04" + bytes(100), (415, "unsupported-picture"), id="zip"),
        pytest.param(picture("GIF", mode="P"), (415, "unsupported-picture"), id="gif"),
        pytest.param(picture("TIFF"), (415, "unsupported-picture"), id="tiff"),
        pytest.param(picture("BMP"), (415, "unsupported-picture"), id="bmp"),
        pytest.param(picture("ICO", (64, 64)), (415, "unsupported-picture"), id="ico"),
        pytest.param(JPEG[: len(JPEG) // 2], (422, "broken-picture"), id="half a jpeg"),
        pytest.param(picture("PNG")[:200], (422, "broken-picture"), id="a bit of a png"),
        pytest.param(picture("WEBP")[:-40], (422, "broken-picture"), id="most of a webp"),
        pytest.param(png_of(300, 300, b"\0" * 100), (422, "broken-picture"), id="png without its pixels"),
        pytest.param(png_of(60_000, 60_000, b""), (422, "picture-too-detailed"), id="bomb"),
        pytest.param(
            png_of(5_001, 5_001, bytes(5_001 * 15_004)), (422, "picture-too-detailed"), id="too many pixels"
        ),
        pytest.param(png_of(10_001, 1, b""), (422, "picture-too-detailed"), id="too wide"),
        pytest.param(png_of(1, 10_001, b""), (422, "picture-too-detailed"), id="too high"),
        pytest.param(png_of(0, 10, b""), (415, "unsupported-picture"), id="no width"),
        pytest.param(animation("PNG"), (422, "animated-picture"), id="animated png"),
        pytest.param(animation("WEBP"), (422, "animated-picture"), id="animated webp"),
        pytest.param(animation("AVIF"), (422, "animated-picture"), id="animated avif"),
    ],
)
async def test_what_is_no_proper_picture_is_refused_and_leaves_nothing(
    client: httpx.AsyncClient,
    book: Book,
    storage: Storage,
    content: bytes,
    refusal: tuple[int, str],
) -> None:
    answer = await put_cover(client, *book, content)
    assert (answer.status_code, answer.json()["code"]) == refusal, answer.text
    assert await names_in(storage) == set()
    assert await read_cover(client, book[1]) is None


async def test_the_content_decides_and_not_the_name(client: httpx.AsyncClient, book: Book) -> None:
    assert (await put_cover(client, *book, picture("PNG"), "front.jpg")).status_code == 200
    assert (await put_cover(client, *book, picture("AVIF"), "../../x.svg")).status_code == 200
    assert (await put_cover(client, *book, SVG, "front.png")).status_code == 415


async def test_what_hides_behind_a_picture_is_not_served(client: httpx.AsyncClient, book: Book) -> None:
    hidden = b"<script>alert(document.domain)</script>"
    answer = await put_cover(client, *book, JPEG + hidden)
    for url in answer.json()["cover"]["urls"].values():
        assert hidden not in (await client.get(url)).content


async def test_a_camera_s_jpeg_with_previews_behind_it_is_one_picture(
    client: httpx.AsyncClient, book: Book, tmp_path: Path
) -> None:
    path = tmp_path / "a.mpo"
    Image.new("RGB", (300, 400), "red").save(
        path, "MPO", save_all=True, append_images=[Image.new("RGB", (30, 40), "blue")]
    )
    answer = await put_cover(client, *book, path.read_bytes())
    assert (answer.json()["cover"]["width"], answer.json()["cover"]["height"]) == (300, 400)


@pytest.mark.usefixtures("scratch")
async def test_a_file_that_is_too_large_is_refused_while_it_comes(
    client: httpx.AsyncClient, book: Book, storage: Storage
) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
        while sent < 4 * ONE_FILE:
            sent += 1_000_000
            yield bytes(1_000_000)

    answer = await client.put(path_of(book[1]), content=body(), headers={**book[0].headers, **FORM})
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert sent < 2 * ONE_FILE
    announced = {**book[0].headers, **FORM, "Content-Length": str(ONE_FILE + 1)}
    answer = await client.put(path_of(book[1]), content=b"", headers=announced)
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    one_too_many = await put_cover(client, *book, JPEG + bytes(LARGEST_FILE + 1 - len(JPEG)))
    assert (one_too_many.status_code, one_too_many.json()["code"]) == (413, "upload-too-large")
    assert await names_in(storage) == set()
    largest = await put_cover(client, *book, JPEG + bytes(LARGEST_FILE - len(JPEG)))
    assert largest.status_code == 200


@pytest.mark.usefixtures("scratch")
async def test_a_body_that_is_no_upload_is_told_what_is_wrong(client: httpx.AsyncClient, book: Book) -> None:
    async def put(content: bytes, media_type: str) -> tuple[int, str, list[str]]:
        headers = {**book[0].headers, "Content-Type": media_type}
        answer = await client.put(path_of(book[1]), content=content, headers=headers)
        problem = answer.json()
        return answer.status_code, problem["code"], [each["field"] for each in problem.get("errors", ())]

    async def form(**files: object) -> tuple[int, str, list[str]]:
        request = httpx.Request("PUT", "http://x", files=files)  # type: ignore[arg-type]  # whatever the case says
        return await put(request.read(), request.headers["content-type"])

    assert await put(JPEG, "image/jpeg") == (415, "not-an-upload", [])
    assert await put(b"", "") == (415, "not-an-upload", [])
    assert await put(b"", "multipart/form-data") == (400, "bad-request", [])
    assert await put(b"junk", "multipart/form-data; boundary=b") == (400, "bad-request", [])
    assert await put(b"--b--\r\n", "multipart/form-data; boundary=b") == (422, "validation", ["file"])
    assert await form(picture=("a.jpg", JPEG)) == (422, "validation", ["picture"])
    assert await form(file=(None, b"text")) == (422, "validation", ["file"])
    assert await put(b"{", "application/json") == (422, "validation", ["body"])
    assert await put(b'{"upload": "../x"}', "application/json") == (422, "validation", ["upload"])
    assert await put(b"{}", "application/json") == (422, "validation", ["body"])
    broken = {**book[0].headers, "Content-Type": "application/json"}
    told = (await client.put(path_of(book[1]), content=b"{", headers=broken)).json()["detail"]
    assert told.endswith("at line 1 column 1")


@pytest.mark.usefixtures("scratch")
async def test_an_upload_that_breaks_off_leaves_nothing(app: FastAPI, book: Book, storage: Storage) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    messages: list[dict[str, object]] = [
        {"type": "http.request", "body": head + JPEG, "more_body": True},
        {"type": "http.disconnect"},
    ]
    headers = {**book[0].headers, **FORM}
    scope = {
        "type": "http",
        "method": "PUT",
        "path": path_of(book[1]),
        "raw_path": path_of(book[1]).encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        "scheme": "http",
        "state": {},
    }
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] == 400
    assert await names_in(storage) == set()


@pytest.fixture
def replace_encoder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Another script in place of the encoder, for as long as the test lasts."""

    def replace(script: str) -> None:
        path = tmp_path / "encoder.py"
        path.write_text(script)
        monkeypatch.setattr(encoding, "_ENCODER", path)

    yield replace
    monkeypatch.undo()


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("import os; os.abort()", id="crashes"),
        pytest.param("x = bytearray(1 << 40)", id="runs out of memory"),
        pytest.param("while True: print('x' * 100000)", id="floods"),
        pytest.param("print('{}')", id="answers nonsense"),
        pytest.param("print('junk')", id="answers junk"),
        pytest.param(
            'print(\'{"width": 1, "height": 1, "lengths": [1, 1, 1]}\'); print("<svg>")',
            id="answers what is no WebP",
        ),
    ],
)
async def test_an_encoder_gone_wrong_harms_nobody(
    client: httpx.AsyncClient,
    book: Book,
    storage: Storage,
    script: str,
    replace_encoder: Callable[[str], None],
) -> None:
    replace_encoder(script)
    answer = await put_cover(client, *book, JPEG)
    assert (answer.status_code, answer.json()["code"]) == (422, "broken-picture")
    assert await names_in(storage) == set()


async def test_a_picture_is_not_to_blame_for_a_busy_machine(
    client: httpx.AsyncClient, book: Book, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "TIME_LIMIT", 0.0)
    answer = await put_cover(client, *book, JPEG)
    assert (answer.status_code, answer.json()["code"]) == (503, "pictures-busy")
    assert answer.headers["Retry-After"] == "5"
    assert await names_in(storage) == set()


async def test_a_picture_that_takes_all_its_time_is_broken(
    client: httpx.AsyncClient, book: Book, replace_encoder: Callable[[str], None]
) -> None:
    replace_encoder("import resource; resource.setrlimit(resource.RLIMIT_CPU, (0, 10))\nwhile True: pass")
    answer = await put_cover(client, *book, JPEG)
    assert (answer.status_code, answer.json()["code"]) == (422, "broken-picture")


async def test_too_many_pictures_at_once_are_asked_to_come_back(
    app: FastAPI, client: httpx.AsyncClient, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "LONGEST_QUEUE", 0)
    answer = await put_cover(client, *book, JPEG)
    assert (answer.status_code, answer.json()["code"]) == (503, "pictures-busy")
    assert answer.headers["retry-after"] == "5"
    monkeypatch.undo()
    encoder = app.state.picture_encoder
    first, second = await asyncio.gather(put_cover(client, *book, JPEG), client.get("/health/live"))
    assert (first.status_code, second.status_code) == (200, 200)
    assert encoder._waiting == 0  # noqa: SLF001 (nothing outside tells)
