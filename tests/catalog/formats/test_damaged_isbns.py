"""ISBNs as spreadsheets and people leave them in cells."""

from pathlib import Path

import pytest

from app.catalog.formats.damaged_isbns import SHORTENED, repair_isbn
from app.catalog.isbn import to_isbn10
from tests.catalog.formats.reading import complaints, quoted, records_of

HUNGER = "9780439023481"


@pytest.mark.parametrize(
    "cell",
    [
        "9780439023481",
        "978-0-439-02348-1",
        "0439023483",
        "439023483",
        "439023483.0",
        "9780439023481.0",
        '="9780439023481"',
        '="0439023483"',
        "'9780439023481",
        "9.780439023481E+12",
        "978.0.439.02348.1",
        "9,780,439,023,481",
        "SBN 439-02348-3",
        "978&#8209;0&ndash;439-02348-1",
        "<span>97804390&shy;23481</span>",
        " ISBN 0-439-02348-3 ",
        "[9780439023481]",
        "9780439023481 (pbk.)",
        "urn:isbn:9780439023481",
        '="978-0-439-02348-1"',
    ],
)
def test_isbns_are_read_in_every_form_that_a_spreadsheet_makes_of_them(path: Path, cell: str) -> None:
    (record,) = records_of(path, f"isbn,title\n{quoted(cell)},x\n")
    assert (record.isbn13, record.problems) == (HUNGER, [])


@pytest.mark.parametrize(
    "cell", ['=""', "[]", '""', "-", "\u2013", "()", "=", "  ", "0", "000-0-00-000000-0"]
)
def test_the_dress_of_a_number_without_one_is_empty(path: Path, cell: str) -> None:
    (record,) = records_of(path, f"isbn,isbn13,title\n{quoted(cell)},{HUNGER},x\n")
    assert (record.isbn13, record.problems) == (HUNGER, [])
    (record,) = records_of(path, f"isbn,title\n{quoted(cell)},x\n")
    assert (record.isbn13, record.problems) == (None, [])


@pytest.mark.parametrize("cell", ["n/a", "NULL", "unknown"])
def test_what_has_no_digit_is_no_number_beside_one(path: Path, cell: str) -> None:
    (record,) = records_of(path, f"isbn13,isbn10,title\n{cell},0439023483,x\n")
    assert (record.isbn13, record.problems) == (HUNGER, [])


@pytest.mark.parametrize(
    ("digits", "isbn13"),
    [("439023483", HUNGER), ("60935464", "9780060935467"), ("2005018", "9780002005012")],
)
def test_up_to_three_lost_zeros_are_given_back_where_the_check_digit_proves_them(
    digits: str, isbn13: str
) -> None:
    assert repair_isbn(digits) == isbn13
    assert to_isbn10(isbn13) == digits.zfill(10)


@pytest.mark.parametrize(
    ("cell", "kind", "words"),
    [
        ("9.78E+12", "shortened-number", SHORTENED),
        ("9,78e12", "shortened-number", SHORTENED),
        ("9.78043902348E+12", "shortened-number", SHORTENED),
        ("439023484", "invalid-isbn", "with leading zeros given back, 0439023484 has a wrong check digit"),
        ("9780439023480", "invalid-isbn", "check digit"),
        ("9790000000000", "invalid-isbn", "ISMN"),
        ("n/a", "invalid-isbn", "an ISBN has 10 digits"),
        ("9" * 5000, "invalid-isbn", "an ISBN has 10 or 13 digits"),
        ("٩٧٨٠٤٣٩٠٢٣٤٨١", "invalid-isbn", "an ISBN has"),
    ],
)
def test_what_is_no_isbn_is_told_why(path: Path, cell: str, kind: str, words: str) -> None:
    (record,) = records_of(path, f"isbn,title\n{quoted(cell)},x\n")
    assert complaints(record) == [("isbn", kind)]
    assert words in record.problems[0].message
