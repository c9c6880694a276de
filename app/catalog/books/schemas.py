"""What clients send and see of books."""

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator

from app.catalog.goods.pictures import CoverOut
from app.catalog.goods.schemas import (
    LONGEST_NAME,
    GoodsIn,
    GoodsPatch,
    ItemKind,
    ItemOut,
    OwnersView,
    ShortLine,
)
from app.catalog.index.criteria import BookCriteria
from app.catalog.isbn import parse_isbn
from app.catalog.languages import Language
from app.catalog.models import BookFormat, ContributorRole, SupplierAvailability
from app.catalog.partial_dates import PartialDate, Precision, Year
from app.catalog.subjects import SubjectOut, Subjects
from app.core.db.paging import ListQuery
from app.core.db.sorting import DistinctKeys, SplitKeys
from app.core.http.schemas import OMITTED, Line, RequestModel, ResponseModel, RowId, VisibleLine

MOST_CONTRIBUTORS = 50


def split_names(names: str) -> list[str]:
    """The names of a list separated by `;`, each once."""
    return list(dict.fromkeys(name for part in names.split(";") if (name := part.strip())))


def _names_people(names: str) -> str:
    listed = split_names(names)
    if not listed:
        raise ValueError("names nobody")
    try:
        _PERSON_NAMES.validate_python(listed)
    except ValidationError:
        raise ValueError(f"each name must be visible and have at most {LONGEST_NAME} characters") from None
    return names


PersonName = Annotated[VisibleLine, Field(max_length=LONGEST_NAME)]
_PERSON_NAMES = TypeAdapter(list[PersonName])

AuthorNames = Annotated[
    VisibleLine,
    AfterValidator(_names_people),
    Field(
        max_length=500, description="Names in printed order, separated by `;`.", examples=["J.R.R. Tolkien"]
    ),
]


