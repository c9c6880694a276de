"""Invented books by the million: titles and names made of the words of the real ones, always the same."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import accumulate

from app.catalog.books.fields import BookState
from app.catalog.isbn import check_digit_13
from app.catalog.models import BookFormat, ContributorRole
from app.demo.shop import DemoShop

ISBN_PREFIX = "9799"
"""No agency hands these numbers out, so that no real book is ever in the way."""
MOST = 10**8
"""What the prefix leaves room for."""

_SEED = 1455
_RARE_WORDS = 40_000
_SYLLABLES = [
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "ha",
    "ki",
    "lo",
    "mu",
    "ne",
    "po",
    "qua",
    "ri",
    "so",
    "tu",
    "va",
    "we",
    "xi",
    "yo",
    "za",
    "bren",
    "cor",
    "dal",
    "fen",
    "gris",
    "hol",
]
_LANGUAGES = (*["en"] * 12, *["de"] * 3, *["fr"] * 2, *["es"] * 2, "it", "nl", "pl", "pt", "sv", "ja")
_FORMATS = (*[BookFormat.PAPERBACK] * 6, *[BookFormat.HARDCOVER] * 2, BookFormat.EBOOK, BookFormat.AUDIOBOOK)


@dataclass(frozen=True)
class Invention:
    """Books number `start` to `start + count`; words are as unevenly common as in the real catalogue."""

    count: int
    start: int
    authors: list[str] = field(init=False)
    series: list[str] = field(init=False)
    _random: random.Random = field(init=False)
    _words: list[str] = field(init=False)
    _weights: list[float] = field(init=False)

    def __post_init__(self) -> None:
        """Draw words, names and series."""
        draw = random.Random(_SEED + self.start)  # noqa: S311 (shop-window dummies need no cryptography)
        shop = DemoShop.read()
        real = list(dict.fromkeys(word for book in shop.books for word in book.title.split()))
        rare = ["".join(draw.choices(_SYLLABLES, k=draw.randint(2, 4))).title() for _ in range(_RARE_WORDS)]
        given = [name.split()[0] for name in shop.people]
        family = [name.split()[-1] for name in shop.people] + rare[:4000]
        set_field = object.__setattr__
        set_field(self, "_random", draw)
        set_field(self, "_words", real + rare)
        # Zipf's law: the n-th word is 1/n as common as the first.
        set_field(self, "_weights", list(accumulate(1 / rank for rank in range(1, len(real + rare) + 1))))
        authors = max(1, self.count // 4)
        set_field(self, "authors", [f"{draw.choice(given)} {draw.choice(family)}" for _ in range(authors)])
        numbers = range(self.start, self.start + max(1, self.count // 25))
        set_field(self, "series", [f"{self._phrase(1, 3)} {number}" for number in numbers])

    def books(
        self, authors: Sequence[int], series: Sequence[int], categories: Sequence[int]
    ) -> Iterator[tuple[str, BookState]]:
        """The books, one after the other, each with its ISBN; the ids are those of the invention's own lists."""
        for number in range(self.start, self.start + self.count):
            yield self._book(number, authors, series, categories)

    def _phrase(self, least: int, most: int) -> str:
        count = self._random.randint(least, most)
        return " ".join(self._random.choices(self._words, cum_weights=self._weights, k=count))

    def _book(
        self, number: int, authors: Sequence[int], series: Sequence[int], categories: Sequence[int]
    ) -> tuple[str, BookState]:
        draw = self._random
        twelve = f"{ISBN_PREFIX}{number:08}"
        # A few write very much, most one book: the square of an even draw.
        first = int(len(authors) * draw.random() ** 2)
        others = [draw.randrange(len(authors))] if draw.random() < 0.2 else []  # noqa: PLR2004 (a fifth)
        in_series = draw.random() < 0.2  # noqa: PLR2004 (a fifth)
        title = self._phrase(1, 6)
        state = BookState(
            title=title,
            subtitle=self._phrase(2, 6) if draw.random() < 0.3 else None,  # noqa: PLR2004 (not quite a third)
            description=f"{title}: {self._phrase(8, 30)}.",
            first_published=2026 - int(250 * draw.random() ** 4),
            language=draw.choice(_LANGUAGES),
            format=draw.choice(_FORMATS).value,
            pages=draw.randint(40, 900),
            price=Decimal(draw.randint(299, 4999)) / 100,
            quantity=draw.choice((0, 0, 1, 2, 3, 5, 8, 20)),
            contributors=[
                (authors[one], ContributorRole.AUTHOR.value) for one in dict.fromkeys((first, *others))
            ],
            series_id=series[draw.randrange(len(series))] if in_series else None,
            series_position=str(draw.randint(1, 9)) if in_series else None,
            category_ids=[categories[int(len(categories) * draw.random() ** 2)]],
        )
        return twelve + check_digit_13(twelve), state
