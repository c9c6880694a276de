"""Which column of a file is which field: headers with their aliases, and the sender's own mapping."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.catalog.books.fields import BOOK_FIELDS
from app.catalog.formats.errors import SourceRefused

ISBN_FIELDS = ("isbn13", "isbn", "isbn10")
"""Three columns may hold the one key; the first that is filled decides."""

_OTHER_COLUMNS = {
    "isbn13": ("isbn_13", "ean", "ean13", "gtin13"),
    "isbn": ("isbn_number",),
    "isbn10": ("isbn_10",),
    "authors": ("author", "author_name", "author_names", "author(s)", "authors(s)", "by", "writer"),
    "currency": ("currency_code", "price_currency"),
    "shop_item_id": (),
}
"""What files have beside the fields of a book."""
_ALIASES = _OTHER_COLUMNS | {one.name: (one.file_name, one.csv_name, *one.headers) for one in BOOK_FIELDS}
_IGNORED_CHARACTERS = re.compile(r"[\s_\-\u00ad\u2010-\u2015\ufeff]+")
FIELDS = (*ISBN_FIELDS, *(one.csv_name for one in BOOK_FIELDS), "authors", "currency", "shop_item_id")
"""What a column may be, by the names that exports use."""
_RECOGNISABLE = 500
"""Characters of headers by which a sender recognises the file."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is read: where it stands, its header, the field that it fills."""

    index: int
    header: str
    field: str


def folded(header: str) -> str:
    """The header without what does not count."""
    return _IGNORED_CHARACTERS.sub("", header).casefold()


_FIELD_BY_HEADER = {
    folded(alias): field for field, aliases in _ALIASES.items() for alias in (field, *aliases)
}


def field_of(header: str) -> str | None:
    """The field that a header names; case, spaces, underscores and hyphens do not count."""
    return _FIELD_BY_HEADER.get(folded(header))


def check_mapping(mapping: Mapping[str, str]) -> dict[str, str]:
    """Check the mapping; folded header → field, or "" for a column to ignore.

    Raises SourceRefused: an unknown field, or one given twice.
    """
    checked: dict[str, str] = {}
    for header, target in mapping.items():
        field = field_of(target) if target else ""
        if field is None:
            raise SourceRefused(
                f"The mapping names the field {target!r}, which is none of: {', '.join(FIELDS)}."
            )
        checked[folded(header)] = field
    fields = [field for field in checked.values() if field]
    for header, target in mapping.items():
        if target and fields.count(field_of(target) or "") > 1:
            raise SourceRefused(
                f"The mapping gives {target!r} to more than one column, one of them {header!r}."
            )
    return checked


def require_mapped(headers: Sequence[str], mapping: Mapping[str, str]) -> None:
    """Check that every column of the mapping is there. Raises SourceRefused."""
    present = {folded(header) for header in headers}
    for header in mapping:
        if folded(header) not in present:
            raise SourceRefused(f"The mapping names the column {header!r}; the file has: {_listed(headers)}.")


def choose_columns(headers: Sequence[str], wanted: Mapping[str, str]) -> list[Column]:
    """The columns that are read, in the file's order; the rest is ignored.

    What `check_mapping` made of the mapping overrides the aliases. Of `contributors` and `authors`
    the former is read. Raises SourceRefused where two columns name one field.
    """
    mapped = {field for field in wanted.values() if field}
    columns = []
    for index, header in enumerate(headers):
        name = folded(header)
        field = wanted.get(name, _FIELD_BY_HEADER.get(name))
        if field and (name in wanted or field not in mapped):
            columns.append(Column(index, header, field))
    return _without_rivals(columns)


def _without_rivals(columns: list[Column]) -> list[Column]:
    chosen: dict[str, Column] = {}
    for column in columns:
        rival = chosen.setdefault(column.field, column)
        if rival is not column:
            is_same = folded(rival.header) == folded(column.header)
            way_out = (
                "give one of them another name."
                if is_same
                else f'say which in the mapping, such as {{"{column.header}": ""}} to ignore one.'
            )
            raise SourceRefused(
                f"Two columns name the field {column.field}: {rival.header!r} and {column.header!r}; {way_out}"
            )
    if "contributors" in chosen:
        chosen.pop("authors", None)
    return list(chosen.values())


def ignored_headers(headers: Iterable[str], columns: Sequence[Column]) -> list[str]:
    """The headers that no field understands, in the file's order."""
    read = {column.index for column in columns}
    return [header for index, header in enumerate(headers) if index not in read]


def require_isbn(headers: Sequence[str], columns: Sequence[Column]) -> None:
    """Check that a column identifies the books. Raises SourceRefused."""
    if not any(column.field in ISBN_FIELDS for column in columns):
        raise SourceRefused(
            f"No column is understood as the ISBN. The first line must name the columns; it says: "
            f"{_listed(headers)}. Name one of them isbn, or give a mapping from header to field."
        )


def _listed(headers: Iterable[str]) -> str:
    shown = ", ".join(repr(header) for header in headers)
    return shown if len(shown) <= _RECOGNISABLE else f"{shown[:_RECOGNISABLE]}…"
