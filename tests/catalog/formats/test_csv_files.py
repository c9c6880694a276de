"""CSV as it comes: encodings, delimiters, line ends, damaged rows."""

from pathlib import Path

import pytest

from app.catalog.formats.detection import open_source
from app.catalog.formats.errors import SourceRefused
from app.catalog.formats.record import SourceFormat, SourceOptions
from tests.catalog.formats.reading import complaints, records_of, source_of, warned
from tests.conftest import ROOT

HOBBIT = "9780261102217"
RINGS = "9780261103252"
HEADER = "isbn13,title,publisher\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_marked_encoding_is_understood(path: Path, encoding: str) -> None:
    marks = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
    content = marks.get(encoding, b"") + f"{HEADER}{HOBBIT},Dvořák und Größe,Ørsted\n".encode(encoding)
    (record,) = records_of(path, content)
    assert record.values == {"title": "Dvořák und Größe", "publisher": "Ørsted"}
    assert record.isbn13 == HOBBIT


def test_cp1252_is_understood_when_it_is_declared(path: Path) -> None:
    content = f"{HEADER}{HOBBIT},“Größe” – 5 €,x\n".encode("cp1252")
    (record,) = records_of(path, content, encoding="windows-1252")
    assert record.values["title"] == "“Größe” – 5 €"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("declared", [None, "UTF-16LE", "cp1252"])
def test_utf_16_without_a_mark_is_told_by_its_zeros(path: Path, encoding: str, declared: str | None) -> None:
    (record,) = records_of(path, f"{HEADER}{HOBBIT},Łódź,x\n".encode(encoding), encoding=declared)
    assert record.values["title"] == "Łódź"


@pytest.mark.parametrize("declared", ["cp1252", "latin1", "iso-8859-15"])
def test_utf_8_is_read_as_what_it_is_whatever_was_declared(path: Path, declared: str) -> None:
    (record,) = records_of(path, f"{HEADER}{HOBBIT},“Größe” – 5 €,x\n", encoding=declared)
    assert record.values["title"] == "“Größe” – 5 €"


def test_control_characters_at_the_end_of_a_file_are_no_row(path: Path) -> None:
    (record,) = records_of(path, f"{HEADER}{HOBBIT},x,y\n\x1a\0\0".encode())
    assert record.isbn13 == HOBBIT


def test_utf_16_is_declared_by_its_byte_order_where_nothing_tells_it(path: Path) -> None:
    with pytest.raises(SourceRefused, match="declare utf-16-le or utf-16-be"):
        source_of(path, HEADER, encoding="utf-16")


def test_other_encodings_are_refused_with_the_position_and_the_way_out(path: Path) -> None:
    content = f"{HEADER}{HOBBIT},Größe,x\n".encode("cp1252")
    with pytest.raises(SourceRefused) as refusal:
        source_of(path, content)
    position = content.index(b"\xf6")
    assert f"position {position} " in refusal.value.detail
    assert "encoding=cp1252" in refusal.value.detail
    assert refusal.value.extra == {"position": position}


def test_a_fault_of_encoding_in_the_last_row_refuses_the_file_before_any_row(path: Path) -> None:
    rows = f"{HOBBIT},é,x\n" * 100_000
    content = HEADER.encode() + rows.encode() + b"\xe9"
    with pytest.raises(SourceRefused, match=f"position {len(content) - 1} "):
        source_of(path, content)


def test_latin1_and_the_bytes_that_windows_1252_has_not_are_read_as_browsers_do(path: Path) -> None:
    sent = HEADER.encode() + HOBBIT.encode() + b",\x93Caf\xe9\x94 \x96 \x80,a\x81b\n"
    for encoding in ("latin1", "iso-8859-1", "cp1252", "windows-1252"):
        (record,) = records_of(path, sent, encoding=encoding)
        assert record.values == {"title": "\u201cCafé\u201d – €", "publisher": "ab"}
        assert warned(record) == [("publisher", "control-characters")]


