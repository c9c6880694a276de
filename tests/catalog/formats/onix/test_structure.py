"""Fixtures and exports have the structure of ONIX 3.0 and 3.1, in both vocabularies; and all four say the same."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from app.catalog.formats.onix.tags import REFERENCE_NAMES
from tests.catalog.formats.onix.messages import HOBBIT, records_of
from tests.catalog.formats.onix.structure import COMPOSITES, SHORT_TAGS, structure_faults
from tests.catalog.formats.onix.test_writer import EMPTY, ODD, written
from tests.catalog.formats.onix.trade import UPDATE, VOLUME, feed
from tests.conftest import ROOT

RELEASES = pytest.mark.parametrize("release", ["3.0", "3.1"])
VOCABULARIES = pytest.mark.parametrize("is_short", [False, True], ids=["reference names", "short tags"])


@RELEASES
@VOCABULARIES
def test_the_fixtures_are_valid(release: str, is_short: bool) -> None:
    content = feed(HOBBIT, VOLUME, UPDATE, release=release, is_short=is_short)
    assert structure_faults(content.encode()) == []


@pytest.mark.parametrize("book", ODD.values(), ids=ODD.keys())
def test_what_the_shop_exports_is_valid(book: object) -> None:
    assert structure_faults(written(book)) == []  # type: ignore[arg-type]  # of the parameters


@pytest.mark.parametrize(
    "book",
    [
        replace(EMPTY, isbn13=None),
        replace(EMPTY, published_on="1998-05"),
        replace(EMPTY, first_published=-750),
        replace(EMPTY, publisher="A House"),
        replace(EMPTY, series="A Series"),
        replace(EMPTY, series="A Series", series_position="1"),
    ],
    ids=["no ISBN", "a date", "an old year", "a publisher", "a series", "a volume"],
)
def test_so_is_a_book_of_which_little_is_known_and_it_comes_back(tmp_path: Path, book: object) -> None:
    content = written(book)  # type: ignore[arg-type]  # of the parameters
    assert structure_faults(content) == []
    (record,) = records_of(tmp_path / "book.xml", content, own_name="shop.example.com")
    assert (record.problems, record.warnings, record.raw.get("unmapped")) == ([], [], None)


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("<Supplier>", "<Price><PriceAmount>1</PriceAmount></Price><Supplier>", "SupplyDetail"),
        ("<ProductComposition>00</ProductComposition>", "", "DescriptiveDetail"),
        ("<ProductAvailability>32", "<Availability>32</Availability><ProductAvailability>32", "unknown"),
        ("<SupplierName>Auslieferung</SupplierName>", "<SupplierName></SupplierName>", "empty"),
        ("<Date ", "<DateFormat>00</DateFormat><Date ", "ContentDate"),
        ('release="3.1"', 'release="3.0"', "namespace"),
        ("<PriceType>04</PriceType>", "<PriceType>04</PriceType>free", "text"),
    ],
)
def test_the_check_finds_what_is_wrong(before: str, after: str, fault: str) -> None:
    content = feed(VOLUME, release="3.1")
    assert before in content
    assert any(fault in one for one in structure_faults(content.replace(before, after, 1).encode()))


def test_both_vocabularies_are_those_of_the_standard() -> None:
    names = {short: name for name, short in SHORT_TAGS.items()} | {one.lower(): one for one in COMPOSITES}
    known = names.items() & REFERENCE_NAMES.items()
    assert known == {(short, name) for short, name in REFERENCE_NAMES.items() if short in names}


def test_whatever_the_reader_asks_for_has_a_short_tag() -> None:
    files = {*(ROOT / "app/catalog/formats/onix").glob("*.py")} - {
        ROOT / "app/catalog/formats/onix/writer.py"
    }
    asked = {name for file in files for name in re.findall(r'"([A-Z]\w+)"', file.read_text())}
    of_the_standard = {*SHORT_TAGS, *COMPOSITES} - {"ONIXMessage"}
    assert len(asked & of_the_standard) > 60
    assert asked & of_the_standard <= set(REFERENCE_NAMES.values())


def test_all_four_say_the_same(tmp_path: Path) -> None:
    read = []
    for release in ("3.0", "3.1"):
        for is_short in (False, True):
            content = feed(VOLUME, release=release, is_short=is_short)
            (record,) = records_of(tmp_path / "feed.xml", content)
            read.append((record.values, record.notes, record.warnings, record.problems))
    assert read[1:] == read[:-1]
    _, notes, warnings, problems = read[0]
    assert [(one.field, one.type) for one in warnings] == [("quantity", "supplier-stock")]
    assert (problems, len(notes)) == ([], 1)
