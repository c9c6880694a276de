"""Which header is which field."""

from pathlib import Path

import pytest

from app.catalog.formats.columns import FIELDS, field_of
from app.catalog.formats.errors import SourceRefused
from tests.catalog.formats.reading import complaints, records_of, source_of

HOBBIT = "9780261102217"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "books.csv"


@pytest.mark.parametrize(
    ("header", "field"),
    [
        *((name, name) for name in FIELDS if name not in {"published", "edition"}),
        ("published", "published_on"),
        ("Edition", "edition_statement"),
        ("edition_statement", "edition_statement"),
        ("ISBN-13", "isbn13"),
        (" Isbn_10 ", "isbn10"),
        ("EAN", "isbn13"),
        ("Author(s)", "authors"),
        ("AUTHOR", "authors"),
        ("published_on", "published_on"),
        ("Publication Date", "published_on"),
        ("Year Published", "published_on"),
        ("original_publication_year", "first_published"),
        ("Original Publication Year", "first_published"),
        ("language code", "language"),
        ("language_code", "language"),
        ("Binding", "format"),
        ("Number of Pages", "pages"),
        ("num_pages", "pages"),
        ("Series-Position", "series_position"),
        ("stock", "quantity"),
        ("Genre", "categories"),
        ("keywords", "tags"),
        ("thema", "subjects"),
        ("name", "title"),
        ("average_rating", None),
        ("original_title", None),
    ],
)
def test_headers_name_fields_whatever_their_spelling(header: str, field: str | None) -> None:
    assert field_of(header) == field


def test_unknown_columns_are_ignored_and_listed(path: Path) -> None:
    source = source_of(path, f"isbn,Rating,title,,rating\n{HOBBIT},5,x,,6\n")
    assert source.columns == ["isbn", "Rating", "title", "column 4", "rating"]
    assert source.ignored == ["Rating", "column 4", "rating"]
    (record,) = source
    source.close()
    assert record.raw == {"isbn": HOBBIT, "Rating": "5", "title": "x", "column 4": "", "rating": "6"}
    assert record.values == {"title": "x"}


def test_two_headers_of_one_text_keep_both_cells(path: Path) -> None:
    (record,) = records_of(path, f"isbn,note,note\n{HOBBIT},a,b\n")
    assert record.raw == {"isbn": HOBBIT, "note": "a", "note (2)": "b"}


def test_the_mapping_goes_before_the_aliases(path: Path) -> None:
    mapping = {"Werktitel": "title", "title": "", "NOTE": "Publisher"}
    source = source_of(path, f"isbn,title,werktitel,note\n{HOBBIT},a,b,c\n", mapping=mapping)
    (record,) = source
    source.close()
    assert record.values == {"title": "b", "publisher": "c"}
    assert source.ignored == ["title"]


def test_a_mapped_column_takes_the_place_of_the_one_that_the_aliases_found(path: Path) -> None:
    (record,) = records_of(path, f"isbn,title,long\n{HOBBIT},a,b\n", mapping={"long": "title"})
    assert record.values == {"title": "b"}


@pytest.mark.parametrize(
    ("mapping", "complaint"),
    [
        ({"title": "titel"}, "the field 'titel', which is none of: isbn13, isbn"),
        ({"titel": "title"}, "the column 'titel'; the file has: 'isbn', 'title'"),
        ({"isbn": "title", "title": "title"}, "'title' to more than one column"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(
    path: Path, mapping: dict[str, str], complaint: str
) -> None:
    with pytest.raises(SourceRefused, match=complaint):
        source_of(path, f"isbn,title\n{HOBBIT},x\n", mapping=mapping)


def test_two_columns_of_one_field_are_refused_by_name(path: Path) -> None:
    with pytest.raises(SourceRefused, match="field authors: 'Author' and 'authors'"):
        source_of(path, "isbn,Author,authors\n")
    with pytest.raises(SourceRefused, match=r'such as \{"authors": ""\} to ignore one'):
        source_of(path, "isbn,Author,authors\n")
    with pytest.raises(SourceRefused, match="'title' and 'Title'; give one of them another name"):
        source_of(path, "isbn,title,Title\n")


def test_of_contributors_and_authors_the_former_is_read(path: Path) -> None:
    (record,) = records_of(path, f"isbn,authors,contributors\n{HOBBIT},A,B (editor)\n")
    assert record.values == {"contributors": [("B", "editor")]}


def test_a_file_without_isbn_column_is_refused(path: Path) -> None:
    with pytest.raises(SourceRefused, match="No column is understood as the ISBN"):
        source_of(path, "title,price\nx,1\n")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("9780261102217,,", HOBBIT),
        (",0261102214,", HOBBIT),
        (",,0-261-10221-4", HOBBIT),
        ("9780261102217,0261102214,0261102214", HOBBIT),
        ("9780261102217,,not known", HOBBIT),
        ("9.7802611E+12,261102214,", HOBBIT),
        (",,", None),
    ],
)
def test_of_the_isbn_columns_the_first_that_is_filled_decides(
    path: Path, cells: str, expected: str | None
) -> None:
    (record,) = records_of(path, f"isbn13,isbn,isbn10,title\n{cells},x\n")
    assert (record.isbn13, record.problems) == (expected, [])


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ("9780261102217,0439023483,", "invalid-isbn"),
        ("9780261102210,0261102214,", "invalid-isbn"),
        ("9.78043902348E+12,0261102214,", "shortened-number"),
    ],
)
def test_isbn_columns_that_contradict_one_another_are_a_problem(path: Path, cells: str, kind: str) -> None:
    (record,) = records_of(path, f"isbn13,isbn,isbn10,title\n{cells},x\n")
    assert complaints(record) == [("isbn", kind)]
    assert record.isbn13 is None
