"""Slugs: what stands for a category in addresses."""

import re
import unicodedata
from functools import lru_cache

LONGEST_SLUG = 80
SLUG_PATTERN = r"^([0-9]+-)*[0-9]*[a-z][a-z0-9]*(-[a-z0-9]+)*$"
"""Lower-case ASCII words joined by `-`, at least one letter: digits alone would read as an id."""

_WITHOUT_DECOMPOSITION = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "\u0131": "i"}
)
_DROPPED = re.compile("['\u2019`\u00b4]")
_BETWEEN_WORDS = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=1024)
def make_slug(name: str) -> str | None:
    """`Children's Books` → `childrens-books`; None where no Latin letter is left to make one of."""
    text = unicodedata.normalize("NFKC", name).casefold().translate(_WITHOUT_DECOMPOSITION)
    plain = "".join(
        character for character in unicodedata.normalize("NFKD", text) if not unicodedata.combining(character)
    )
    slug = _BETWEEN_WORDS.sub("-", _DROPPED.sub("", plain)).strip("-")[:LONGEST_SLUG].rstrip("-")
    return slug if re.fullmatch(SLUG_PATTERN, slug) else None
