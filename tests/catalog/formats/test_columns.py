"""Which header is which field."""

from decimal import Decimal
from pathlib import Path

import pytest

from app.catalog.formats.columns import FIELDS, field_of
from app.catalog.formats.errors import SourceRefused
from tests.catalog.formats.reading import complaints, records_of, source_of, warned

HOBBIT = "9780261102217"


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


@pytest.mark.parametrize(
    ("headers", "cells", "values"),
    [
        ("Authors,Contributors", "A,", {"contributors": [("A", "author")]}),
        ("Authors,Contributors", ",A", {"contributors": [("A", "author")]}),
        ("Authors,Contributors", ",", {}),
        ("authors,contributors", ",", {}),
        ("Authors,Contributors", "A,B (editor)", {"contributors": [("A", "author"), ("B", "editor")]}),
        (
            "Authors,Contributors",
            "A; B,B; C",
            {"contributors": [("A", "author"), ("B", "author"), ("C", "author")]},
        ),
        ("Author,authors", "A,A", {"contributors": [("A", "author")]}),
        (
            "Author,Author l-f,Additional Authors",
            'A B,"B, A","C D, E F"',
            {"contributors": [(one, "author") for one in ("A B", "B, A", "C D", "E F")]},
        ),
        ("title,Title", "x,", {"title": "x"}),
        ("title,Book Title", ",x", {"title": "x"}),
        ("tags,Keywords", '"a, b",b; c', {"tags": ["a", "b", "c"]}),
        ("Tags,keywords", ",", {}),
        ("subjects,thema", "FMB,thema:FMB; FIC009020", {"subjects": ["FMB", "FIC009020"]}),
        ("description,summary", "One,Two", {"description": "One\n\nTwo"}),
        ("description,summary", "One,One", {"description": "One"}),
        ("pages,num_pages", "310,310.0", {"pages": 310}),
        ("published,publication_date", "1937,1937-09-21", {"published_on": "1937-09-21"}),
        ("format,binding", "Hardcover,hardback", {"format": "hardcover"}),
        ("price,rrp", "5,5.00", {"price": 5}),
    ],
)
def test_of_two_columns_for_one_thing_the_cells_decide(
    path: Path, headers: str, cells: str, values: dict[str, object]
) -> None:
    (record,) = records_of(path, f"isbn,{headers}\n{HOBBIT},{cells}\n")
    assert (record.problems, record.warnings) == ([], [])
    read = dict(record.values)
    if "subjects" in read:
        read["subjects"] = [one["code"] for one in read["subjects"]]
    assert read == values


@pytest.mark.parametrize(
    ("headers", "cells", "told"),
    [
        ("title,name", "One,Two", "title"),
        ("pages,page count", "310,320", "pages"),
        ("published,publication date", "1937,1938-01", "published_on"),
        ("publisher,imprint", "A,B", "publisher"),
    ],
)
def test_columns_that_differ_warn_and_the_first_is_taken(
    path: Path, headers: str, cells: str, told: str
) -> None:
    (record,) = records_of(path, f"isbn,{headers}\n{HOBBIT},{cells}\n")
    assert (record.problems, warned(record)) == ([], [(told, "columns-differ")])
    assert record.values


def test_each_row_keeps_its_cells_under_all_headers(path: Path) -> None:
    first, second = records_of(path, f"isbn,Authors,Contributors\n{HOBBIT},A,\n{HOBBIT},,B\n")
    assert first.raw == {"isbn": HOBBIT, "Authors": "A", "Contributors": ""}
    assert second.raw == {"isbn": HOBBIT, "Authors": "", "Contributors": "B"}


@pytest.mark.parametrize("headers", ["price,rrp", "quantity,stock", "sku,item number"])
def test_of_columns_that_differ_in_price_quantity_or_sku_none_is_taken(path: Path, headers: str) -> None:
    cells = "BK-0001,BK-0002" if "sku" in headers else "5,50"
    (record,) = records_of(path, f"isbn,{headers}\n{HOBBIT},{cells}\n")
    assert ([kind for _, kind in warned(record)], record.problems) == (["columns-differ"], [])
    assert record.values == {}, "nobody sells by a guess"


def test_a_currency_column_counts_wherever_it_stands_twice(path: Path) -> None:
    (record,) = records_of(path, f"isbn,price,currency,price_currency\n{HOBBIT},5,EUR,USD\n")
    assert (record.problems, warned(record)) == ([], [("currency", "wrong-currency")])
    assert record.values == {}, "an amount of another currency is no price of this shop"


