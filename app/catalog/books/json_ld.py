"""A book in the vocabulary of schema.org, as JSON-LD 1.1."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.catalog.books.schemas import BookOut
from app.catalog.models import BookFormat, SalePolicy
from app.core.http.negotiation import JSON_LD

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

    model_config = ConfigDict(
        extra="allow", serialize_by_alias=True, json_schema_serialization_defaults_required=True
    )

    context: str = Field(default=SCHEMA_ORG, serialization_alias="@context", examples=[SCHEMA_ORG])
    type: str = Field(default="Book", serialization_alias="@type", examples=["Book"])


LINKED: dict[int | str, dict[str, Any]] = {
    200: {"content": {JSON_LD: {"schema": LinkedBook.model_json_schema(mode="serialization")}}}
}
"""The second representation of one book, for the document."""


def linked_book(book: BookOut, shop: str) -> LinkedBook:
    """Describe the book at the shop whose public address is `shop`; what is unknown is left out."""
    url = f"{shop}/api/v1/books/{book.id}"
    people: dict[str, list[dict[str, str]]] = {}
    for one in book.contributors:
        people.setdefault(_ROLES[one.role], []).append({"@type": "Person", "name": one.name})
    properties: dict[str, Any] = {
        "@id": url,
        "url": url,
        "name": book.title,
        "alternativeHeadline": book.subtitle,
        "description": book.description,
        "isbn": book.isbn,
        "inLanguage": book.language,
        "numberOfPages": book.pages,
        "bookEdition": book.edition_statement,
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
        **people,
    }
    return LinkedBook(**{name: value for name, value in properties.items() if value})


def _offer(book: BookOut, url: str) -> dict[str, Any] | None:
    if book.price is None:
        return None
    return {
        "@type": "Offer",
        "url": url,
        "price": str(Decimal(book.price)),
        "priceCurrency": book.currency,
        "availability": _term(_availability(book)),
    }


def _availability(book: BookOut) -> str:
    if not book.quantity:
        return "OutOfStock"
    return "PreOrder" if book.sale_policy is SalePolicy.PREORDER else "InStock"


def _named(kind: str, name: str | None) -> dict[str, str] | None:
    return {"@type": kind, "name": name} if name else None


def _term(name: str | None) -> str | None:
    return f"{SCHEMA_ORG}/{name}" if name else None


def _year(year: int | None) -> str | None:
    if year is None:
        return None
    # ISO 8601 counts 1 BCE as year 0, and wants four digits behind the sign.
    counted = year + 1 if year < 0 else year
    return f"{'-' if counted < 0 else ''}{abs(counted):04}"