Isbn = Annotated[
    Line,
    Field(
        max_length=40, description="ISBN-10 or ISBN-13 in any printed form.", examples=["978-0-261-10221-7"]
    ),
    AfterValidator(parse_isbn),
]
SeriesPosition = Annotated[
    VisibleLine, Field(max_length=20, description="As printed: `1`, `1.5`, `1-3`.", examples=["1"])
]
_FIRST_NUMBER = re.compile(r"\d{0,6}(?<![^\W\d_])[.,]\d{1,3}|\d{1,6}", re.ASCII)
_ROMAN = re.compile(r"\b(X{0,3})(IX|IV|V?I{0,3})\b", re.IGNORECASE)
_UNITS = {"": 0, "i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9}


def series_order(position: str | None) -> Decimal | None:
    """Tell the number that a printed position sorts by: its first one, so `1-3` is 1 and `Vol. IV` 4; None without."""
    text = position or ""
    if match := _FIRST_NUMBER.search(text):
        return Decimal(match[0].replace(",", "."))
    tens, units = next((match.groups() for match in _ROMAN.finditer(text) if match[0]), ("", ""))
    return Decimal(10 * len(tens) + _UNITS[units.lower()]) if tens or units else None


IsPriceFixed = Annotated[
    bool, Field(description="By law, as publishers fix it: no discount may be given.", examples=[False])
]
ExpectedOn = Annotated[
    PartialDate, Field(description="When the supplier expects to have it.", examples=["2026-11"])
]
TitleSort = Annotated[VisibleLine, Field(max_length=500, examples=["Hobbit"])]
Subtitle = Annotated[VisibleLine, Field(max_length=500, examples=["There and back again"])]
Pages = Annotated[int, Field(ge=1, le=100_000, examples=[310])]


class ContributorIn(RequestModel):
    """Somebody who made the book: a known author by id, or anybody by name."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"name": "J.R.R. Tolkien", "role": "author"}

    author_id: RowId | None = None
    name: PersonName | None = Field(default=None, examples=["J.R.R. Tolkien"])
    role: ContributorRole = ContributorRole.AUTHOR
    position: int | None = Field(
        default=None, ge=1, le=MOST_CONTRIBUTORS, description="Printed order, from 1; the list's own without."
    )

    @model_validator(mode="after")
    def _names_one_person(self) -> Self:
        if (self.author_id is None) == (self.name is None):
            raise ValueError("send either author_id or name")
        return self


def _in_order(contributors: list[ContributorIn]) -> list[ContributorIn]:
    positions = [one.position for one in contributors if one.position is not None]
    if len(set(positions)) != len(positions):
        raise ValueError("two contributors have the same position")
    if positions and len(positions) != len(contributors):
        raise ValueError("give every contributor a position, or none")
    return sorted(contributors, key=lambda one: one.position or 0)


Contributors = Annotated[list[ContributorIn], Field(max_length=MOST_CONTRIBUTORS), AfterValidator(_in_order)]


WorkId = Annotated[RowId, Field(description="The work this is an edition of.", examples=[7])]


class Bibliography(RequestModel):
    """What requests may say of a book beside what every item has; null empties a field."""

    isbn: Isbn | None = None
    author: AuthorNames | None = None
    contributors: Contributors | None = Field(default=None, description="Instead of `author`.")
    title_sort: TitleSort | None = Field(
        default=None, description="As the title is filed; null: without its leading article, by its language."
    )
    subtitle: Subtitle | None = None
    edition_statement: ShortLine | None = Field(
        default=None, description="As printed.", examples=["2nd edition"]
    )
    publisher: ShortLine | None = Field(default=None, examples=["George Allen & Unwin"])
    published_on: PartialDate | None = None
    first_published: Year | None = Field(default=None, examples=[1937])
    language: Language | None = None
    format: BookFormat | None = None
    pages: Pages | None = None
    series: ShortLine | None = Field(default=None, examples=["Middle-earth"])
    series_position: SeriesPosition | None = None
    supplier_availability: SupplierAvailability | None = Field(
        default=None, description="Whether a supplier has it; the shop's own stock is `quantity`."
    )
    supplier_expected_on: ExpectedOn | None = None

    @model_validator(mode="after")
    def _has_one_authorship(self) -> Self:
        if self.author is not None and self.contributors is not None:
            raise ValueError("send either author or contributors")
        return self

    @property
    def stated_contributors(self) -> list[ContributorIn]:
        """The contributors that were sent, or the authors that one line names."""
        return self.contributors or [ContributorIn(name=name) for name in split_names(self.author or "")]


class BookIn(Bibliography, GoodsIn):
    """A new book, or all of a book."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "title": "The Hobbit",
        "author": "J.R.R. Tolkien",
        "isbn": "978-0-261-10221-7",
        "description": "There and back again.",
        "price": 12.5,
        "quantity": 12,
        "tags": ["fantasy"],
        "publisher": "George Allen & Unwin",
        "published_on": "1937-09-21",
        "language": "en",
        "format": "paperback",
        "pages": 310,
        "series": "Middle-earth",
        "series_position": "1",
        "subjects": [{"scheme": "thema", "code": "FMB", "heading": "Epic fantasy"}],
    }

    is_price_fixed: IsPriceFixed = False
    subjects: Subjects = Field(default_factory=list)
    work_id: WorkId | None = Field(
        default=None, description="Without it, the work of this title by the first author, made if need be."
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.series_position is not None and self.series is None:
            raise ValueError("series_position needs series")
        return self


class BookPatch(Bibliography, GoodsPatch):
    """A partial change of a book."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"price": 9.99, "quantity": 20}

    is_price_fixed: IsPriceFixed = OMITTED
    subjects: Subjects = OMITTED
    work_id: WorkId = OMITTED


class ContributorOut(ResponseModel):
    """A contributor as printed."""

    author_id: int = Field(examples=[9])
    name: str = Field(examples=["J.R.R. Tolkien"])
    role: ContributorRole = Field(examples=["author"])
    position: int = Field(examples=[1])


class BookOut(ItemOut):
    """A book."""

    kind: ItemKind = Field(examples=["book"])
    title: str = Field(examples=["The Hobbit"])
    isbn: str | None = Field(description="ISBN-13.", examples=["9780261102217"])
    isbn10: str | None = Field(
        description="The same as ISBN-10, which 979 numbers have not.", examples=["0261102214"]
    )
    author: str | None = Field(description="The authors' names.", examples=["J.R.R. Tolkien"])
    contributors: list[ContributorOut]
    title_sort: str = Field(
        description="As the title is filed: without its leading article, or as the shop said.",
        examples=["Hobbit"],
    )
    subtitle: str | None
    edition_statement: str | None = Field(examples=["2nd edition"])
    publisher: str | None = Field(examples=["George Allen & Unwin"])
    published_on: str | None = Field(examples=["1937-09-21"])
    published_precision: Precision | None = Field(examples=["day"])
    first_published: int | None = Field(examples=[1937])
    language: str | None = Field(examples=["en"])
    format: BookFormat | None = Field(examples=["paperback"])
    pages: int | None = Field(examples=[310])
    series_id: int | None = Field(examples=[4])
    series: str | None = Field(examples=["Middle-earth"])
    series_position: str | None = Field(examples=["1"])
    is_price_fixed: IsPriceFixed
    supplier_availability: SupplierAvailability | None = Field(
        description="Whether a supplier has it; the shop's own stock is `quantity`.", examples=["to_order"]
    )
    supplier_expected_on: str | None = Field(
        description="When the supplier expects to have it.", examples=["2026-11"]
    )
    subjects: list[SubjectOut]
    work_id: int = Field(description="Shared by all editions of one text.", examples=[7])
    cover: CoverOut | None = Field(description="The main picture: the first of `pictures`.")


class OwnBook(BookOut, OwnersView):
    """A book as its owner sees it."""

    kind: ItemKind = Field(examples=["book"])


class BookSort(StrEnum):
    """Sort keys; `-` before a key turns it round."""

    TITLE = "title"
    TITLE_DESC = "-title"
    PRICE = "price"
    PRICE_DESC = "-price"
    CREATED_AT = "created_at"
    CREATED_AT_DESC = "-created_at"
    UPDATED_AT = "updated_at"
    UPDATED_AT_DESC = "-updated_at"
    ADDED = "added"
    POPULARITY = "popularity"
    NEWEST = "newest"


class BookFilter(BookCriteria, ListQuery):
    """A list of books: filters, order and window."""

    sort: Annotated[list[BookSort], SplitKeys, DistinctKeys] = Field(
        default=[BookSort.TITLE],
        description=(
            "Comma-separated keys; the id decides ties. `title`: as filed (`title_sort`). `newest`: the latest publication first, books without a date"
            " last. `added`: the latest first. `popularity`: what sold most in the last 90 days first, by pieces in paid orders;"
            " of equals, and of what did not sell, what was looked at most in the last weeks, a view counting half after 14 days."
        ),
        examples=[["newest"]],
    )
