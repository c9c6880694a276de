"""What a cell of each field becomes in the catalogue, and what is wrong with it if it cannot."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import TypeAdapter

from app.catalog.books.schemas import MOST_CATEGORIES, SeriesPosition
from app.catalog.categories.schemas import Name as CategoryName
from app.catalog.formats.cells import split_list
from app.catalog.formats.fields import ISBN_FIELDS
from app.catalog.formats.isbns import ShortenedIsbn, is_shortened_form, isbn_of
from app.catalog.formats.numbers import date_of, item_id_of, pages_of, price_of, quantity_of, year_of
from app.catalog.formats.people import credits_of
from app.catalog.formats.record import Record, RowProblem
from app.catalog.formats.subjects import subject_of
from app.catalog.formats.texts import FieldRefused, TextRule, checked
from app.catalog.goods.schemas import Description, ShortLine, Sku, Tags, Title
from app.catalog.languages import language_of
from app.catalog.models import BookFormat
from app.catalog.subjects import Subject, Subjects

Rule = Callable[[str], Any]

LARGEST_CELL = 1_000_000
"""Characters. Nothing that a book has is a thousandth of it."""

VALUE_NAMES = {"published": "published_on", "authors": "contributors"}
"""Field of a file → key of `Record.values`, where they differ."""

_LISTS = frozenset({"contributors", "categories", "tags", "subjects"})
_KEPT_WHEN_EMPTY = frozenset({"title", "price", "quantity"})
_TAGS: TypeAdapter[list[str]] = TypeAdapter(Tags)
_SUBJECTS: TypeAdapter[list[Subject]] = TypeAdapter(Subjects)
_SKU: TypeAdapter[str] = TypeAdapter(Sku)
_short_line = TextRule(TypeAdapter(ShortLine))
_category = TextRule(TypeAdapter(CategoryName))

_BETWEEN_LETTERS = re.compile(r"[\s_-]+")
_FORMATS = {
    BookFormat.HARDCOVER: "hardcover hardback hardbound hb bb librarybinding",
    BookFormat.PAPERBACK: "paperback softcover softback massmarketpaperback tradepaperback pb bc",
    BookFormat.EBOOK: "ebook kindle kindleedition epub pdf digital ed",
    BookFormat.AUDIOBOOK: "audiobook audio audiocd audiocassette audible audibleaudio mp3cd aj",
    BookFormat.OTHER: "other unknown unknownbinding",
}
_FORMAT_BY_WORD = {word: form.value for form, words in _FORMATS.items() for word in words.split()}


def _format_of(cell: str) -> str:
    form = _FORMAT_BY_WORD.get(_BETWEEN_LETTERS.sub("", cell.casefold()))
    if form is None:
        raise FieldRefused(f"is none of: {', '.join(BookFormat)}", "unknown-format")
    return form


def _tags_of(cell: str) -> list[str]:
    tags: list[str] = checked(_TAGS, split_list(cell))
    return tags


def _sku_of(cell: str) -> str:
    return str(checked(_SKU, cell))


def _categories_of(entries: Sequence[str]) -> list[str]:
    """Slugs or names of categories; FieldRefused."""
    if len(entries) > MOST_CATEGORIES:
        raise FieldRefused(f"names more than {MOST_CATEGORIES} categories", "too_long")
    return list(dict.fromkeys(_category(entry) for entry in entries))


def _subjects_of(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Subjects as the catalogue keeps them; FieldRefused."""
    return [one.model_dump(mode="json") for one in checked(_SUBJECTS, list(entries))]


_RULES: dict[str, Rule] = {
    "title": TextRule(TypeAdapter(Title)),
    "subtitle": _short_line,
    "description": TextRule(TypeAdapter(Description), is_single_line=False),
    "publisher": _short_line,
    "series": _short_line,
    "series_position": TextRule(TypeAdapter(SeriesPosition)),
    "contributors": credits_of,
    "authors": credits_of,
    "categories": lambda cell: _categories_of(split_list(cell)),
    "tags": _tags_of,
    "subjects": lambda cell: _subjects_of([subject_of(entry) for entry in split_list(cell)]),
    "published": date_of,
    "first_published": year_of,
    "language": language_of,
    "format": _format_of,
    "pages": pages_of,
    "sku": _sku_of,
    "price": price_of,
    "quantity": quantity_of,
}


