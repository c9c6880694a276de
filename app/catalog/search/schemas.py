"""What clients send and see of searches."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from app.catalog.books.fields import WEIGHTS
from app.catalog.books.schemas import BookOut
from app.catalog.index.criteria import BookCriteria, SearchText
from app.core.db.paging import ListQuery, Page
from app.core.db.sorting import DistinctKeys, SplitKeys
from app.core.http.schemas import ResponseModel


class Match(StrEnum):
    """How a book was found: by ISBN or whole title, by words, by words spelt alike, or by some of the words."""

    EXACT = "exact"
    TEXT = "text"
    FUZZY = "fuzzy"
    PARTIAL = "partial"


class Tier(StrEnum):
    """Books of one tier come before those of the next."""

    ISBN = "isbn"
    TITLE = "title"
    TITLE_BEGINNING = "title_beginning"
    WORDS = "words"
    CORRECTED_WORDS = "corrected_words"
    SOME_WORDS = "some_words"


class SearchSort(StrEnum):
    """Sort keys; `-` before a key turns it round."""

    RELEVANCE = "relevance"
    TITLE = "title"
    TITLE_DESC = "-title"
    PRICE = "price"
    PRICE_DESC = "-price"
    NEWEST = "newest"
    ADDED = "added"
    POPULARITY = "popularity"
    UPDATED_AT = "updated_at"
    UPDATED_AT_DESC = "-updated_at"


class SearchQuery(BookCriteria, ListQuery):
    """A text, and the filters of `/books`."""

    q: SearchText = Field(
        description=(
            'Words, as many of which as possible occur; `"a phrase"`, `-without`, `this OR that`; or an ISBN in any form.'
        ),
        examples=["hobbit"],
    )
    sort: Annotated[list[SearchSort], SplitKeys, DistinctKeys] = Field(
        default=[SearchSort.RELEVANCE],
        description="Comma-separated keys, as of `/books`; `relevance`: best first. The id decides ties.",
        examples=[["relevance"]],
    )
    explain: bool = Field(
        default=False, description="Say why each book ranks where it does; needs `catalog:manage`."
    )

    @property
    def is_of_everything(self) -> bool:
        """Whether the whole catalogue was searched, from the first row on."""
        return self.model_fields_set <= {"q", "sort", "explain", "limit"}


class Explanation(ResponseModel):
    """Why a book ranks where it does."""

    tier: Tier = Field(description="How it was found at best.", examples=["words"])
    rank: int = Field(description="Within the tier; the least comes first.", examples=[392405])
    query: str | None = Field(
        description="What was looked for among the words, synonyms and other spellings included.",
        examples=["'hobbit'"],
    )
    corrected_query: str | None = Field(description="As `query`, of the corrected text.")
    words: dict[str, list[str]] = Field(
        description=f"Words of the book that were looked for, and where they stand: {WEIGHTS}.",
        examples=[{"hobbit": ["A", "D"]}],
    )


class FoundBook(BookOut):
    """A book and how it was found."""

    match: Match = Field(
        description="`partial`: no book has all the words; those that this one lacks are `missing_words`.",
        examples=["text"],
    )
    missing_words: list[str] = Field(
        default=[],
        description="With `match: partial`: what was asked for and is not found in the book, as it was written.",
        examples=[["zeppelin"]],
    )
    snippet: str = Field(
        description="HTML: text of the book with the words that were found in `<b>`.",
        examples=["The <b>Hobbit</b> — J.R.R. Tolkien"],
    )
    explanation: Explanation | None = Field(default=None, description="With `explain=true` alone.")


class MistypedIsbnOut(ResponseModel):
    """A number that has all digits of an ISBN, and a wrong check digit."""

    isbn: str = Field(description="As it was given.", examples=["9780261102218"])
    message: str = Field(examples=["the check digit of this ISBN-13 is wrong"])
    suggestions: list[str] = Field(
        description="ISBNs of the shop's books that one slip makes of it: another digit, or two changed round.",
        examples=[["9780261102217"]],
    )


class SearchPage(Page[FoundBook]):
    """One page of found books: the ISBN first, then titles, then words."""

    did_you_mean: str | None = Field(
        default=None,
        description="The corrected text, where little was found by the given one; its books are on the list too.",
        examples=["tolkien"],
    )
    mistyped_isbn: MistypedIsbnOut | None = Field(
        default=None, description="Where the text names an ISBN whose check digit is wrong."
    )
