"""Uploads that are refused, and who may send them."""

from collections.abc import AsyncIterator

import pytest

from app.core.settings.groups import ImportSettings
from tests.conftest import SignUp

from .conftest import IMPORTS, Importer, books_of, csv_of

FILE = csv_of(books_of(1))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "unreadable-file"),
        (b"PK\x03\x04" + bytes(100), "unreadable-file"),
        (bytes(range(256)) * 40, "unreadable-file"),
        (b"<html><body>no</body></html>", "unreadable-file"),
    ],
    ids=["empty", "zip", "binary", "html"],
)
async def test_what_is_no_file_of_books_is_refused_at_once(
    importer: Importer, content: bytes, code: str
) -> None:
    answer = await importer.post(content)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert (await importer.get("")).json()["total"] == 0


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("mode", "replace", "validation"),
        ("on_error", "panic", "validation"),
        ("dry_run", "perhaps", "validation"),
        ("mapping", "{", "validation"),
        ("mapping", "[]", "validation"),
        ("mapping", '{"Titel": "titel"}', "unreadable-file"),
        ("delimiter", "comma,", "validation"),
        ("encoding", "klingon", "unreadable-file"),
        ("speed", "high", "validation"),
    ],
)
async def test_bad_options_are_refused_and_leave_no_file(
    importer: Importer, field: str, value: str, code: str
) -> None:
    storage = importer.app.state.storage.opened
    earlier = {file.name async for file in storage.list("imports")}
    answer = await importer.post(FILE, **{field: value})
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert {file.name async for file in storage.list("imports")} == earlier


async def test_the_body_must_be_a_form_with_one_file(importer: Importer) -> None:
    headers = importer.caller.headers
    answer = await importer.http.post(IMPORTS, content=FILE, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "not-an-upload")
    answer = await importer.http.post(IMPORTS, files={"other": ("a.csv", FILE)}, headers=headers)
    assert answer.json()["errors"][0]["field"] == "other"
    answer = await importer.http.post(IMPORTS, files={"mode": (None, "upsert")}, headers=headers)
    assert answer.json()["errors"][0] == {"field": "file", "message": "Field required", "type": "missing"}
    two = [("file", ("a.csv", FILE)), ("file", ("b.csv", FILE))]
    assert (await importer.http.post(IMPORTS, files=two, headers=headers)).status_code == 422


async def test_a_declared_encoding_is_believed_before_the_file_is_judged(importer: Importer) -> None:
    content = "\u3042,isbn,title\n,9780261102217,A\n".encode("utf-16-le")
    refused = await importer.post(content)
    assert (refused.status_code, refused.json()["code"]) == (422, "unreadable-file")
    job = await importer.finish(content, encoding="utf-16-le")
    assert (job["format"], job["counts"]["created"]) == ("csv", 1), job
    lines = b'{"isbn": "9780261102217", "title": "A"}'.decode().encode("utf-16-be")
    assert (await importer.finish(lines, encoding="utf-16-be"))["format"] == "ndjson"


async def test_options_after_the_file_count_too(importer: Importer) -> None:
    boundary = "x-x-x"
    parts = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'.encode()
        + FILE
        + f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="mode"\r\n\r\ncreate\r\n--{boundary}--\r\n'.encode()
    )

    async def trickle() -> AsyncIterator[bytes]:
        for start in range(0, len(parts), 7):
            yield parts[start : start + 7]

    headers = {**importer.caller.headers, "Content-Type": f"multipart/form-data; boundary={boundary}"}
    answer = await importer.http.post(IMPORTS, content=trickle(), headers=headers)
    assert (answer.status_code, answer.json()["mode"]) == (202, "create"), answer.text
    assert answer.json()["size"] == len(FILE)


async def test_a_delimiter_is_said_by_name_or_as_it_is(importer: Importer) -> None:
    content = csv_of(books_of(2), delimiter="\t")
    for delimiter in ("tab", "\t"):
        job = await importer.finish(content, delimiter=delimiter)
        assert job["counts"]["failed"] == 0, job


async def test_a_body_that_breaks_off_is_refused(importer: Importer) -> None:
    broken = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nisbn,title\n'
    headers = {**importer.caller.headers, "Content-Type": "multipart/form-data; boundary=x"}
    answer = await importer.http.post(IMPORTS, content=broken, headers=headers)
    assert answer.json()["code"] == "upload-interrupted"


async def test_a_file_may_be_larger_than_other_bodies_but_not_too_large(importer: Importer) -> None:
    two_mib = FILE + b"9780261102217," + b"x" * (2 * 1024 * 1024) + b"\n"
    assert (await importer.post(two_mib)).status_code == 202
    state = importer.app.state
    state.settings = state.settings.model_copy(update={"imports": ImportSettings(max_size=1)})
    answer = await importer.post(two_mib)
    assert (answer.status_code, answer.json()["code"]) == (413, "upload-too-large")


async def test_a_file_that_cannot_be_read_fails_the_job_with_the_reason(importer: Importer) -> None:
    job = await importer.finish(b"colour,shape\nred,round\n")
    assert job["state"] == "failed"
    assert "isbn" in job["error"].lower()


async def test_only_who_may_transfer_the_catalogue_imports(importer: Importer, live_sign_up: SignUp) -> None:
    files = {"file": ("books.csv", FILE)}
    assert (await importer.http.post(IMPORTS, files=files)).status_code == 401
    user = await live_sign_up()
    assert (await importer.http.post(IMPORTS, files=files, headers=user.headers)).status_code == 403
    assert (await importer.http.get(IMPORTS, headers=user.headers)).status_code == 403
