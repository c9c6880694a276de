"""Which column of a file is which field: headers with their aliases, and the sender's own mapping."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.catalog.books.fields import BOOK_FIELDS
from app.catalog.formats.errors import SourceRefused

ISBN_FIELDS = ("isbn13", "isbn", "isbn10")
"""Three columns may hold the one key; the first that is filled decides."""

COVER = "cover_url"
"""Nothing of the book: a picture to be fetched."""
_OTHER_COLUMNS = {
    "isbn13": ("isbn_13", "ean", "ean13", "gtin13"),
    "isbn": ("isbn_number", "isbn/uid", "isbns", "isbn/ean", "isbn10/13", "identifiers"),
    "isbn10": ("isbn_10",),
    "authors": (
        "author",
        "author_name",
        "author_names",
        "author(s)",
        "authors(s)",
        "by",
        "writer",
        "written_by",
        "author_text",
        "author_l-f",
        "creator",
        "creators",
        "primary_author",
        "secondary_author",
        "secondary_authors",
        "main_author",
        "co_author",
        "co_authors",
    ),
    "additional_authors": (),
    "currency": ("currency_code", "price_currency"),
    "shop_item_id": (),
    COVER: (),
}
"""What files have beside the fields of a book."""
_PEOPLE = "contributors"
_SAME_THING = {"authors": _PEOPLE, "additional_authors": _PEOPLE}
_ALIASES = _OTHER_COLUMNS | {one.name: (one.file_name, one.csv_name, *one.headers) for one in BOOK_FIELDS}
_OWN_NAMES = {name: one.name for one in BOOK_FIELDS for name in (one.name, one.file_name, one.csv_name)}
"""What exports call a field: under this very name an empty cell empties it."""
_NUMBERED = frozenset({_PEOPLE, "categories", "subjects", "tags"})
"""What may be spread over columns with a number each: `Author 1`, `Author 2`."""
_KEPT_WHEN_EMPTY = frozenset({*_OTHER_COLUMNS, "title", "price", "is_price_fixed", "quantity", "is_active"})
"""What an empty cell never empties."""
_IGNORED_CHARACTERS = re.compile(r"[\s_\-\u00ad\u2010-\u2015\ufeff]+")
FIELDS = (
    *ISBN_FIELDS,
    *(one.csv_name for one in BOOK_FIELDS),
    "authors",
    "currency",
    "shop_item_id",
    COVER,
)
"""What a column may be, by the names that exports use."""
_RECOGNISABLE = 500
"""Characters of headers by which a sender recognises the file."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is read: where it stands, its header, and as which field."""

    index: int
    header: str
    field: str


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """Which columns are read: those that alone say something, and of each other thing all that say it.

    `clearing` are the fields that an empty cell empties: those of a column that stands alone under the name that
    exports give it, or under one that the mapping gives. Any other empty cell says nothing.
    """

    single: Sequence[Column]
    shared: Mapping[str, Sequence[Column]]
    clearing: frozenset[str]

    @property
    def columns(self) -> list[Column]:
        """All of them."""
        return [*self.single, *(column for columns in self.shared.values() for column in columns)]


def thing_of(field: str) -> str:
    """What a field is about: authors are contributors."""
    return _SAME_THING.get(field, field)


def folded(header: str) -> str:
    """The header without what does not count."""
    return _IGNORED_CHARACTERS.sub("", header).casefold()


_FIELD_BY_HEADER = {
    folded(alias): field for field, aliases in _ALIASES.items() for alias in (field, *aliases)
}


def field_of(header: str) -> str | None:
    """The field that a header names; case, spaces, underscores and hyphens do not count."""
    name = folded(header)
    if name in _FIELD_BY_HEADER:
        return _FIELD_BY_HEADER[name]
    field = _FIELD_BY_HEADER.get(name.rstrip("0123456789"), "")
    return field if thing_of(field) in _NUMBERED else None


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


def choose_columns(headers: Sequence[str], wanted: Mapping[str, str]) -> "ColumnPlan":
    """The columns that are read; the rest is ignored.

    What `check_mapping` made of the mapping overrides the aliases.
    """
    mapped = {thing_of(field) for field in wanted.values() if field}
    things: dict[str, list[Column]] = {}
    for index, header in enumerate(headers):
        name = folded(header)
        field = wanted.get(name, field_of(header))
        if field and (name in wanted or thing_of(field) not in mapped):
            things.setdefault(thing_of(field), []).append(Column(index, header, field))
    single = [columns[0] for columns in things.values() if len(columns) == 1]
    return ColumnPlan(
        single,
        {thing: columns for thing, columns in things.items() if len(columns) > 1},
        frozenset(
            one.field
            for one in single
            if one.field not in _KEPT_WHEN_EMPTY
            and one.field in {_OWN_NAMES.get(one.header.strip()), wanted.get(folded(one.header))}
        ),
    )


def ignored_headers(headers: Iterable[str], plan: ColumnPlan) -> list[str]:
    """The headers that no field understands, in the file's order."""
    read = {column.index for column in plan.columns}
    return [header for index, header in enumerate(headers) if index not in read]


def require_isbn(headers: Sequence[str], plan: ColumnPlan) -> None:
    """Check that a column identifies the books. Raises SourceRefused."""
    if not any(column.field in ISBN_FIELDS for column in plan.columns):
        raise SourceRefused(
            f"No column is understood as the ISBN. The first line must name the columns; it says: "
            f"{_listed(headers)}. Name one of them isbn, or give a mapping from header to field."
        )


def _listed(headers: Iterable[str]) -> str:
    shown = ", ".join(repr(header) for header in headers)
    return shown if len(shown) <= _RECOGNISABLE else f"{shown[:_RECOGNISABLE]}…"
