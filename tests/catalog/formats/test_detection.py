"""What a file is, by its content."""

import gzip
import io
import zipfile

import pytest

from app.catalog.formats.detection import detect_format
from app.catalog.formats.errors import SourceRefused
from app.catalog.formats.record import SourceFormat


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", "b")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("head", "form"),
    [
        (b"isbn,title\n", SourceFormat.CSV),
        (b"\xef\xbb\xbfisbn;title\n", SourceFormat.CSV),
        ("isbn\ttitle\n".encode("utf-16"), SourceFormat.CSV),
        ("isbn,title".encode("utf-16-le"), SourceFormat.CSV),
        ("<ONIXMessage>".encode("utf-16-be"), SourceFormat.ONIX),
        (b"PK,isbn\n", SourceFormat.CSV),
        (b"isbn,title\n1,a\x00b\n", SourceFormat.CSV),
        (b'\n {"isbn": 1}\n', SourceFormat.NDJSON),
        ('{"isbn": 1}'.encode("utf-16"), SourceFormat.NDJSON),
        (b'\xef\xbb\xbf<?xml version="1.0"?><ONIXMessage/>', SourceFormat.ONIX),
        (b"<ONIXmessage>", SourceFormat.ONIX),
        ('<?xml version="1.0" encoding="UTF-16"?>'.encode("utf-16"), SourceFormat.ONIX),
        (b"<!-- ours --><ONIXMessage>", SourceFormat.ONIX),
    ],
)
def test_the_content_tells_the_format_whatever_the_name(head: bytes, form: SourceFormat) -> None:
    assert detect_format(head, "file.txt") == form


@pytest.mark.parametrize(
    ("head", "name", "words"),
    [
        (b"", "x.csv", "The file is empty"),
        (b"  \r\n", "x.csv", "The file is empty"),
        (zipped(), "books.xlsx", "a spreadsheet; save it as CSV UTF-8"),
        (zipped(), "books.csv", "a ZIP archive; unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "books.xls", "a spreadsheet; save it as CSV UTF-8"),
        (gzip.compress(b"isbn", mtime=0), "books.csv.gz", "compressed with gzip"),
        (b"%PDF-1.7", "books.pdf", "a PDF document"),
        (b"\x89PNG\r\n", "books.csv", "an image"),
        (b"[{}]", "books.json", "a JSON array; write one object a line"),
        (b"<!doctype html>", "books.csv", "marked up, but not an ONIX message"),
        (bytes(range(256)), "books.csv", "binary"),
        ("isbn".encode("utf-32"), "books.csv", "UTF-32"),
    ],
)
def test_what_is_no_list_of_books_is_refused_with_a_way_out(head: bytes, name: str, words: str) -> None:
    with pytest.raises(SourceRefused, match=words):
        detect_format(head, name)
