"""Documents over HTTP: what is kept, what is refused, who sees them, how they are served, the purge."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import time_machine
from dirty_equals import IsInt, IsStr
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.documents import checking, service
from app.catalog.documents.queries import find_used_files
from app.catalog.documents.store import FILE, FOLDER, UNUSED_FOR
from app.core.clock import utc_now
from app.core.storage.purge import purge_unused
from app.core.storage.storage import Storage
from tests.conftest import Caller, SignUp

from .documents import (
    DOCUMENTS,
    encrypted,
    kept,
    launching,
    opening,
    pdf,
    upload,
    with_attachment,
    with_link,
    with_script,
    writer_of,
    written,
)


@pytest.fixture
async def storage(app: FastAPI) -> Storage:
    opened: Storage = app.state.storage.opened
    await opened.delete([file.name async for file in opened.list("documents")])
    return opened


async def files_in(storage: Storage) -> list[str]:
    return [file.name async for file in storage.list("documents")]


async def test_documents_of_each_kind_are_kept_and_described(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    texts = [("Notizen.TXT", "Grüße, 世界\r\n".encode()), ("utf16.txt", "Grüße".encode("utf-16"))]
    tables = [("prices.csv", b'\xef\xbb\xbfsku;price\n"A;1";2\n')]
    items = await kept(
        client, seller, ("list.pdf", pdf(3)), *texts, *tables, description="Spring", category="prices"
    )
    assert [(one["filename"], one["kind"], one["pages"]) for one in items] == [
        ("list.pdf", "pdf", 3),
        ("Notizen.TXT", "text", None),
        ("utf16.txt", "text", None),
        ("prices.csv", "csv", None),
    ]
    assert items[0] == {
        "id": IsInt,
        "filename": "list.pdf",
        "kind": "pdf",
        "size": len(pdf(3)),
        "pages": 3,
        "description": "Spring",
        "category": "prices",
        "url": IsStr(regex=r"/media/documents/[0-9a-f]{40}\.pdf"),
        "created_at": IsStr(regex=r".*Z"),
    }
    one = await client.get(f"{DOCUMENTS}/{items[0]['id']}", headers=seller.headers)
    assert one.json() == items[0]
    listed = await client.get(DOCUMENTS, params={"limit": 2}, headers=seller.headers)
    assert (listed.json()["total"], listed.json()["items"]) == (4, items[:1:-1])
    rest = await client.get(
        DOCUMENTS, params={"limit": 2, "cursor": listed.json()["next_cursor"]}, headers=seller.headers
    )
    assert rest.json()["items"] == items[1::-1]
    for query, expected in (("kind=csv", 1), ("category=prices", 4), ("category=other", 0)):
        answer = await client.get(f"{DOCUMENTS}?{query}", headers=seller.headers)
        assert answer.json()["total"] == expected


async def test_a_document_is_a_download_that_runs_nothing(client: httpx.AsyncClient, seller: Caller) -> None:
    name = 'Größe „1"; x=.pdf'
    [item] = await kept(client, seller, (name, pdf()))
    served = await client.get(item["url"])
    assert (served.status_code, served.content) == (200, pdf())
    assert served.headers["content-type"] == "application/pdf"
    disposition = served.headers["content-disposition"]
    assert disposition.startswith("attachment; filename=\"document.pdf\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe")
    assert served.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert served.headers["cache-control"] == "private, no-store"
    [page] = await kept(client, seller, ("page.txt", b"<script>alert(1)</script>"))
    text = await client.get(page["url"])
    assert text.headers["content-type"].startswith("text/plain")
    assert text.headers["content-disposition"].startswith("attachment")


async def test_documents_are_their_owners_alone(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    [item] = await kept(client, seller, ("a.txt", b"a"))
    path = f"{DOCUMENTS}/{item['id']}"
    for other in (await sign_up(), moderator):
        assert (await client.get(DOCUMENTS, headers=other.headers)).json()["total"] == 0
        for method in ("GET", "DELETE"):
            answer = await client.request(method, path, headers=other.headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "document-not-found")
    for method, address in (("POST", DOCUMENTS), ("GET", DOCUMENTS), ("GET", path), ("DELETE", path)):
        assert (await client.request(method, address)).status_code == 401
    assert (await client.delete(path, headers=seller.headers)).status_code == 204
    assert (await client.delete(path, headers=seller.headers)).status_code == 404
    assert (await client.get(item["url"])).status_code == 404


@pytest.mark.parametrize(
    "file", ["0" * 40 + ".pdf", "0" * 40 + ".exe", "..%2f..%2fsecret", "%00", "a.pdf", "0" * 40 + ".pdf%0a"]
)
async def test_a_document_that_is_none_is_not_found(client: httpx.AsyncClient, file: str) -> None:
    answer = await client.get(f"/media/documents/{file}")
    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/problem+json"


CUT = pdf()[: len(pdf()) // 2]
ODD: dict[str, tuple[str, bytes, int, str]] = {
    "a picture by its name": ("a.png", b"\x89PNG\r\n", 415, "unsupported-document"),
    "a page of the web": ("a.html", b"<html>", 415, "unsupported-document"),
    "no name": ("pdf", b"text", 415, "unsupported-document"),
    "another thing called PDF": ("a.pdf", b"MZ\x90\x00", 415, "unsupported-document"),
    "something before the PDF": ("a.pdf", b"GIF89a" + pdf(), 415, "unsupported-document"),
    "the beginning of a PDF alone": ("a.pdf", b"%PDF-1.7\n", 422, "broken-document"),
    "half a PDF": ("a.pdf", CUT, 422, "broken-document"),
    "a PDF with nothing in it": ("a.pdf", b"%PDF-1.4\ntrailer<</Root 1 0 R>>\n%%EOF", 422, "broken-document"),
    "a PDF without pages": ("a.pdf", written(writer_of(0)), 422, "broken-document"),
    "a PDF called text": ("a.txt", CUT, 422, "broken-document"),
    "an encrypted PDF": ("a.pdf", encrypted(), 422, "unsafe-document"),
    "a PDF with a script": ("a.pdf", with_script(), 422, "unsafe-document"),
    "a PDF with a file in it": ("a.pdf", with_attachment(), 422, "unsafe-document"),
    "a PDF that starts a program": ("a.pdf", launching(), 422, "unsafe-document"),
    "a PDF that sends a form": ("a.pdf", opening(), 422, "unsafe-document"),
    "binary text": ("a.txt", b"a\x00b", 422, "broken-document"),
    "text of another encoding": ("a.txt", "Grüße".encode("latin-1"), 422, "broken-document"),
    "no text": ("a.txt", b"", 422, "broken-document"),
    "blank text": ("a.txt", b" \n\t", 422, "broken-document"),
    "half of UTF-16": ("a.txt", b"\xff\xfea", 422, "broken-document"),
    "a CSV with a quote without end": ("a.csv", b'a,b\n"c,d\n', 422, "broken-document"),
    "a CSV with a huge cell": ("a.csv", b"a,b\n" + b"x" * 200_000, 422, "broken-document"),
    "too much": ("a.txt", b"x" * (5 * 1024 * 1024 + 1), 413, "upload-too-large"),
}


@pytest.mark.parametrize("case", ODD)
async def test_what_is_no_honest_document_is_refused(
    client: httpx.AsyncClient, seller: Caller, storage: Storage, case: str
) -> None:
    name, content, status, code = ODD[case]
    answer = await upload(client, seller, (name, content))
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert await files_in(storage) == []


async def test_a_link_to_the_web_is_no_harm(client: httpx.AsyncClient, seller: Caller) -> None:
    [item] = await kept(client, seller, ("a.pdf", with_link()))
    assert item["pages"] == 1


async def test_all_are_kept_or_none(client: httpx.AsyncClient, seller: Caller) -> None:
    answer = await upload(client, seller, ("a.txt", b"good"), ("b.pdf", CUT))
    assert (answer.status_code, answer.json()["code"]) == (422, "broken-document")
    assert "b.pdf" in answer.json()["detail"]
    assert (await client.get(DOCUMENTS, headers=seller.headers)).json()["total"] == 0


async def test_ten_documents_come_at_once_and_no_more(client: httpx.AsyncClient, seller: Caller) -> None:
    ten = [(f"{number}.txt", b"a") for number in range(10)]
    assert len(await kept(client, seller, *ten)) == 10
    answer = await upload(client, seller, *ten, ("11.txt", b"a"))
    assert answer.status_code in {400, 422}


@pytest.mark.parametrize(
    "fields", [{"description": "x" * 1001}, {"category": "x" * 51}, {"category": " "}, {"other": "1"}]
)
async def test_bad_fields_are_refused(
    client: httpx.AsyncClient, seller: Caller, fields: dict[str, str]
) -> None:
    answer = await upload(client, seller, ("a.txt", b"a"), fields=fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation")


async def test_a_body_without_files_is_refused(client: httpx.AsyncClient, seller: Caller) -> None:
    bodies: list[dict[str, Any]] = [{"data": {"files": "text"}}, {"json": {}}, {"content": b"x"}]
    for body in bodies:
        answer = await client.post(DOCUMENTS, headers=seller.headers, **body)
        assert answer.status_code in {415, 422}


async def test_an_upload_sent_twice_with_one_key_is_kept_once(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    key = {"Idempotency-Key": "one"}
    first = await upload(client, seller, ("a.txt", b"a"), headers=key)
    again = await upload(client, seller, ("a.txt", b"a"), headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    other = await upload(client, seller, ("a.txt", b"b"), headers=key)
    assert other.status_code == 422


async def test_an_account_keeps_so_many(
    client: httpx.AsyncClient, seller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_DOCUMENTS", 1)
    await kept(client, seller, ("a.txt", b"a"))
    answer = await upload(client, seller, ("b.txt", b"b"))
    assert (answer.status_code, answer.json()["code"]) == (409, "too-many-documents")


@pytest.mark.parametrize(
    "script",
    ["import os; os.abort()", "print('junk')", "print('x' * 10000)", 'print("{}")'],
)
async def test_a_checker_gone_wrong_keeps_nothing(
    client: httpx.AsyncClient, seller: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str
) -> None:
    path = tmp_path / "checker.py"
    path.write_text(script)
    monkeypatch.setattr(checking, "_CHECKER", path)
    answer = await upload(client, seller, ("a.pdf", pdf()))
    assert (answer.status_code, answer.json()["code"]) == (422, "broken-document")


async def test_a_document_is_not_to_blame_for_a_busy_machine(
    client: httpx.AsyncClient, seller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "TIME_LIMIT", 0.0)
    answer = await upload(client, seller, ("a.pdf", pdf()))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"]


async def test_the_purge_takes_files_that_are_old_and_nobodys(
    client: httpx.AsyncClient, seller: Caller, storage: Storage, session: AsyncSession
) -> None:
    first, second = await kept(client, seller, ("a.txt", b"a"), ("b.txt", b"b"))
    await client.delete(f"{DOCUMENTS}/{first['id']}", headers=seller.headers)
    used = partial(find_used_files, session)
    assert await purge_unused(storage, FOLDER, FILE, used, unused_for=UNUSED_FOR) == 0
    with time_machine.travel(utc_now() + timedelta(days=3), tick=True):
        assert await purge_unused(storage, FOLDER, FILE, used, unused_for=UNUSED_FOR) == 1
    assert (await client.get(second["url"])).content == b"b"