def test_controls_that_were_windows_1252_once_are_read_as_what_they_were(path: Path) -> None:
    (record,) = records_of(path, f"{HEADER}{HOBBIT},It\x92s&#151;it\x85s,&#x80;\n")
    assert (record.values, record.warnings) == ({"title": "It’s—it…s", "publisher": "€"}, [])


def test_byte_order_marks_anywhere_are_no_text(path: Path) -> None:
    mark = "\ufeff"
    text = f'{mark}{mark}{HEADER}{mark}"{HOBBIT}","{mark}A{mark}",{mark}x\n{mark}{RINGS},B,\n'
    first, second = records_of(path, text)
    assert (first.isbn13, first.values, first.warnings) == (HOBBIT, {"title": "A", "publisher": "x"}, [])
    assert (second.isbn13, second.values["title"]) == (RINGS, "B")


def test_an_unknown_encoding_is_refused_with_those_that_are_understood(path: Path) -> None:
    with pytest.raises(SourceRefused, match="'ebcdic' is not understood; declare one of: utf-8"):
        source_of(path, HEADER, encoding="ebcdic")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_by_the_header(path: Path, delimiter: str) -> None:
    cells = ["isbn13", "title", "publisher"], [HOBBIT, '"a, b; c"', "x"]
    (record,) = records_of(path, "\n".join(delimiter.join(row) for row in cells))
    assert record.values == {"title": "a, b; c", "publisher": "x"}


def test_the_delimiter_may_be_declared(path: Path) -> None:
    (record,) = records_of(path, f"isbn\ttitle, or name\n{HOBBIT}\tx\n", delimiter="tab")
    assert record.raw == {"isbn": HOBBIT, "title, or name": "x"}
    with pytest.raises(SourceRefused, match="none of: comma, semicolon, tab, bar"):
        source_of(path, HEADER, delimiter="#")


def test_the_first_line_by_which_excel_knows_the_delimiter_is_no_header(path: Path) -> None:
    (record,) = records_of(path, f"sep=;\r\nisbn;title\r\n{HOBBIT};a, b\r\n")
    assert record.values == {"title": "a, b"}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_understood(path: Path, end: str) -> None:
    content = end.join(["isbn,title,description", f'{HOBBIT},A,"one{end}two"', "", ",,", f"{RINGS},B,", ""])
    first, second = records_of(path, content)
    assert first.values == {"title": "A", "description": f"one{end}two"}
    assert (second.number, second.isbn13, second.values) == (2, RINGS, {"title": "B", "description": None})


def test_a_line_break_in_a_field_of_one_line_is_a_space(path: Path) -> None:
    (record,) = records_of(path, f'isbn,title\n{HOBBIT},"The Lord \r\n of the\nRings"\n')
    assert record.values["title"] == "The Lord of the Rings"


def test_ragged_rows_name_both_counts_and_lose_nothing(path: Path) -> None:
    few, many, empty_more = records_of(path, f"{HEADER}{HOBBIT},A\n{RINGS},B,x,y,z\n{RINGS},C,x,,\n")
    assert [problem.message for problem in few.problems] == ["the row has 2 cells, the header 3"]
    assert complaints(many) == [("", "ragged-row")]
    assert few.raw == {"isbn13": HOBBIT, "title": "A", "publisher": ""}
    assert many.raw["publisher"] == "x,y,z"
    assert (few.values, many.values) == ({}, {})
    assert (empty_more.problems, empty_more.values["title"]) == ([], "C")


@pytest.mark.parametrize("mark", ["\0", "\x01", "\x07", "\x0b", "\x1b", "\x1f", "\x7f", "\x81"])
def test_control_characters_are_left_out_with_a_warning(path: Path, mark: str) -> None:
    damaged, sound = records_of(path, f"{HEADER}{mark}{HOBBIT},a{mark}b,x\n{RINGS},ok,y\n")
    assert (damaged.isbn13, damaged.problems) == (HOBBIT, [])
    assert damaged.values["title"] == "ab"
    assert warned(damaged) == [("title", "control-characters")]
    assert (sound.problems, sound.warnings) == ([], [])


