"""What clients send and see of books."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from app.catalog.covers.schemas import CoverOut
from app.catalog.goods.schemas import (
    AuthorNames,
    GoodsCriteria,
    GoodsFilter,
    GoodsIn,
    GoodsPatch,
    Isbn,
    ItemKind,
    ItemOut,
    PersonName,
    check_range,
    split_names,
)
from app.catalog.index.criteria import AnyOf, Decade, NameOrId, PriceBand, SearchText, Stars, SubjectKey
from app.catalog.partial_dates import Precision, parse_partial_date
from app.catalog.subjects import SubjectOut, Subjects
from app.core.db.sorting import SplitKeys
from app.core.http.schemas import OMITTED, Line, RequestModel, ResponseModel, RowId, VisibleLine, shaped

MOST_CONTRIBUTORS = 50
MOST_CATEGORIES = 20
EARLIEST_YEAR = -4000
LATEST_YEAR = 9999


class BookFormat(StrEnum):
    """How an edition is made."""

    HARDCOVER = "hardcover"
    PAPERBACK = "paperback"
    EBOOK = "ebook"
    AUDIOBOOK = "audiobook"
    OTHER = "other"


class ContributorRole(StrEnum):
    """What somebody did for a book."""

    AUTHOR = "author"
    EDITOR = "editor"
    TRANSLATOR = "translator"
    ILLUSTRATOR = "illustrator"
    NARRATOR = "narrator"


def _checked_date(text: str) -> str:
    parse_partial_date(text)
    return text


def _normal_language(code: str) -> str:
    language, *rest = code.split("-")
    return "-".join([language.lower(), *(part.upper() if len(part) == 2 else part for part in rest)])  # noqa: PLR2004 (a region has two letters)


PartialDate = Annotated[
    Line,
    AfterValidator(_checked_date),
    Field(max_length=10, description="A year, a month or a day, as far as known.", examples=["1937-09-21"]),
]
Language = Annotated[
    Line,
    *shaped(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$", "must be a language code, such as en or en-US"),
    Field(description="BCP 47.", examples=["en"]),
    AfterValidator(_normal_language),
]
ShortLine = Annotated[VisibleLine, Field(max_length=200)]
SeriesPosition = Annotated[
    VisibleLine, Field(max_length=20, description="As printed: `1`, `1.5`, `1-3`.", examples=["1"])
]
Year = Annotated[int, Field(ge=EARLIEST_YEAR, le=LATEST_YEAR, description="Negative before the common era.")]
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
CategoryIds = Annotated[list[RowId], Field(max_length=MOST_CATEGORIES, examples=[[3]])]


WorkId = Annotated[RowId, Field(description="The work this is an edition of.", examples=[7])]


class Bibliography(RequestModel):
    """What requests may say of a book beside what every item has; null empties a field."""

    isbn: Isbn | None = None
    author: AuthorNames | None = None
    contributors: Contributors | None = Field(default=None, description="Instead of `author`.")
    subtitle: ShortLine | None = None
    publisher: ShortLine | None = Field(default=None, examples=["George Allen & Unwin"])
    published_on: PartialDate | None = None
    first_published: Year | None = Field(default=None, examples=[1937])
    language: Language | None = None
    format: BookFormat | None = None
    pages: Pages | None = None
    series: ShortLine | None = Field(default=None, examples=["Middle-earth"])
    series_position: SeriesPosition | None = None

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

    category_ids: CategoryIds = Field(default_factory=list)
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

    category_ids: CategoryIds = OMITTED
    subjects: Subjects = OMITTED
    work_id: WorkId = OMITTED


class ContributorOut(ResponseModel):
    """A contributor as printed."""

    author_id: int = Field(examples=[9])
    name: str = Field(examples=["J.R.R. Tolkien"])
    role: ContributorRole = Field(examples=["author"])
    position: int = Field(examples=[1])


class CategoryRef(ResponseModel):
    """A category that a book stands in."""

    id: int = Field(examples=[3])
    name: str = Field(examples=["Fantasy"])
    slug: str = Field(examples=["fantasy"])


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
    subtitle: str | None
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
    categories: list[CategoryRef]
    subjects: list[SubjectOut]
    work_id: int = Field(description="Shared by all editions of one text.", examples=[7])
    cover: CoverOut | None


class BookCriteria(GoodsCriteria):
    """Filters of books. All must hold; of a filter's several values, any."""

    search: SearchText | None = Field(
        default=None,
        description="As `q` of `/search`: words, a phrase, or an ISBN in any form; misspelt words too.",
    )
    author: Annotated[list[NameOrId], *AnyOf] = Field(
        default=[],
        description="Part of a contributor's name or alias, whatever its case and accents, or an author's id.",
    )
    author_id: Annotated[list[RowId], SplitKeys, *AnyOf] = Field(default=[], description="Authors' ids.")
    language: Annotated[list[Language], SplitKeys, *AnyOf] = Field(
        default=[], description="`en` finds `en-US` too."
    )
    format: Annotated[list[BookFormat], SplitKeys, *AnyOf] = Field(
        default=[], description="How the edition is made."
    )
    series: Annotated[list[NameOrId], *AnyOf] = Field(default=[], description="The series' name.")
    series_id: Annotated[list[RowId], SplitKeys, *AnyOf] = Field(default=[], description="Ids of series.")
    category: Annotated[list[NameOrId], SplitKeys, *AnyOf] = Field(
        default=[], description="Slug or id of a category; its descendants count."
    )
    subject: Annotated[list[SubjectKey], SplitKeys, *AnyOf] = Field(
        default=[], description="Beginning of a subject code, such as `FB` or `thema:FB`.", examples=[["FB"]]
    )
    decade: Annotated[list[Decade], SplitKeys, *AnyOf] = Field(
        default=[], description="First year of a decade.", examples=[[1930]]
    )
    min_year: Year | None = Field(
        default=None, description="Year of first publication, else of the edition; this one or later."
    )
    max_year: Year | None = Field(default=None, description="As `min_year`; this one or earlier.")
    price: Annotated[list[PriceBand], SplitKeys, *AnyOf] = Field(
        default=[], description="From and up to, but not including: `10-20`, `200-`.", examples=[["10-20"]]
    )
    rating: Annotated[list[Stars], SplitKeys, *AnyOf] = Field(
        default=[], description="Average rating, rounded down to whole stars."
    )
    min_rating: Decimal | None = Field(
        default=None, ge=0, le=5, description="Average rating, from this one up; unrated books have none."
    )

    @property
    def has_filters(self) -> bool:
        """Whether any of them was sent."""
        return not BookCriteria.model_fields.keys().isdisjoint(self.model_fields_set)

    @model_validator(mode="after")
    def _has_a_year_range(self) -> Self:
        check_range(self, "min_year", "max_year")
        return self


class BookFilter(BookCriteria, GoodsFilter):
    """A list of books: filters, order and window."""
