"""What an import can say of a book, as plain values: what it is, what it shall be, and the difference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from operator import attrgetter
from typing import Any

from app.catalog.authors.resolver import Credit
from app.catalog.books.fields import BOOK_FIELDS, BookState
from app.catalog.books.service import principal_author
from app.catalog.imports.names import Names
from app.catalog.works.repository import TitlePage
from app.catalog.works.resolver import EditionChange

Image = BookState
"""A book's fields, with ids in place of names."""

FIELDS = tuple(one.state_name for one in BOOK_FIELDS)
_all_fields = attrgetter(*FIELDS)


@dataclass(slots=True)
class Stored:
    """A book as it stands, its row locked."""

    item_id: int
    isbn13: str | None
    version: int
    reserved: int
    regular_price: Decimal | None
    image: Image

    @property
    def key(self) -> str | int:
        """As the key of a record that means this book."""
        return self.isbn13 or self.item_id


@dataclass(frozen=True, slots=True)
class Edit:
    """A book and what it shall be."""

    stored: Stored
    image: Image
    fields: Sequence[str]

    @property
    def of_title_page(self) -> EditionChange:
        """What becomes of title and principal author."""
        return EditionChange(self.stored.item_id, title_page(self.stored.image), title_page(self.image))


def title_page(image: Image) -> TitlePage:
    """The title, and the first contributor that is an author."""
    return TitlePage(image.title, principal_author(image.contributors))


def fields_of(values: Mapping[str, Any], names: Names, credited: Sequence[Credit] = ()) -> dict[str, Any]:
    """The values of a record as fields of an image, for a book that credits these authors already."""
    fields = {name: value for name, value in values.items() if name in _PLAIN}
    for name in ("tags", "subjects"):
        if name in values:
            fields[name] = values[name] or []
    if "contributors" in values:
        # Two names of one contributor are forgiven.
        credits_ = names.authors.credit(values["contributors"] or (), credited)
        fields["contributors"] = list(dict.fromkeys(credits_))
    if "series" in values:
        fields["series_id"] = names.series[values["series"]] if values["series"] else None
    if "categories" in values:
        fields["category_ids"] = sorted({names.categories[name] for name in values["categories"] or ()})
    return fields


def news(book: Stored, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields without what says the same in other words: the price but for a sale."""
    if book.regular_price is not None and fields.get("price") == book.regular_price:
        del fields["price"]
    return fields


def changed(image: Image, fields: Mapping[str, Any]) -> Image:
    """The image with these fields; a position without a series is none."""
    return _consistent(replace(image, **fields))


def made(fields: Mapping[str, Any]) -> Image:
    """A new image of these fields."""
    return _consistent(Image(**fields))


def _consistent(image: Image) -> Image:
    if image.series_id is None:
        image.series_position = None
    return image


def differing(old: Image, new: Image) -> list[str]:
    """The fields in which the two differ."""
    pairs = zip(FIELDS, _all_fields(old), _all_fields(new), strict=True)
    return [name for name, was, becomes in pairs if was != becomes]


def before(old: Image, fields: Sequence[str]) -> dict[str, Any]:
    """What a revert restores, as JSON holds it."""
    return {name: _json(getattr(old, name)) for name in fields}


def restored(image: Image, values: Mapping[str, Any]) -> Image:
    """The image with the fields that `before` kept."""
    fields = dict(values)
    if fields.get("price") is not None:
        fields["price"] = Decimal(fields["price"])
    if "contributors" in fields:
        fields["contributors"] = [(author_id, role) for author_id, role in fields["contributors"]]
    return replace(image, **fields)


def shown(old: Image | None, new: Image, fields: Sequence[str], names: Names) -> dict[str, list[Any]]:
    """Field → [old, new] as people read it."""
    changes = {}
    for name in fields:
        label = _LABELS[name]
        changes[label] = [
            _readable(name, getattr(old, name), names) if old is not None else None,
            _readable(name, getattr(new, name), names),
        ]
    return changes


_LABELS = {one.state_name: one.name for one in BOOK_FIELDS}
_PLAIN = frozenset(FIELDS) - {"tags", "subjects", "contributors", "series_id", "category_ids"}


def _json(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _readable(name: str, value: Any, names: Names) -> Any:
    if name == "contributors":
        return [{"name": names.author_names.get(one), "role": role} for one, role in value]
    if name == "series_id":
        return None if value is None else names.series_names.get(value)
    if name == "category_ids":
        return sorted(names.slugs.get(one, str(one)) for one in value)
    return float(value) if isinstance(value, Decimal) else value
