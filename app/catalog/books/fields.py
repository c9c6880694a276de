"""Every field of a book, once: its type, what files call it, where it is stored.

Columns of files, snapshots, differences, bulk statements and exports derive from `BOOK_FIELDS`.
A new field of text or of a whole number needs a line in `BookValues` and one in the table.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.catalog.books.schemas import Contributors, Pages, SeriesPosition, Subtitle, TitleSort
from app.catalog.goods.schemas import (
    CategoryIds,
    Description,
    IsActive,
    PriceIn,
    Quantity,
    ShortLine,
    Sku,
    Tags,
    Title,
    WeightGrams,
)
from app.catalog.languages import Language
from app.catalog.models import Book, BookFormat, Item, SupplierAvailability
from app.catalog.partial_dates import PartialDate, Year
from app.catalog.subjects import Subjects

FieldValue = str | int | Decimal | list[Any] | None
"""What one field of a book may hold."""


@dataclass(slots=True, kw_only=True)
class BookValues:
    """A book's own fields as plain values; `quantity` is what is available."""

    title: str = ""
    title_sort: str | None = None
    subtitle: str | None = None
    edition_statement: str | None = None
    publisher: str | None = None
    published_on: str | None = None
    first_published: int | None = None
    language: str | None = None
    format: str | None = None
    pages: int | None = None
    series_position: str | None = None
    subjects: list[dict[str, str | None]] = field(default_factory=list)
    """{scheme, code, heading}."""
    tags: list[str] = field(default_factory=list)
    sku: str | None = None
    price: Decimal | None = None
    is_price_fixed: bool = False
    quantity: int = 0
    weight_grams: int | None = None
    supplier_availability: str | None = None
    supplier_expected_on: str | None = None
    description: str | None = None
    is_active: bool = True


@dataclass(slots=True, kw_only=True)
class BookState(BookValues):
    """All that may be set of a book, with ids in place of names."""

    contributors: list[tuple[int, str]] = field(default_factory=list)
    """(author id, role) in printed order."""
    series_id: int | None = None
    category_ids: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class ExportedBook(BookValues):
    """A book with everything that an import understands, with names in place of ids."""

    id: int
    isbn13: str | None = None
    currency: str
    contributors: list[tuple[str, str]] = field(default_factory=list)
    """(name, role) in printed order."""
    series: str | None = None
    categories: list[str] = field(default_factory=list)
    """Slugs."""


@dataclass(frozen=True, slots=True)
class BookField:
    """One field of a book."""

    name: str
    """In records of files and in differences."""

    value_type: Any
    """What a request may send."""

    headers: tuple[str, ...] = ()
    """What else a file may call it."""

    stored_in: type[Book | Item] | None = None
    """The model whose column of this name holds just the value; other fields are stored by rules of their own."""

    attribute: str = ""
    """Of `BookState`, where it has another name."""

    exported_as: str = ""
    """In exported files, where it has another name."""

    csv_header: str = ""
    """In exported CSV, where it has a name of its own."""

    weight: str = ""
    """Of its words in the search document (A to D), as the database's `refresh_book_documents` gives it."""

    @property
    def state_name(self) -> str:
        """The attribute of `BookState`."""
        return self.attribute or self.name

    @property
    def file_name(self) -> str:
        """The name in exported files."""
        return self.exported_as or self.name

    @property
    def csv_name(self) -> str:
        """The header of exported CSV."""
        return self.csv_header or self.file_name


BOOK_FIELDS = (
    BookField("title", Title, ("name", "book_title"), Item, weight="A"),
    BookField("title_sort", TitleSort, ("sort_title", "title_without_prefix"), Book),
    BookField("subtitle", Subtitle, ("sub_title",), Book, weight="C"),
    BookField(
        "edition_statement",
        ShortLine,
        ("edition_name", "edition_info", "edition_description", "edition_note"),
        Book,
        csv_header="edition",
        weight="D",
    ),
    BookField("contributors", Contributors, weight="B"),
    BookField("publisher", ShortLine, ("publisher_name", "imprint"), Book),
    BookField(
        "published_on",
        PartialDate,
        (
            "publication_date",
            "date_published",
            "publish_date",
            "pub_date",
            "pubdate",
            "published_date",
            "year_published",
            "publication_year",
            "published_year",
        ),
        exported_as="published",
    ),
    BookField(
        "first_published",
        Year,
        ("original_publication_year", "first_publication_year", "first_published_year", "original_year"),
        Book,
    ),
    BookField("language", Language, ("language_code", "languages", "lang"), Book),
    BookField("format", BookFormat, ("binding", "book_format", "product_form", "media"), Book),
    BookField("pages", Pages, ("num_pages", "number_of_pages", "page_count"), Book),
    BookField("series", ShortLine, ("series_name", "series_title"), attribute="series_id", weight="B"),
    BookField(
        "series_position",
        SeriesPosition,
        ("position_in_series", "series_number", "series_no", "series_index", "volume"),
        Book,
    ),
    BookField("categories", CategoryIds, ("category", "genre", "genres"), attribute="category_ids"),
    BookField("subjects", Subjects, ("subject", "subject_codes", "thema", "bisac"), weight="C"),
    BookField("tags", Tags, ("tag", "keywords", "keyword")),
    BookField("sku", Sku, ("stock_keeping_unit", "item_number"), Item),
    BookField("price", PriceIn, ("unit_price", "list_price", "retail_price", "rrp"), Item),
    BookField("is_price_fixed", bool, ("fixed_price",), Book),
    BookField("quantity", Quantity, ("qty", "stock", "on_hand", "available", "stock_quantity")),
    BookField("weight_grams", WeightGrams, ("weight_g", "weight_in_grams", "grams"), Item),
    BookField("supplier_availability", SupplierAvailability, stored_in=Book),
    BookField("supplier_expected_on", PartialDate, stored_in=Book),
    BookField("description", Description, ("summary", "blurb", "annotation"), Item, weight="D"),
    BookField("is_active", IsActive, ("active",), Item),
)

PLAIN_BOOK_FIELDS = tuple(one.name for one in BOOK_FIELDS if one.stored_in is Book)
PLAIN_ITEM_FIELDS = tuple(one.name for one in BOOK_FIELDS if one.stored_in is Item)
SEARCHED_OF_BOOKS = tuple(one.name for one in BOOK_FIELDS if one.stored_in is Book and one.weight)
"""Texts of `books` that searches find."""
WEIGHTS = ", ".join(
    f"{weight} {' and '.join(one.name for one in BOOK_FIELDS if one.weight == weight)}" for weight in "ABCD"
)
"""What the words of each weight are of, in the API's documentation."""