class Normaliser:
    """Fills records from (field, text) pairs of one row, by the rules of one file."""

    def __init__(self, currency: str, *, has_decimal_comma: bool = False) -> None:
        self._currency = currency
        self._rules = dict(_RULES)
        if has_decimal_comma:
            self._rules["price"] = partial(price_of, has_decimal_comma=True)
        self._rules["currency"] = self._check_currency

    def fill(self, record: Record, fields: Mapping[str, str]) -> None:
        """Set key, values and problems from the row's texts; those without a rule are the ISBN's."""
        values, rules = record.values, self._rules
        for field, text in fields.items():
            rule = rules.get(field)
            if rule is None:
                continue
            cell = text.strip()
            name = VALUE_NAMES.get(field, field)
            if not cell:
                _leave_empty(values, name)
                continue
            try:
                values[name] = rule(_of_bearable_length(cell))
            except ValueError as refusal:
                record.problems.append(problem_of(name, refusal))
        values.pop("currency", None)
        self._set_isbn(record, fields)
        if record.isbn13 is None and (shop_item_id := fields.get("shop_item_id", "").strip()):
            self._set_item_id(record, shop_item_id)
        if values.get("series_position") and "series" in values and not values["series"]:
            record.problems.append(RowProblem("series_position", "needs a series", "value_error"))

    def _check_currency(self, cell: str) -> None:
        if cell.upper() != self._currency:
            raise FieldRefused(
                f"the shop's prices are in {self._currency}, not {cell[:20]}", "wrong-currency"
            )

    def _set_isbn(self, record: Record, fields: Mapping[str, str]) -> None:
        told = [cell for name in ISBN_FIELDS if name in fields and (cell := fields[name].strip())]
        if not told:
            return
        try:
            record.isbn13 = isbn_of(told[0]) if len(told) == 1 else _isbn_of_several(told)
        except ValueError as refusal:
            record.problems.append(problem_of("isbn", refusal))

    def _set_item_id(self, record: Record, cell: str) -> None:
        try:
            record.item_id = item_id_of(cell)
        except ValueError as refusal:
            record.problems.append(problem_of("shop_item_id", refusal))


def problem_of(name: str, refusal: ValueError) -> RowProblem:
    """A refusal as the problem of a field."""
    if isinstance(refusal, ShortenedIsbn):
        return RowProblem(name, str(refusal), "shortened-number")
    default = "invalid-isbn" if name == "isbn" else "value_error"
    return RowProblem(name, str(refusal), getattr(refusal, "type", default))


def _leave_empty(values: dict[str, Any], name: str) -> None:
    if name not in _KEPT_WHEN_EMPTY:
        values[name] = [] if name in _LISTS else None


def _of_bearable_length(cell: str) -> str:
    if len(cell) > LARGEST_CELL:
        raise FieldRefused(f"must have at most {LARGEST_CELL} characters", "string_too_long")
    return cell


def _isbn_of_several(told: Sequence[str]) -> str:
    """The first decides; another that proves itself must name the same book, and may stand in for a shortened one."""
    proven = []
    for cell in told[1:]:
        try:
            proven.append(isbn_of(cell))
        except ValueError:
            continue
    try:
        isbn13 = isbn_of(told[0])
    except ShortenedIsbn:
        fitting = [one for one in proven if is_shortened_form(told[0], one)]
        if not fitting:
            raise
        isbn13 = fitting[0]
    if any(one != isbn13 for one in proven):
        raise ValueError(f"the columns name two books: {', '.join(dict.fromkeys([isbn13, *proven]))}")
    return isbn13
