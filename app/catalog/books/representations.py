"""A book as clients see it: whole, the `fields` that they ask for, or with what they ask to `expand`."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.catalog.authors.schemas import AuthorOut
from app.catalog.books.schemas import BookFilter, BookOut, ContributorOut, OwnBook
from app.catalog.goods.representations import (
    FIELDS_DESCRIPTION,
    FIELDS_PARAMETER,
    known_fields,
    only_the_id_is_sure,
    parts_of_page,
)
from app.catalog.goods.schemas import OwnersView
from app.catalog.models import BookFormat
from app.core.db.sorting import DistinctKeys, SplitKeys
from app.core.http.schemas import Money, ResponseModel


class Expansion(StrEnum):
    """What an answer can hold beside the book itself, at most two steps away."""

    WORK = "work"
    EDITIONS = "work.editions"
    AUTHORS = "contributors.author"


Fields = Annotated[
    list[str] | None,
    BeforeValidator(SplitKeys.func),
    known_fields(OwnBook, "a book"),
    Field(description=FIELDS_DESCRIPTION),
]
Expansions = Annotated[
    list[Expansion],
    SplitKeys,
    DistinctKeys,
    Field(description="Comma-separated: what to show in full."),
]


class ViewQuery(BaseModel):
    """What a client asks to see of one book."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    fields: Fields = None
    expand: Expansions = Field(default=[])


VIEW_PARAMETERS = {
    "parameters": [
        FIELDS_PARAMETER,
        {
            "name": "expand",
            "in": "query",
            "required": False,
            "schema": {"type": "string", "examples": [",".join(Expansion)]},
            "description": f"Comma-separated: what to show in full, of {', '.join(Expansion)}.",
        },
    ]
}
"""For the document: the query is not declared, since a declared one is parsed also where there is none."""


class BookListQuery(BookFilter):
    """Filters of `/books`, and what to show of each."""

    fields: Fields = None
    expand: Expansions = Field(default=[])

    @property
    def view(self) -> "BookView":
        """What to show of each book."""
        return BookView(self.fields, self.expand)


@dataclass(frozen=True, slots=True)
class BookView:
    """What to show of a book: the named fields, else all; in full what `expand` names.

    With the public address of a `shop`, all of it in the vocabulary of schema.org instead.
    """

    fields: list[str] | None = None
    expand: Sequence[Expansion] = ()
    shop: str | None = None

    @property
    def parts(self) -> Any:
        """The parts of a book to send, as Pydantic names them: `fields`, the id, and what was expanded; None for all."""
        if self.fields is None:
            return None
        return {"id", *self.fields, *(name.partition(".")[0] for name in self.expand)}

    @property
    def parts_of_page(self) -> Any:
        """The same of a page of books."""
        return parts_of_page(self.parts)


WHOLE = BookView()


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
    editions: list[EditionRef] | None = Field(default=None, description="At most 200, the oldest first.")


class ExpandedContributor(ContributorOut):
    """A contributor, with the author in full where that was asked for."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    author: AuthorOut | None = None


class ExpandedBook(BookOut):
    """A book with what was asked for beside it."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    contributors: list[ExpandedContributor]  # type: ignore[assignment]  # a list of a narrower model
    work: WorkRef | None = None


class OwnExpandedBook(ExpandedBook, OwnersView):
    """The same as its owner sees it."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)


class PartialBook(OwnExpandedBook):
    """A book with the `fields` that were asked for."""

    model_config = ConfigDict(json_schema_extra=only_the_id_is_sure)