def test_columns_have_names_that_the_database_holds(path: Path) -> None:
    source = source_of(path, f"isbn,a\0b,\0,\n{HOBBIT},x,y,z\n")
    (record,) = source
    source.close()
    assert list(record.raw) == source.columns == ["isbn", "a\ufffdb", "\ufffd", "column 4"]
    assert source.ignored == source.columns[1:]


def test_a_field_of_more_than_a_megabyte_is_a_problem_of_that_field(path: Path) -> None:
    large, sound = records_of(path, f"{HEADER}{HOBBIT},{'x' * 1_000_001},x\n{RINGS},ok,y\n")
    assert complaints(large) == [("title", "string_too_long")]
    assert sound.values["title"] == "ok"


def test_a_line_without_end_is_one_bad_row(path: Path) -> None:
    endless, sound = records_of(path, f"{HEADER}{HOBBIT},{'x,' * 3_000_000}\n{RINGS},ok,y\n")
    assert complaints(endless) == [("", "row-too-long")]
    assert sound.isbn13 == RINGS


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (f'{HOBBIT},"never closed,x', "a quote is opened and not closed"),
        (f'{HOBBIT},"The "Best" Book",x', 'a quote within a quoted cell must be doubled ("")'),
    ],
)
def test_a_stray_quote_spoils_its_own_row_alone(path: Path, damaged: str, message: str) -> None:
    following = "".join(f"{RINGS},ok {number},x\n" for number in range(50_000))
    bad, *rest = records_of(path, f"{HEADER}{damaged}\n{following}")
    assert [problem.message for problem in bad.problems] == [f"the row cannot be read: {message}"]
    assert bad.raw == {"isbn13": damaged}
    assert len(rest) == 50_000
    assert not any(record.problems for record in rest)


def test_quotes_within_a_cell_that_does_not_begin_with_one_are_text(path: Path) -> None:
    (record,) = records_of(path, f'{HEADER}{HOBBIT}, The "best" book,"say ""x"""\n')
    assert record.values == {"title": 'The "best" book', "publisher": 'say "x"'}


def test_a_header_alone_makes_no_record(path: Path) -> None:
    assert records_of(path, HEADER) == []


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\r\n", "﻿ \n".encode("utf-16")])
def test_an_empty_file_is_refused(path: Path, content: bytes) -> None:
    with pytest.raises(SourceRefused, match="The file is empty"):
        source_of(path, content)


def test_empty_lines_before_the_header_are_passed_over(path: Path) -> None:
    (record,) = records_of(path, f"\n,,\n{HEADER}{HOBBIT},x,\n")
    assert record.values["title"] == "x"


def test_a_file_without_header_is_refused_and_told_what_was_found(path: Path) -> None:
    with pytest.raises(SourceRefused) as refusal:
        source_of(path, f"{HOBBIT},The Hobbit,12.50\n")
    assert f"it says: '{HOBBIT}', 'The Hobbit', '12.50'" in refusal.value.detail


def test_the_position_grows_to_the_size_of_the_file(path: Path) -> None:
    content = HEADER + f"{HOBBIT},x,y\n" * 10_000
    source = source_of(path, content)
    positions = [source.position() for _ in source]
    source.close()
    assert positions == sorted(positions)
    assert positions[0] < len(content) // 2
    assert (positions[-1], source.position()) == (len(content), len(content))


def test_a_real_catalogue_is_read_without_a_problem() -> None:
    catalogue = ROOT / "app/demo/data/books.csv"
    source = open_source(catalogue, SourceOptions(SourceFormat.CSV, "EUR"))
    records = list(source)
    source.close()
    assert len(records) > 2000
    assert not [record for record in records if record.problems or record.isbn13 is None]
    assert source.ignored == []
