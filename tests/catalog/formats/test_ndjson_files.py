"""NDJSON: objects with the names that CSV has as headers."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from app.catalog.formats.errors import SourceRefused
from app.catalog.formats.record import Record, SourceFormat
from tests.catalog.formats.reading import complaints, records_of, source_of, warned

HOBBIT = "9780261102217"
NDJSON = SourceFormat.NDJSON


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "books.ndjson"


def record_of(path: Path, line: str, **options: object) -> Record:
    (record,) = records_of(path, line, format=NDJSON, **options)
    return record


def test_typed_values_become_what_cells_become(path: Path) -> None:
    record = record_of(
        path,
        '{"isbn": 9780261102217, "title": "x", "price": 12.5, "first_published": -750, "pages": 310.0,'
        ' "tags": ["a; b", "C"], "categories": [{"id": 1, "slug": "fantasy"}, "new one"],'
        ' "authors": ["A; Sons", {"name": "B (editor)", "role": "author"}, {"name": "C", "role": "Translator"}],'
        ' "subjects": [{"code": "FMB"}, {"scheme": "bisac", "code": "FIC009020", "heading": "a; b"}],'
        ' "subtitle": null, "publisher": "  "}',
    )
    assert record.problems == []
    assert record.isbn13 == HOBBIT
    assert record.values == {
        "title": "x",
        "price": Decimal("12.5"),
        "first_published": -750,
        "pages": 310,
        "tags": ["a; b", "c"],
        "categories": ["fantasy", "new one"],
        "contributors": [("A; Sons", "author"), ("B (editor)", "author"), ("C", "translator")],
        "subjects": [
            {"scheme": "thema", "code": "FMB", "heading": None},
            {"scheme": "bisac", "code": "FIC009020", "heading": "a; b"},
        ],
        "subtitle": None,
        "publisher": None,
    }
    assert record.raw["authors"] == r"A\; Sons; B (editor) (author); C (translator)"


def test_text_that_begins_like_a_formula_is_text_in_json(path: Path) -> None:
    record = record_of(path, f'{{"isbn": "{HOBBIT}", "title": "\'=x"}}')
    assert record.values == {"title": "'=x"}


def test_a_book_as_the_api_shows_it_is_understood(path: Path) -> None:
    record = record_of(
        path,
        f'{{"id": 1, "isbn": "{HOBBIT}", "isbn10": null, "author": "A, B", "title": "x",'
        ' "contributors": [{"author_id": 1, "name": "A", "role": "author", "position": 1}],'
        ' "published_on": "1937-09", "published_precision": "month", "cover": {"width": 1}}',
    )
    assert record.problems == []
    assert record.values == {
        "contributors": [("A", "author")],
        "title": "x",
        "published_on": "1937-09",
    }


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ('{"isbn": ', "invalid-json"),
        ("[1]", "invalid-json"),
        ('"x"', "invalid-json"),
        (f'{{"isbn": "9780261102217", "notes": {"[" * 300}{"]" * 300}}}', "invalid-json"),
    ],
)
def test_a_line_that_is_no_record_spoils_no_other(path: Path, line: str, kind: str) -> None:
    sound = f'{{"isbn": "{HOBBIT}"}}\n'
    first, bad, last = records_of(path, f"{sound}\n  \n{line}\n{sound}", format=NDJSON)
    assert complaints(bad) == [("", kind)]
    assert [first.number, bad.number, last.number] == [1, 2, 3]
    assert last.isbn13 == HOBBIT
    assert bad.raw


@pytest.mark.parametrize("field", ["isbn", "isbn13", "isbn10"])
def test_a_number_of_the_wrong_kind_refuses_the_row(path: Path, field: str) -> None:
    (record,) = records_of(path, json.dumps({field: [[]], "title": "x"}), format=NDJSON)
    assert complaints(record) == [(field, "invalid-type")]


@pytest.mark.parametrize("listed", [["978-0-261-10221-7"], ["0261102214", 9780261102217], [HOBBIT, ""]])
def test_a_list_of_isbns_is_the_one_that_they_are(path: Path, listed: list[object]) -> None:
    record = record_of(path, json.dumps({"isbn": listed, "title": "x"}))
    assert (record.isbn13, record.problems) == (HOBBIT, [])


@pytest.mark.parametrize(
    ("member", "field"),
    [
        ('"title": ["x"]', "title"),
        ('"title": true', "title"),
        ('"price": {"amount": 1}', "price"),
        ('"authors": [{"role": "editor"}]', "contributors"),
        ('"authors": [1]', "contributors"),
        ('"subjects": [{"scheme": "thema"}]', "subjects"),
        ('"tags": [{}]', "tags"),
    ],
)
def test_values_of_the_wrong_kind_are_told_of_their_field(path: Path, member: str, field: str) -> None:
    record = record_of(path, f'{{"isbn": "{HOBBIT}", {member}}}')
    assert [*complaints(record), *warned(record)] == [(field, "invalid-type")]


def test_an_unknown_role_is_warned_of(path: Path) -> None:
    record = record_of(path, f'{{"isbn": "{HOBBIT}", "authors": [{{"name": "A", "role": "cook"}}]}}')
    assert (record.problems, warned(record)) == ([], [("contributors", "value_error")])


def test_two_members_for_one_thing_are_joined(path: Path) -> None:
    record = record_of(path, f'{{"isbn": "{HOBBIT}", "author": "a", "by": "b", "writer": ""}}')
    assert record.values == {"contributors": [("a", "author"), ("b", "author")]}


def test_control_characters_are_left_out_with_a_warning(path: Path) -> None:
    record = record_of(path, f'{{"isbn": "{HOBBIT}", "title": "a\\u0000b"}}')
    assert (record.values, warned(record)) == ({"title": "ab"}, [("title", "control-characters")])


def test_keys_are_mapped_and_ignored_ones_listed_as_they_come(path: Path) -> None:
    lines = f'{{"isbn": "{HOBBIT}", "Titel": "x", "a": 1}}\n' + '{"b": [1], "isbn": "0261102214"}\n'
    source = source_of(path, lines, format=NDJSON, mapping={"titel": "title"})
    assert source.columns == ["isbn", "Titel", "a", "b"]
    assert source.ignored == ["a", "b"]
    first, second = source
    source.close()
    assert first.values == {"title": "x"}
    assert second.raw == {"b": "[1]", "isbn": "0261102214"}


def test_lines_that_are_no_objects_have_a_column_of_their_own(path: Path) -> None:
    source = source_of(path, f'{{"isbn": "{HOBBIT}", "a\\u0000b": 1}}\nno object\n', format=NDJSON)
    _, bad = source
    source.close()
    assert source.columns == ["isbn", "a\ufffdb", "line"]
    assert source.ignored == ["a\ufffdb", "line"]
    assert bad.raw == {"line": "no object"}


def test_the_columns_that_are_listed_are_bounded_and_all_are_read(path: Path) -> None:
    lines = "".join(f'{{"key {n}": 1, "key {n + 1}": 2, "isbn": "{HOBBIT}"}}\n' for n in range(0, 3_000, 2))
    source = source_of(path, lines, format=NDJSON)
    last = list(source)[-1]
    source.close()
    assert (len(source.columns), len(source.ignored)) == (1000, 1000)
    assert (last.isbn13, last.raw["key 2999"]) == (HOBBIT, "2")


def test_a_byte_order_mark_and_utf_16_are_understood(path: Path) -> None:
    line = f'{{"isbn": "{HOBBIT}", "title": "é"}}\r\n'
    for encoding in ("utf-8-sig", "utf-16"):
        (record,) = records_of(path, line.encode(encoding), format=NDJSON)
        assert record.values == {"title": "é"}


def test_bytes_that_are_not_utf_8_refuse_the_file(path: Path) -> None:
    with pytest.raises(SourceRefused, match="position 1"):
        source_of(path, b"{\xff}", format=NDJSON)
