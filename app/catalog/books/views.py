"""What clients may ask to see of a book, and what they then see."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from app.catalog.authors.schemas import AuthorOut
from app.catalog.books.schemas import BookFilter, BookOut, ContributorOut
from app.catalog.models import BookFormat
from app.core.db.paging import Page
from app.core.db.sorting import DistinctKeys, SplitKeys
from app.core.http.negotiation import JSON_LD, NDJSON
from app.core.http.schemas import Money, ResponseModel


class Expansion(StrEnum):
    """What an answer can hold beside the book itself, at most two steps away."""

    WORK = "work"
    EDITIONS = "work.editions"
    AUTHORS = "contributors.author"


def _known(names: list[str]) -> list[str]:
    for name in names:
        if name not in BookOut.model_fields:
            raise ValueError(f"{name!r} is no field of a book; known are {', '.join(BookOut.model_fields)}")
    return names


Fields = Annotated[
    list[str] | None,
    BeforeValidator(SplitKeys.func),
    AfterValidator(lambda names: names and _known(names)),
    Field(
        description="Comma-separated fields to show; all without. The id is always there, the rest is then left out."
    ),
]
Expansions = Annotated[
    list[Expansion],
    SplitKeys,
    DistinctKeys,
    Field(description="Comma-separated: what to show in full."),
]


class BookView(BaseModel):
    """What to show of a book."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    fields: Fields = None
    expand: Expansions = Field(default=[])

    @property
    def include(self) -> Any:
        """The parts to send, as Pydantic names them."""
        return included(self.fields, self.expand)


class BookListQuery(BookFilter):
    """Filters of `/books`, and what to show of each."""

    fields: Fields = None
    expand: Expansions = Field(default=[])

    @property
    def include(self) -> Any:
        """The parts of the page to send, as Pydantic names them."""
        shown = included(self.fields, self.expand)
        return None if shown is None else {**dict.fromkeys(_ENVELOPE, True), "items": {"__all__": shown}}


_ENVELOPE = Page.model_fields.keys() - {"items"}


def included(fields: list[str] | None, expand: list[Expansion]) -> Any:
    """`fields`, the id, and what was expanded; None for everything."""
    if fields is None:
        return None
    return {"id", *fields, *(name.partition(".")[0] for name in expand)}


class EditionRef(ResponseModel):
    """Another edition of the work, in short."""

    id: int = Field(examples=[42])
    isbn: str | None = Field(examples=["9780261102217"])
    title: str = Field(examples=["The Hobbit"])
    format: BookFormat | None = Field(examples=["paperback"])
    language: str | None = Field(examples=["en"])
    year: int | None = Field(examples=[1937])
    price: Money | None = Field(examples=[12.5])
    currency: str = Field(examples=["EUR"])


class WorkRef(ResponseModel):
    """The work, with its editions where they were asked for."""

    id: int = Field(examples=[7])
    title: str = Field(examples=["The Hobbit"])
    editions: list[EditionRef] | None = None


class ExpandedContributor(ContributorOut):
    """A contributor with the author in full."""

    author: AuthorOut | None = None


class ExpandedBook(BookOut):
    """A book with what was asked for beside it."""

    contributors: list[ExpandedContributor]  # type: ignore[assignment]  # a list of a narrower model
    work: WorkRef | None = None


SCHEMA_ORG = "https://schema.org"
_FORMATS: Mapping[BookFormat, str] = {
    BookFormat.HARDCOVER: "Hardcover",
    BookFormat.PAPERBACK: "Paperback",
    BookFormat.EBOOK: "EBook",
    BookFormat.AUDIOBOOK: "AudiobookFormat",
}
_ROLES = {
    "author": "author",
    "editor": "editor",
    "translator": "translator",
    "illustrator": "illustrator",
    "narrator": "readBy",
}


class LinkedBook(BaseModel):
    """A book in the vocabulary of schema.org: https://schema.org/Book, as JSON-LD 1.1."""

    model_config = ConfigDict(extra="allow", serialize_by_alias=True)

    context: str = Field(default=SCHEMA_ORG, serialization_alias="@context", examples=[SCHEMA_ORG])
    type: str = Field(default="Book", serialization_alias="@type", examples=["Book"])


LINKED: dict[int | str, dict[str, Any]] = {
    200: {"content": {JSON_LD: {"schema": LinkedBook.model_json_schema(by_alias=True)}}}
}
LINES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            NDJSON: {
                "schema": {"type": "string"},
                "example": '{"id":42,"title":"The Hobbit"}\n{"id":43,"title":"Emma"}\n',
            }
        }
    }
}
"""The second representations, for the document."""


def linked_book(book: BookOut, shop: str) -> LinkedBook:
    """The book at the shop whose public address is `shop`; what is unknown is left out."""
    url = f"{shop}/api/v1/books/{book.id}"
    properties: dict[str, Any] = {
        "@id": url,
        "url": url,
        "name": book.title,
        "alternativeHeadline": book.subtitle,
        "description": book.description,
        "isbn": book.isbn,
        "inLanguage": book.language,
        "numberOfPages": book.pages,
        "bookFormat": _term(_FORMATS.get(book.format)) if book.format else None,
        "datePublished": book.published_on or _year(book.first_published),
        "publisher": _named("Organization", book.publisher),
        "image": f"{shop}{book.cover.urls.l}" if book.cover else None,
        "isPartOf": _named("BookSeries", book.series),
        "position": book.series_position,
        "exampleOfWork": {"@type": "Book", "@id": f"{shop}/api/v1/works/{book.work_id}"},
        "about": [
            {"@type": "DefinedTerm", "termCode": one.code, "inDefinedTermSet": one.scheme.value}
            for one in book.subjects
        ],
        "offers": _offer(book, url),
        **_people(book),
    }
    return LinkedBook(**{name: value for name, value in properties.items() if value})


def _people(book: BookOut) -> dict[str, list[dict[str, str]]]:
    people: dict[str, list[dict[str, str]]] = {}
    for one in book.contributors:
        people.setdefault(_ROLES[one.role], []).append({"@type": "Person", "name": one.name})
    return people


def _offer(book: BookOut, url: str) -> dict[str, Any] | None:
    if book.price is None:
        return None
    return {
        "@type": "Offer",
        "url": url,
        "price": str(Decimal(book.price)),
        "priceCurrency": book.currency,
        "availability": _term("InStock" if book.quantity else "OutOfStock"),
    }


def _named(kind: str, name: str | None) -> dict[str, str] | None:
    return {"@type": kind, "name": name} if name else None


def _term(name: str | None) -> str | None:
    return f"{SCHEMA_ORG}/{name}" if name else None


def _year(year: int | None) -> str | None:
    # ISO 8601 counts 1 BCE as year 0, and wants four digits.
    if year is None:
        return None
    return f"{year:04}" if year > 0 else f"-{-year - 1:04}"
