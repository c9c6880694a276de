"""Makes pictures, good ones and hostile ones, and asks for covers."""

import struct
import zlib
from io import BytesIO
from typing import Any

import httpx
from PIL import Image, ImageDraw

from app.catalog.pictures.store import FILE, FOLDER, UNUSED_FOR
from app.core.storage.purge import FindUsed, purge_unused
from app.core.storage.storage import Storage
from tests.conftest import Caller

BOOKS = "/api/v1/books"
FORMATS = {"a.jpg": "JPEG", "a.png": "PNG", "a.webp": "WEBP", "a.avif": "AVIF"}
RED = (200, 30, 30)


def picture(
    kind: str = "JPEG", size: tuple[int, int] = (1200, 1800), mode: str = "RGB", **options: Any
) -> bytes:
    """One of two colours: the upper half red, the lower half white."""
    plain = Image.new("RGB", size, "white")
    ImageDraw.Draw(plain).rectangle((0, 0, size[0], size[1] // 2 - 1), fill=RED)
    file = BytesIO()
    plain.convert(mode).save(file, kind, **options)
    return file.getvalue()


def png_of(width: int, height: int, pixels: bytes) -> bytes:
    """A PNG by hand: it claims to have whatever size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(pixels, 9))
        + chunk(b"IEND", b"")
    )


def animation(kind: str) -> bytes:
    """Three frames."""
    frames = [Image.new("RGB", (60, 90), colour) for colour in ("red", "green", "blue")]
    file = BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=100)
    return file.getvalue()


def opened(content: bytes) -> Image.Image:
    loaded = Image.open(BytesIO(content))
    loaded.load()
    return loaded


async def make_book(client: httpx.AsyncClient, caller: Caller, **fields: object) -> int:
    answer = await client.post(BOOKS, json={"title": "T", "price": 1, **fields}, headers=caller.headers)
    return int(answer.raise_for_status().json()["id"])


def path_of(book_id: int) -> str:
    return f"{BOOKS}/{book_id}/cover"


async def put_cover(
    client: httpx.AsyncClient,
    caller: Caller,
    book_id: int,
    content: bytes,
    name: str = "front.jpg",
    **headers: str,
) -> httpx.Response:
    return await client.put(
        path_of(book_id), files={"file": (name, content)}, headers={**caller.headers, **headers}
    )


async def read_cover(client: httpx.AsyncClient, book_id: int) -> dict[str, Any] | None:
    cover: dict[str, Any] | None = (await client.get(f"{BOOKS}/{book_id}")).raise_for_status().json()["cover"]
    return cover


async def names_in(storage: Storage) -> set[str]:
    return {file.name async for file in storage.list("covers")}


async def purge(storage: Storage, find_used: FindUsed) -> int:
    """Purge pictures as their job does; how many there were."""
    return await purge_unused(storage, FOLDER, FILE, find_used, unused_for=UNUSED_FOR)
