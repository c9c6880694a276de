"""Makes documents, good ones and hostile ones, and uploads them."""

from io import BytesIO
from typing import Any

import httpx
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

from tests.conftest import Caller

DOCUMENTS = "/api/v1/uploads/documents"
Files = list[tuple[str, tuple[str, bytes]]]


def pdf(pages: int = 2) -> bytes:
    return written(writer_of(pages))


def writer_of(pages: int = 1) -> PdfWriter:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(width=200, height=300)
    return writer


def written(writer: PdfWriter) -> bytes:
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


def with_link() -> bytes:
    """A link to the web, which is harmless."""
    return _with_annotation({"/S": "/URI", "/URI": "https://example.com"})


def with_script() -> bytes:
    writer = writer_of()
    action = _dictionary({"/S": "/JavaScript", "/JS": "app.alert(1)"})
    writer.root_object[NameObject("/OpenAction")] = action
    return written(writer)


def with_attachment() -> bytes:
    writer = writer_of()
    writer.add_attachment("a.exe", b"MZ")
    return written(writer)


def launching() -> bytes:
    return _with_annotation({"/S": "/Launch", "/F": "cmd.exe"})


def opening() -> bytes:
    """What runs when the document opens, its action an object of its own."""
    writer = writer_of()
    action = writer._add_object(_dictionary({"/S": "/SubmitForm", "/F": "https://example.com"}))  # noqa: SLF001 (as writers of attacks do)
    writer.root_object[NameObject("/OpenAction")] = action
    return written(writer)


def encrypted() -> bytes:
    writer = writer_of()
    writer.encrypt("secret", algorithm="RC4-128")
    return written(writer)


def _with_annotation(action: dict[str, str]) -> bytes:
    writer = writer_of()
    annotation = _dictionary({"/Type": "/Annot", "/Subtype": "/Link"})
    annotation[NameObject("/A")] = _dictionary(action)
    writer.pages[0][NameObject("/Annots")] = ArrayObject([annotation])
    return written(writer)


def _dictionary(values: dict[str, str]) -> DictionaryObject:
    return DictionaryObject(
        {
            NameObject(key): NameObject(value) if value.startswith("/") else TextStringObject(value)
            for key, value in values.items()
        }
    )


async def upload(
    client: httpx.AsyncClient,
    caller: Caller,
    *files: tuple[str, bytes],
    headers: dict[str, str] | None = None,
    fields: dict[str, str] | None = None,
) -> httpx.Response:
    return await client.post(
        DOCUMENTS,
        files=[("files", file) for file in files],
        data=fields or {},
        headers={**caller.headers, **(headers or {})},
    )


async def kept(
    client: httpx.AsyncClient, caller: Caller, *files: tuple[str, bytes], **fields: str
) -> list[dict[str, Any]]:
    answer = await upload(client, caller, *files, fields=fields)
    assert answer.status_code == 201, answer.text
    return list(answer.json()["items"])
