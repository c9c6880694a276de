"""Books as ONIX: valid messages that an import reads back without a difference."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from app.catalog.books.fields import BOOK_FIELDS, ExportedBook
from app.catalog.formats.onix.writer import OnixExport
from tests.catalog.formats.onix.messages import records_of

SENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BOOK = ExportedBook(
    id=42,
    isbn13="9780261102217",
    sku="BK-000042",
    title="The Hobbit",
    subtitle="There and Back Again",
    edition_statement="2nd edition, revised & enlarged",
    description="In a hole in the ground.",
    price=Decimal("9.99"),
    currency="EUR",
    quantity=12,
    weight_grams=310,
    tags=["fantasy"],
    publisher="Allen & Unwin",
    published_on="1937-09-21",
    first_published=1937,
    language="en",
    format="paperback",
    pages=310,
    contributors=[
        ("J.R.R. Tolkien", "author"),
        ("J.R.R. Tolkien", "illustrator"),
        ("Rob Inglis", "narrator"),
    ],
    series="Middle-earth",
    series_position="1.5",
    categories=["fantasy"],
    subjects=[
        {"scheme": "thema", "code": "FMB", "heading": "Epic fantasy"},
        {"scheme": "thema", "code": "1DDU-GB", "heading": None},
        {"scheme": "bisac", "code": "FIC009020", "heading": None},
        {"scheme": "own", "code": "SALE.1", "heading": "Sale"},
    ],
)
EMPTY = ExportedBook(id=42, isbn13="9780261102217", title="The Hobbit", currency="EUR")


def written(*books: ExportedBook) -> bytes:
    writer = OnixExport("https://shop.example.com", SENT)
    return writer.header() + b"".join(writer.product(book) for book in books) + writer.footer()


def expected_values(book: ExportedBook) -> dict[str, Any]:
    """Everything but what has no place in ONIX; what is not given is not spoken of."""
    names = {one.name for one in BOOK_FIELDS} - {
        "sku",
        "title_sort",
        "tags",
        "is_active",
        "categories",
        "supplier_availability",
        "supplier_expected_on",
    }
    values = {name: getattr(book, name) for name in names}
    unspoken = {name for name in ("price", "first_published", "weight_grams") if values[name] is None}
    if book.price is None:
        unspoken.add("is_price_fixed")
    return {name: value for name, value in values.items() if name not in unspoken}


def assert_comes_back(path: Path, book: ExportedBook) -> None:
    (record,) = records_of(path, written(book), own_name="shop.example.com")
    assert (record.problems, record.warnings, record.notes) == ([], [], [])
    assert record.values == expected_values(book)
    assert record.raw == {"record_reference": "shop.example.com.42", "isbn": book.isbn13, "title": book.title}


ODD = {
    "everything": BOOK,
    "nothing": EMPTY,
    "markup in text": replace(BOOK, title="a < b & c > d ]]> \"e\" 'f'", series="<b>Q&A</b>"),
    "other scripts": replace(BOOK, title="Преступление и наказание", contributors=[("村上 春樹", "author")]),
    "double spaces": replace(BOOK, title="A  B", subtitle="C\u00a0D"),
    "html as text": replace(
        BOOK, description="Use <b>bold</b> &amp; <script>alert(1)</script>\n  indented\t&eacute;"
    ),
    "lines": replace(BOOK, description="One\n\n  Two\tx\r\nThree"),
    "long": replace(BOOK, description="word " * 199 + "ends."),
    "year": replace(BOOK, published_on="0812"),
    "month": replace(BOOK, published_on="1998-05"),
    "before the common era": replace(BOOK, first_published=-750),
    "year nought": replace(BOOK, first_published=0),
    "language and region": replace(BOOK, language="zh-Hant-TW"),
    "german": replace(BOOK, language="de"),
    "rare language": replace(BOOK, language="grc"),
    "fixed price": replace(BOOK, is_price_fixed=True),
    "free price": replace(BOOK, price=Decimal("0.01"), quantity=1_000_000),
    **{kind: replace(BOOK, format=kind) for kind in ("hardcover", "ebook", "audiobook", "other")},
}


@pytest.mark.parametrize("book", ODD.values(), ids=ODD.keys())
def test_what_is_written_is_read_back(tmp_path: Path, book: ExportedBook) -> None:
    assert_comes_back(tmp_path / "book.xml", book)


LETTERS = st.characters(exclude_categories=["Cc", "Cs", "Cn"])
WORDS = (
    st.text(LETTERS, min_size=1, max_size=60).map(str.strip).filter(lambda text: text.isprintable() and text)
)


@given(
    title=WORDS,
    name=WORDS,
    description=st.text(
        st.characters(exclude_categories=["Cc", "Cs", "Cn"]) | st.sampled_from("\n\t<&;"), max_size=200
    ),
)
def test_any_text_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, title: str, name: str, description: str
) -> None:
    title, name, description = (normalize("NFC", one.strip()) for one in (title, name, description))
    book = replace(BOOK, title=title, publisher=name, description=description or None)
    assert_comes_back(tmp_path_factory.getbasetemp() / "any.xml", book)


def test_the_message_has_the_shape_of_onix_30() -> None:
    root = etree.fromstring(written(BOOK, replace(EMPTY, isbn13=None, id=43)))
    names = {"o": "http://ns.editeur.org/onix/3.0/reference"}
    assert root.get("release") == "3.0"
    assert root.xpath("string(o:Header/o:Sender/o:SenderName)", namespaces=names) == "shop.example.com"
    assert root.xpath("string(o:Header/o:SentDateTime)", namespaces=names) == "20260102T030405Z"
    references = root.xpath("o:Product/o:RecordReference/text()", namespaces=names)
    assert references == ["shop.example.com.42", "shop.example.com.43"]
    schemes = root.xpath("o:Product[1]//o:SubjectSchemeIdentifier/text()", namespaces=names)
    assert schemes == ["93", "94", "10", "24"]
    assert root.xpath("string(o:Product[2]/o:ProductIdentifier/o:ProductIDType)", namespaces=names) == "01"


def test_characters_that_xml_cannot_hold_are_replaced(tmp_path: Path) -> None:
    (record,) = records_of(tmp_path / "x.xml", written(replace(BOOK, title="a\uffffb\ufffec")))
    assert record.values["title"] == "a\ufffdb\ufffdc"


def test_the_writer_loads_neither_lxml_nor_nh3() -> None:
    program = "import sys, app.catalog.formats.onix.writer; sys.exit(any(m in sys.modules for m in ('lxml', 'nh3')))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0  # noqa: S603 (our own program)
