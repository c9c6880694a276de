"""Cells as spreadsheets leave them: numbers, dates, ISBNs, languages, people."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.catalog.formats.damaged_isbns import SHORTENED, repair_isbn
from app.catalog.formats.record import Record
from app.catalog.isbn import to_isbn10
from app.catalog.languages import TWO_LETTERS
from tests.catalog.formats.reading import complaints, records_of, warned

HOBBIT = "9780261102217"
HUNGER = "9780439023481"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "books.csv"


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def record_of(path: Path, field: str, cell: str, delimiter: str = ",") -> Record:
    cells = [["isbn", field], [HOBBIT, quoted(cell)]]
    (record,) = records_of(path, "\n".join(delimiter.join(row) for row in cells), delimiter=delimiter)
    return record


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


@pytest.mark.parametrize("cell", ['=""', "[]", '""', "-", "\u2013", "()", "=", "  "])
def test_the_dress_of_a_number_without_one_is_empty(path: Path, cell: str) -> None:
    (record,) = records_of(path, f"isbn,isbn13,title\n{quoted(cell)},{HUNGER},x\n")
    assert (record.isbn13, record.problems) == (HUNGER, [])
    (record,) = records_of(path, f"isbn,title\n{quoted(cell)},x\n")
    assert (record.isbn13, record.problems) == (None, [])


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


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        ("first_published", "2008", 2008),
        ("first_published", "2008.0", 2008),
        ("first_published", "-750.0", -750),
        ("first_published", "'-750", -750),
        ("pages", "310.0", 310),
        ("quantity", "0", 0),
        ("price", "12.50", Decimal("12.50")),
        ("price", "12", Decimal(12)),
        ("price", "12.5000", Decimal("12.50")),
        ("published", "1998", "1998"),
        ("published", "1998.0", "1998"),
        ("published", "1998-05", "1998-05"),
        ("published", "1998-05-12", "1998-05-12"),
        ("published", "19980512", "1998-05-12"),
        ("published", "1998-05-12 00:00:00", "1998-05-12"),
        ("published", "1998-05-12T00:00:00Z", "1998-05-12"),
        ("published", "2019-03-05T01:00:00+01:00", "2019-03-05"),
        ("published", "2019-03-05T23:59:59-11:00", "2019-03-05"),
        ("published", "2019-03-05 13:22:11", "2019-03-05"),
        ("published", "2019-03-05 13:22:11.123456+00", "2019-03-05"),
        ("published", "2019-03-05 13:22 UTC", "2019-03-05"),
        ("published", "20190305T132211Z", "2019-03-05"),
        ("published", "20190305132211", "2019-03-05"),
        ("published", "20240000", "2024"),
        ("published", "20240500", "2024-05"),
        ("published", "2024-00-00", "2024"),
        ("published", "2024-05-00", "2024-05"),
        ("published", "1998-2003", "1998"),
        ("published", "1998 \u2013 2003", "1998"),
        ("published", "1998/99", "1998"),
        ("published", "1998-12", "1998-12"),
        ("published", "2011/08/31", "2011-08-31"),
        ("published", "25/12/1998", "1998-12-25"),
        ("published", "12/25/1998", "1998-12-25"),
        ("published", "31.12.1999", "1999-12-31"),
        ("published", "May 12, 2024", "2024-05-12"),
        ("published", "12 may 2024", "2024-05-12"),
        ("published", "Tuesday, March 5th, 2019", "2019-03-05"),
        ("published", "Sept. 2009", "2009-09"),
        ("published", "\u00a91998", "1998"),
        ("published", "[1998]", "1998"),
        ("first_published", "1954-1955", 1954),
        ("first_published", "1937-09-21", 1937),
        ("first_published", "19540000", 1954),
        ("language", "eng", "en"),
        ("language", "en-US", "en-US"),
        ("language", "en_gb", "en-GB"),
        ("language", "fre", "fr"),
        ("language", "fra", "fr"),
        ("language", "GER", "de"),
        ("language", "fil", "fil"),
        ("language", "mul", "mul"),
        ("format", "Mass Market Paperback", "paperback"),
        ("format", "Kindle Edition", "ebook"),
        ("format", "Hardback", "hardcover"),
        ("format", "Audio CD", "audiobook"),
        ("sku", "BK-000123", "BK-000123"),
        ("tags", "Fantasy; CLASSIC ;fantasy", ["fantasy", "classic"]),
        ("categories", "Children's Books|fantasy", ["Children's Books", "fantasy"]),
        ("series_position", "1.0", "1.0"),
        ("title", "  Cafe\u0301  ", "Café"),
        ("title", "'Salem's Lot", "'Salem's Lot"),
        ("title", "'=SUM(A1)", "=SUM(A1)"),
        ("description", "one\r\n\ttwo", "one\r\n\ttwo"),
    ],
)
def test_cells_become_values(path: Path, field: str, cell: str, value: object) -> None:
    record = record_of(path, field, cell)
    assert record.problems == []
    assert list(record.values.values()) == [value]


@pytest.mark.parametrize(
    ("field", "cell", "kind"),
    [
        ("first_published", "MMXX", "not-a-number"),
        ("first_published", "10000", "less_than_equal"),
        ("first_published", "2.008E+03", "shortened-number"),
        ("pages", "0", "greater_than_equal"),
        ("pages", "310.5", "not-a-number"),
        ("quantity", "1,000", "thousands-separator"),
        ("quantity", "1.000", "thousands-separator"),
        ("quantity", "-1", "greater_than_equal"),
        ("quantity", "٣", "not-a-number"),
        ("price", "€ 12.50", "currency-symbol"),
        ("price", "12.50 EUR", "currency-symbol"),
        ("price", "$12", "currency-symbol"),
        ("price", "1,250.00", "thousands-separator"),
        ("price", "1.250", "thousands-separator"),
        ("price", "1 250", "thousands-separator"),
        ("price", "12,50", "decimal-comma"),
        ("price", "12.505", "thousands-separator"),
        ("price", "12.5051", "decimal_max_places"),
        ("price", "0", "greater_than"),
        ("price", "-5.00", "greater_than"),
        ("price", "free", "not-a-number"),
        ("price", "NaN", "not-a-number"),
        ("published", "03/04/1998", "invalid-date"),
        ("published", "1998-13", "invalid-date"),
        ("published", "2019-02-30", "value_error"),
        ("published", "0000-00-00", "value_error"),
        ("published", "2003-1998", "invalid-date"),
        ("published", "2024-00-12", "invalid-date"),
        ("published", "ma 2020", "invalid-date"),
        ("published", "9999999", "invalid-date"),
        ("published", "45123", "invalid-date"),
        ("language", "English language", "value_error"),
        ("format", "scroll", "unknown-format"),
        ("currency", "USD", "wrong-currency"),
        ("sku", "no sku", "string_pattern_mismatch"),
        ("title", "x" * 501, "too_long"),
        ("subtitle", "x" * 501, "too_long"),
        ("publisher", "x" * 201, "too_long"),
        ("description", "x" * 20_001, "too_long"),
        ("title", "\u200b", "value_error"),
        ("tags", "x" * 51, "entries-left-out"),
        ("categories", "!!!", "entries-left-out"),
        ("authors", ";".join(f"a{number}" for number in range(51)), "value_error"),
        ("authors", "x" * 201, "too_long"),
        ("subjects", "thema:fmb!", "value_error"),
    ],
)
def test_what_a_field_does_not_take_is_told_by_its_type_and_refuses_no_row_but_that_of_a_title(
    path: Path, field: str, cell: str, kind: str
) -> None:
    record = record_of(path, field, cell)
    (problem,) = [*record.problems, *record.warnings]
    assert problem.type == kind
    assert bool(record.problems) == (field == "title")
    assert problem.field == {"published": "published_on", "authors": "contributors"}.get(field, field)
    assert record.values == {}


@pytest.mark.parametrize(
    ("field", "cell", "kept", "left_out"),
    [
        (
            "tags",
            "; ".join(f"T{number}" for number in range(22)),
            [f"t{n}" for n in range(20)],
            "2 left out: t20",
        ),
        ("tags", f"cosy, {'x' * 51}, crime", ["cosy", "crime"], "1 left out: xxx"),
        ("tags", "; ".join([*(f"t{n}" for n in range(20)), "T1"]), [f"t{n}" for n in range(20)], None),
        (
            "categories",
            "; ".join(f"c{n}" for n in range(21)),
            [f"c{n}" for n in range(20)],
            "1 left out: c20",
        ),
        ("categories", "Crime; !!!", ["Crime"], "no slug can be made of '!!!'"),
    ],
)
def test_of_a_list_the_sound_entries_are_kept_and_the_others_told(
    path: Path, field: str, cell: str, kept: list[str], left_out: str | None
) -> None:
    record = record_of(path, field, cell)
    assert (record.problems, record.values) == ([], {field: kept})
    told = [one.message for one in record.warnings]
    assert [left_out in message for message in told] == [True] if left_out else not told


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ("cosy, crime", ["cosy", "crime"]),
        ("cosy,crime,", ["cosy", "crime"]),
        ("Cosy; crime, hard-boiled", ["cosy", "crime, hard-boiled"]),
        ("a, b;", ["a, b"]),
        ("a|b, c", ["a", "b, c"]),
        ("历史、文化，书", ["历史", "文化", "书"]),
        (r"c\+\+, java", [r"c\+\+", "java"]),
        ("<ul><li>cosy</li><li>crime</li></ul>", ["cosy", "crime"]),
        ("R&amp;B, soul", ["r&b", "soul"]),
        ("R&amp;B; soul", ["r&b", "soul"]),
    ],
)
def test_tags_are_separated_by_semicolons_else_bars_else_commas(
    path: Path, cell: str, tags: list[str]
) -> None:
    record = record_of(path, "tags", cell)
    assert (record.values, record.warnings) == ({"tags": tags}, [])


def test_a_decimal_comma_is_understood_where_semicolons_separate_the_columns(path: Path) -> None:
    assert record_of(path, "price", "12,50", ";").values == {"price": Decimal("12.50")}
    assert record_of(path, "price", "12.50", ";").values == {"price": Decimal("12.50")}
    for grouped in ("1.250,00", "1,250"):
        assert warned(record_of(path, "price", grouped, ";")) == [("price", "thousands-separator")]


def test_empty_cells_empty_their_fields_but_for_those_that_cannot_be(path: Path) -> None:
    header = "isbn,title,price,quantity,currency,subtitle,publisher,published,pages,contributors,tags,categories,subjects"
    (record,) = records_of(path, f"{header}\n{HOBBIT}{',' * 12}\n")
    assert record.problems == []
    assert record.values == {
        "subtitle": None,
        "publisher": None,
        "published_on": None,
        "pages": None,
        "contributors": [],
        "tags": [],
        "categories": [],
        "subjects": [],
    }


def test_the_shops_own_currency_leaves_no_value(path: Path) -> None:
    assert record_of(path, "currency", "eur").values == {}


def test_a_position_in_no_series_is_left_out_with_a_warning(path: Path) -> None:
    (record,) = records_of(path, f"isbn,series,series_position\n{HOBBIT},,2\n")
    assert (record.problems, warned(record)) == ([], [("series_position", "value_error")])
    assert record.values == {"series": None}
    assert record_of(path, "series_position", "2").warnings == []


@pytest.mark.parametrize(
    ("cell", "people"),
    [
        ("A; B", [("A", "author"), ("B", "author")]),
        ("A|B", [("A", "author"), ("B", "author")]),
        ("A|B; C", [("A|B", "author"), ("C", "author")]),
        ("A;;A; ", [("A", "author")]),
        ("Tolkien, J.R.R.", [("Tolkien, J.R.R.", "author")]),
        ("A (translator)", [("A", "translator")]),
        ("A (Illustrator); B (trans.)", [("A", "illustrator"), ("B", "translator")]),
        ("A (Author/Illustrator)", [("A", "author"), ("A", "illustrator")]),
        ("A (editor and translator)", [("A", "editor"), ("A", "translator")]),
        ("A (read by)", [("A", "narrator")]),
        ("A (Goodreads Author)", [("A (Goodreads Author)", "author")]),
        (r"A\; Sons; AC\DC", [("A; Sons", "author"), (r"AC\DC", "author")]),
    ],
)
def test_people_stand_in_printed_order_with_their_roles(
    path: Path, cell: str, people: list[tuple[str, str]]
) -> None:
    assert record_of(path, "authors", cell).values == {"contributors": people}


def test_subjects_are_scheme_code_and_heading(path: Path) -> None:
    record = record_of(path, "subjects", "thema:FMB Epic fantasy; FIC009020; own:x-1; 1DDU")
    subjects: list[dict[str, Any]] = record.values["subjects"]
    assert [(one["scheme"], one["code"], one["heading"]) for one in subjects] == [
        ("thema", "FMB", "Epic fantasy"),
        ("bisac", "FIC009020", None),
        ("own", "X-1", None),
        ("thema", "1DDU", None),
    ]


def test_the_table_of_languages_is_that_of_iso_639() -> None:
    assert len(set(TWO_LETTERS.values())) == 183
    both = [two for two in set(TWO_LETTERS.values()) if list(TWO_LETTERS.values()).count(two) == 2]
    assert len(both) == 20
    assert all(len(three) == 3 and len(two) == 2 for three, two in TWO_LETTERS.items())
