"""Cells as spreadsheets leave them: numbers, dates, ISBNs, languages, people."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.catalog.formats.people import credits_cell, credits_of
from app.catalog.formats.record import Record
from app.catalog.languages import TWO_LETTERS
from tests.catalog.formats.reading import quoted, records_of, warned

HOBBIT = "9780261102217"


def record_of(path: Path, field: str, cell: str, delimiter: str = ",") -> Record:
    cells = [["isbn", field], [HOBBIT, quoted(cell)]]
    (record,) = records_of(path, "\n".join(delimiter.join(row) for row in cells), delimiter=delimiter)
    return record


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
        ("price", "12,50", Decimal("12.50")),
        ("price", "12,5", Decimal("12.5")),
        ("price", "\u20ac 12.50", Decimal("12.50")),
        ("price", "12,50\u00a0\u20ac", Decimal("12.50")),
        ("price", "12.50 EUR", Decimal("12.50")),
        ("price", "Eur12.50", Decimal("12.50")),
        ("price", "&euro;12.50", Decimal("12.50")),
        ("price", "1,250.00", Decimal("1250.00")),
        ("price", "1.250,00", Decimal("1250.00")),
        ("price", "1'250.5", Decimal("1250.5")),
        ("price", "1 250", Decimal(1250)),
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
        ("published", "2019-3-5", "2019-03-05"),
        ("published", "2019/3/5 9:05", "2019-03-05"),
        ("published", "2019-03-05 1:22:11 p.m.", "2019-03-05"),
        ("published", "2019-03-05 01:22 PM", "2019-03-05"),
        ("published", "2019-03-05 13:22:11 CET", "2019-03-05"),
        ("published", "2019-03-31 02:30:00 Europe/Berlin", "2019-03-31"),
        ("published", "2019-03-05T13:22:11+01:00[Europe/Berlin]", "2019-03-05"),
        ("published", "2019-03-05 13:22:11 UTC+01:00", "2019-03-05"),
        ("published", "20190305132211123", "2019-03-05"),
        ("published", "Tue, 5 Mar 2019 13:22:11 GMT", "2019-03-05"),
        ("published", "Tue Mar  5 13:22:11 2019", "2019-03-05"),
        ("published", "Tue Mar 05 13:22:11 CET 2019", "2019-03-05"),
        (
            "published",
            "Tue Mar 05 2019 13:22:11 GMT+0100 (Central European Standard Time)",
            "2019-03-05",
        ),
        ("published", "Mar 5, 2019, 1:22 PM", "2019-03-05"),
        ("published", "5-Mar-2019", "2019-03-05"),
        ("published", "the 5th of March, 2019", "2019-03-05"),
        ("published", "2019-Mar-05", "2019-03-05"),
        ("published", "2019 March", "2019-03"),
        ("published", "3/25/2019 0:00", "2019-03-25"),
        ("published", "25.12.1998 13:22", "1998-12-25"),
        ("published", "05/1998", "1998-05"),
        ("published", "1998-", "1998"),
        ("published", "2019\u201103\u201105", "2019-03-05"),
        ("published", "\uff12\uff10\uff11\uff19\uff0d\uff10\uff13", "2019-03"),
        ("first_published", "5 May 1954, 10:00", 1954),
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
        ("language", "English", "en"),
        ("language", "DEUTSCH", "de"),
        ("language", "franc\u0327ais", "fr"),
        ("pages", "320 p.", 320),
        ("pages", "320pp", 320),
        ("pages", "320 Seiten", 320),
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
        ("price", "12.50 USD", "currency-symbol"),
        ("price", "$12", "currency-symbol"),
        ("price", "\u00a312,50", "currency-symbol"),
        ("price", "TBC", "not-a-number"),
        ("price", "1,250", "thousands-separator"),
        ("price", "1.250", "thousands-separator"),
        ("price", "12.50/13.50", "not-a-number"),
        ("price", "12.505", "thousands-separator"),
        ("price", "12.5051", "decimal_max_places"),
        ("price", "0", "greater_than"),
        ("price", "-5.00", "greater_than"),
        ("price", "free", "not-a-number"),
        ("price", "NaN", "not-a-number"),
        ("published", "03/04/1998", "invalid-date"),
        ("published", "03/04/1998 12:00 AM", "invalid-date"),
        ("published", "5-Mar-19", "invalid-date"),
        ("published", "9999-12-31T00:00:00Z", "invalid-date"),
        ("published", "0001-01-01", "invalid-date"),
        ("published", "1900-01-00", "invalid-date"),
        ("published", "43529.55", "invalid-date"),
        ("published", "1998-13", "invalid-date"),
        ("published", "2019-02-30", "invalid-date"),
        ("published", "0000-00-00", "invalid-date"),
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
        ("subtitle", f"a{' ' * 300_000}b", "too_long"),
        ("subtitle", f"<b>a</b>{' ' * 300_000}b", "too_long"),
        ("authors", f"a{' ' * 300_000}b", "too_long"),
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
        ('"cosy", "crime"', ["cosy", "crime"]),
        ('crime, "Paris, France"', ["crime", "paris, france"]),
        ("['cosy', 'crime']", ["cosy", "crime"]),
        ('["cosy", "crime"]', ["cosy", "crime"]),
        ("\u201ccosy\u201d, '90s", ["cosy", "'90s"]),
        ("cosy\r\ncrime, Rome", ["cosy", "crime", "rome"]),
    ],
)
def test_tags_are_separated_by_semicolons_else_bars_else_commas(
    path: Path, cell: str, tags: list[str]
) -> None:
    record = record_of(path, "tags", cell)
    assert (record.values, record.warnings) == ({"tags": tags}, [])


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_what_may_be_two_prices_is_none(path: Path, delimiter: str) -> None:
    assert record_of(path, "price", "12,50", delimiter).values == {"price": Decimal("12.50")}
    for doubtful in ("1,250", "1.250", "12,505"):
        record = record_of(path, "price", doubtful, delimiter)
        assert (record.values, warned(record)) == ({}, [("price", "thousands-separator")])


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
    for written in ("eur", "\u20ac"):
        record = record_of(path, "currency", written)
        assert (record.values, record.warnings) == ({}, [])


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
        ("A (author), B (illustrator)", [("A", "author"), ("B", "illustrator")]),
        ("Tolkien, J.R.R. (author), Lee, Alan", [("Tolkien, J.R.R.", "author"), ("Lee, Alan", "author")]),
        ("by A; Illustrated by B", [("A", "author"), ("B", "illustrator")]),
        ("A et al.", [("A", "author")]),
        ("A; [et al.]", [("A", "author")]),
        ("A (Hrsg.); B (Übersetzerin)", [("A", "editor"), ("B", "translator")]),
        ("A & B", [("A & B", "author")]),
        ("A\nB", [("A", "author"), ("B", "author")]),
        ("A (Goodreads Author)", [("A (Goodreads Author)", "author")]),
        ('["A", "B, C"]', [("A", "author"), ("B, C", "author")]),
        ("['A (editor)']", [("A", "editor")]),
        (r"A\; Sons; AC\DC", [("A; Sons", "author"), (r"AC\DC", "author")]),
    ],
)
def test_people_stand_in_printed_order_with_their_roles(
    path: Path, cell: str, people: list[tuple[str, str]]
) -> None:
    assert record_of(path, "authors", cell).values == {"contributors": people}


def test_one_odd_name_does_not_cost_the_others_theirs(path: Path) -> None:
    record = record_of(path, "authors", f"A; {'x' * 201}; B (editor)")
    assert record.values == {"contributors": [("A", "author"), ("B", "editor")]}
    assert warned(record) == [("contributors", "entries-left-out")]


@pytest.mark.parametrize("name", ["A (author)", "A et al.", "by A", "B and others", "Edited by A"])
def test_a_name_that_looks_like_more_than_one_comes_back_from_an_export(name: str) -> None:
    assert credits_of(credits_cell([(name, "author")])) == [(name, "author")]


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
