"""How each field of a book is read from a cell, written to one, and taken from JSON.

Text and whole numbers go by the type of the field; the others have rules of their own here.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from pydantic import TypeAdapter

from app.catalog.books.fields import BOOK_FIELDS, BookField, FieldValue
from app.catalog.books.schemas import Pages
from app.catalog.categories.schemas import Name as CategoryName
from app.catalog.formats.cell_text import (
    escape_formula,
    join_list,
    join_tags,
    keep_markup,
    split_list,
    split_tags,
)
from app.catalog.formats.columns import ISBN_FIELDS
from app.catalog.formats.dates import read_date, read_year
from app.catalog.formats.numbers import read_integer, read_pages, read_price
from app.catalog.formats.people import credits_cell, credits_of, role_of
from app.catalog.formats.texts import FieldCut, FieldRefused, TextRule, checked
from app.catalog.goods.schemas import MOST_CATEGORIES, MOST_TAGS, Description, Sku, Tag
from app.catalog.languages import language_of
from app.catalog.models import BookFormat, SupplierAvailability
from app.catalog.partial_dates import Year
from app.catalog.slugs import make_slug
from app.catalog.subjects import Subject, Subjects, SubjectScheme, has_shape_of

Cell = str | int | None
CellReader = Callable[[str], FieldValue]
SubjectValue = Mapping[str, str | None]
"""{scheme, code, heading}."""

_LISTED = 300
"""Characters of entries that are left out, by which their sender recognises them."""
_SUBJECTS: TypeAdapter[list[Subject]] = TypeAdapter(Subjects)
_SKU: TypeAdapter[str] = TypeAdapter(Sku)
_category = TextRule(TypeAdapter(CategoryName))
_tag = TextRule(TypeAdapter(Tag))
_SUBJECT = re.compile(r"(?:(\w+):)?(\S+)(?:\s+(.+))?")
_BETWEEN_LETTERS = re.compile(r"[\s_-]+")
_FORMATS = {
    BookFormat.HARDCOVER: "hardcover hardback hardbound hb bb librarybinding",
    BookFormat.PAPERBACK: "paperback softcover softback massmarketpaperback tradepaperback pb bc",
    BookFormat.EBOOK: "ebook kindle kindleedition epub pdf digital ed",
    BookFormat.AUDIOBOOK: "audiobook audio audiocd audiocassette audible audibleaudio mp3cd aj",
    BookFormat.OTHER: "other unknown unknownbinding",
}
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_FORMAT_BY_WORD = {word: form.value for form, words in _FORMATS.items() for word in words.split()}


def _read_format(cell: str) -> str:
    form = _FORMAT_BY_WORD.get(_BETWEEN_LETTERS.sub("", cell.casefold()))
    if form is None:
        raise FieldRefused(f"is none of: {', '.join(BookFormat)}", "unknown-format")
    return form


def _read_availability(cell: str) -> str:
    word = "_".join(_BETWEEN_LETTERS.split(cell.casefold()))
    if word not in set(SupplierAvailability):
        raise FieldRefused(f"is none of: {', '.join(SupplierAvailability)}", "unknown-availability")
    return word


def _read_flag(cell: str) -> bool:
    flag = _FLAGS.get(cell.casefold())
    if flag is None:
        raise FieldRefused("must be true or false", "invalid-type")
    return flag


def _read_categories(cell: str) -> list[str]:
    """Slugs or names of categories. Raises FieldCut, FieldRefused."""
    return _sound_entries(split_list(cell), _read_category, MOST_CATEGORIES, "categories")


def _read_category(entry: str) -> str:
    name = _category(entry)
    if make_slug(name) is None:
        raise FieldRefused(f"no slug can be made of {name!r}", "value_error")
    return name


def _read_tags(cell: str) -> list[str]:
    """Tags in lower case. Raises FieldCut, FieldRefused."""
    return _sound_entries(split_tags(cell), lambda entry: _tag(entry).lower(), MOST_TAGS, "tags")


def _sound_entries(entries: Iterable[str], rule: Callable[[str], str], most: int, what: str) -> list[str]:
    """The first entries that the rule takes, each once, up to so many.

    Raises FieldCut where some are left out, FieldRefused where there is none to take.
    """
    kept: dict[str, None] = {}
    left_out: dict[str, str] = {}
    for entry in entries:
        try:
            name = rule(entry)
        except FieldRefused as refusal:
            left_out[entry] = str(refusal)
            continue
        if len(kept) < most:
            kept[name] = None
        elif name not in kept:
            left_out[name] = f"more than {most} {what}"
    if left_out:
        told = "; ".join(f"{entry[:_LISTED]}: {reason}" for entry, reason in left_out.items())
        message = f"{len(left_out)} left out: {told[:_LISTED]}{'…' if len(told) > _LISTED else ''}"
        if not kept:
            raise FieldRefused(message, "entries-left-out")
        raise FieldCut(list(kept), message, "entries-left-out")
    return list(kept)


def _read_subjects(cell: str) -> list[dict[str, str | None]]:
    subjects = checked(_SUBJECTS, [read_subject(entry) for entry in split_list(cell)])
    return [one.model_dump(mode="json") for one in subjects]


def read_subject(entry: str) -> dict[str, str | None]:
    """Scheme, code and heading of `thema:FMB Epic fantasy`; without a scheme by the code's shape: BISAC's, else Thema.

    Raises FieldRefused.
    """
    match = _SUBJECT.fullmatch(entry)
    if match is None:
        raise FieldRefused("must be scheme:code heading, such as thema:FMB Epic fantasy", "value_error")
    scheme, code, heading = match.groups()
    if scheme is None:
        is_bisac = has_shape_of(SubjectScheme.BISAC, code.upper())
        scheme = SubjectScheme.BISAC if is_bisac else SubjectScheme.THEMA
    return {"scheme": scheme.lower(), "code": code, "heading": heading}


def subjects_cell(listed: Iterable[SubjectValue]) -> str:
    """The cell that reads back as these subjects."""
    return join_list(
        f"{one['scheme']}:{one['code']}" + (f" {one['heading']}" if one.get("heading") else "")
        for one in listed
    )


_READERS: Mapping[str, CellReader] = {
    "contributors": credits_of,
    "published_on": read_date,
    "language": language_of,
    "pages": partial(read_pages, TypeAdapter(Pages)),
    "format": _read_format,
    "categories": _read_categories,
    "subjects": _read_subjects,
    "tags": _read_tags,
    "sku": lambda cell: checked(_SKU, cell),
    "price": read_price,
    "is_price_fixed": _read_flag,
    "is_active": _read_flag,
    "supplier_availability": _read_availability,
    "supplier_expected_on": read_date,
    "description": TextRule(TypeAdapter(Description), is_single_line=False),
}


def _reader_of(field: BookField) -> CellReader:
    if field.name in _READERS:
        return _READERS[field.name]
    adapter = TypeAdapter[Any](field.value_type)
    if field.value_type is Year:
        return partial(read_year, adapter)
    is_number = adapter.json_schema()["type"] == "integer"
    return partial(read_integer, adapter) if is_number else TextRule(adapter)


CELL_READERS: Mapping[str, CellReader] = {field.name: _reader_of(field) for field in BOOK_FIELDS}
"""What makes a cell of the field the value that the catalogue keeps. Raises ValueError."""

_LISTS: Mapping[str, Callable[[Any], str]] = {
    "contributors": credits_cell,
    "categories": join_list,
    "subjects": subjects_cell,
    "tags": join_tags,
}
LIST_FIELDS = frozenset(_LISTS)


def write_cell(name: str, value: FieldValue) -> Cell:
    """The value as a cell of a spreadsheet: text that might be a formula is escaped, numbers never."""
    if isinstance(value, str):
        return escape_formula(keep_markup(value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return escape_formula(keep_markup(_LISTS[name](value)))
    return str(value) if isinstance(value, Decimal) else value


def write_list(name: str, entries: list[Any]) -> str:
    """The cell that reads back as these entries."""
    return _LISTS[name](entries)


def json_value(name: str, value: FieldValue) -> object:
    """The value as JSON: as it is, but where it looks like markup the text of a cell that reads back as it."""
    if isinstance(value, list):
        cell = _LISTS[name](value)
        kept = keep_markup(cell)
        return value if kept is cell else kept
    return keep_markup(value) if isinstance(value, str) else value


def cell_of_json(name: str, value: object) -> str:
    """Write a value of JSON as a cell of CSV, so that both are read alike. Raises FieldRefused."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list):
        if name in _JSON_LISTS:
            return _JSON_LISTS[name](value)
        if name in ISBN_FIELDS and not any(isinstance(one, list) for one in value):
            return "; ".join(cell_of_json(name, one) for one in value)
    if isinstance(value, bool) and CELL_READERS.get(name) is _read_flag:
        return str(value).lower()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FieldRefused("has a value of the wrong kind", "invalid-type")
    return str(value)