@pytest.mark.parametrize(
    ("currency", "values"),
    [("EUR", {"price": 5}), ("e\x01ur", {"price": 5}), ("", {"price": 5}), ("€", {"price": 5}), ("$", {})],
)
def test_an_amount_is_taken_in_the_shops_currency_alone(
    path: Path, currency: str, values: dict[str, object]
) -> None:
    (record,) = records_of(path, f"isbn,currency,price\n{HOBBIT},{currency},5\n")
    assert (record.problems, record.values) == ([], values)


def test_isbns_of_readers_exports_are_understood_without_a_mapping(path: Path) -> None:
    for header, cell in (
        ("ISBN/UID", HOBBIT),
        ("ISBNs", HOBBIT),
        ("isbn-13", HOBBIT),
        ("ISBN/UID,isbn", f",{HOBBIT}"),
    ):
        (record,) = records_of(path, f"{header},title\n{cell},x\n")
        assert (record.isbn13, record.problems) == (HOBBIT, []), header


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("subtitle", {"subtitle": None}),
        (" subtitle ", {"subtitle": None}),
        ("published", {"published_on": None}),
        ("contributors", {"contributors": []}),
        ("Subtitle", {}),
        ("sub_title", {}),
        ("publication_date", {}),
        ("authors", {}),
        ("Contributors", {}),
        ("keywords", {}),
        ("title", {}),
        ("price", {}),
    ],
)
def test_an_empty_cell_empties_a_field_only_under_the_name_that_exports_give_it(
    path: Path, header: str, values: dict[str, object]
) -> None:
    (record,) = records_of(path, f"isbn,{header}\n{HOBBIT},\n")
    assert record.values == values


def test_an_empty_cell_of_a_mapped_column_empties_too(path: Path) -> None:
    (record,) = records_of(path, f"isbn,Untertitel\n{HOBBIT},\n", mapping={"Untertitel": "subtitle"})
    assert record.values == {"subtitle": None}


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


@pytest.mark.parametrize("headers", ["Author 1,Author 2,Author 3", "author_1,author_2,author_3"])
def test_numbered_columns_are_the_entries_of_a_list(path: Path, headers: str) -> None:
    (record,) = records_of(path, f"isbn,{headers}\n{HOBBIT},Ann,Bea,\n")
    assert record.values == {"contributors": [("Ann", "author"), ("Bea", "author")]}
    (record,) = records_of(path, f"isbn,Keyword 1,Keyword 2,Title 2\n{HOBBIT},cosy,crime,x\n")
    assert record.values == {"tags": ["cosy", "crime"]}


@pytest.mark.parametrize("cell", [";", ",,", " | "])
def test_a_list_of_separators_alone_is_empty(path: Path, cell: str) -> None:
    (record,) = records_of(path, f'isbn,authors,keywords\n{HOBBIT},"{cell}","{cell}"\n')
    assert (record.values, record.warnings) == ({}, [])
    (record,) = records_of(path, f'isbn,contributors\n{HOBBIT},"{cell}"\n')
    assert record.values == {"contributors": []}, "as an empty cell under the name of exports"


@pytest.mark.parametrize(
    ("cell", "series", "position"),
    [
        ("The Sample #3", "The Sample", "3"),
        ("The Sample, #1.5", "The Sample", "1.5"),
        ("The Sample, Vol. III", "The Sample", "III"),
        ("The Sample ; vol. 3", "The Sample", "3"),
        ("The Sample ; no. 3", "The Sample", "3"),
        ("The Sample Bd. 2", "The Sample", "2"),
        ("The Sample (Book 2)", "The Sample", "2"),
        ("The Sample [3]", "The Sample", "3"),
        ("Area 51", "Area 51", None),
        ("Chanel No. 5", "Chanel No. 5", None),
        ("Wild Cards (1987)", "Wild Cards (1987)", None),
        ("One #3; Other #1", "One #3; Other #1", None),
        ("Book 3", "Book 3", None),
    ],
)
def test_the_number_is_taken_out_of_a_series_name_where_no_column_has_it(
    path: Path, cell: str, series: str, position: str | None
) -> None:
    (record,) = records_of(path, f'isbn,series\n{HOBBIT},"{cell}"\n')
    assert (record.values["series"], record.values.get("series_position")) == (series, position)
    (record,) = records_of(path, f'isbn,series,series_position\n{HOBBIT},"{cell}",\n')
    assert record.values == {"series": cell, "series_position": None}


def test_formulas_of_a_text_are_the_text(path: Path) -> None:
    (record,) = records_of(path, f'isbn,title,price,pages\n="{HOBBIT}",="1984",="12.50",=""\n')
    assert (record.isbn13, record.values) == (
        HOBBIT,
        {"title": "1984", "price": Decimal("12.50"), "pages": None},
    )