def _people_of_json(listed: Sequence[object]) -> str:
    entries = []
    for one in listed:
        if isinstance(one, Mapping):
            role = role_of(str(one.get("role") or "author"))
            entries.append(credits_cell([(_text_of(one, "name"), role)]))
        else:
            entries.append(join_list([_text_of(one, "name")]))
    return "; ".join(entries)


def _subjects_of_json(listed: Sequence[object]) -> str:
    entries = []
    for one in listed:
        code = _text_of(one, "code")
        if isinstance(one, Mapping):
            entries.append(subjects_cell([{"scheme": "thema", **one}]))
        else:
            entries.append(join_list([code]))
    return "; ".join(entries)


def _tags_of_json(listed: Sequence[object]) -> str:
    if not all(isinstance(one, str | int) for one in listed):
        raise FieldRefused("has an entry that is not text", "invalid-type")
    return join_tags(map(str, listed))


_JSON_LISTS: Mapping[str, Callable[[Sequence[object]], str]] = {
    "contributors": _people_of_json,
    "authors": _people_of_json,
    "subjects": _subjects_of_json,
    "categories": lambda listed: join_list(_text_of(one, "slug", "name") for one in listed),
    "tags": _tags_of_json,
}


def _text_of(entry: object, *names: str) -> str:
    """The entry, or what it has under the first of these names that is text. Raises FieldRefused."""
    if isinstance(entry, str):
        return entry
    found = [entry.get(name) for name in names] if isinstance(entry, Mapping) else []
    for text in found:
        if isinstance(text, str):
            return text
    raise FieldRefused(
        f"has an entry that is neither text nor an object with {' or '.join(names)}", "invalid-type"
    )
