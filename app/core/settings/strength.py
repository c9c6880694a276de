"""How hard a secret is to guess: an estimate from below, which no random secret of 32 characters misses."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

ENOUGH_BITS = 80
"""Fewer can be tried out by who can afford it."""
_PASSWORD_BITS = 8

_WORDS = (
    "development",
    "production",
    "changeme",
    "changeit",
    "bookstore",
    "postgresql",
    "postgres",
    "password",
    "passwort",
    "passwd",
    "default",
    "example",
    "letmein",
    "secret",
    "change",
    "admin",
    "token",
    "dev",
    "jwt",
    "key",
    "only",
)
"""What everybody tries first, the longest first: worth nothing however it is spelt or padded."""
_LOOKALIKES = ("0123456789$@!|+", "oizeasgtbgsailt"), ("0123456789$@!|+", "olzeasgtbgsailt")
_KEYBOARD = ("qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm", "1234567890")
_NEXT_KEYS = frozenset(
    pair for row in _KEYBOARD for one, two in pairwise(row) for pair in (one + two, two + one)
)
_SHORTEST_REPEAT = 3


def is_guessable(secret: str) -> bool:
    """Whether the secret is blank, repeats itself, runs along keys or is made of well-known words."""
    return _bits(_without_words(secret, _WORDS)) < ENOUGH_BITS


def is_default_password(password: str, *names: str) -> bool:
    """Whether a password is nothing but well-known words, these names among them, and some padding."""
    words = sorted({*_WORDS, *(name.casefold() for name in names if name)}, key=len, reverse=True)
    return _bits(_without_words(password, words)) < _PASSWORD_BITS


def _without_words(text: str, words: Iterable[str]) -> str:
    """Letters and digits that belong to none of the words, however those are spelt and whatever stands between."""
    text = "".join(unicodedata.normalize("NFKC", text).split()).casefold()
    covered: set[int] = set()
    for digits, letters in _LOOKALIKES:
        plain = text.translate(str.maketrans(digits, letters))
        places = [place for place, character in enumerate(plain) if character.isalnum()]
        packed = "".join(plain[place] for place in places)
        for word in words:
            # Without taking the letters, so that occurrences may overlap.
            for found in re.finditer(f"(?={re.escape(word)})", packed):
                covered.update(places[found.start() : found.start() + len(word)])
    rest = (character for place, character in enumerate(text) if place not in covered)
    return "".join(character for character in rest if character.isalnum())


def _bits(text: str) -> float:
    """The bits of what cannot be told from the characters before: by Shannon's measure, times their number."""
    new: list[str] = []
    place = 0
    while place < len(text):
        length = _repeated(text, place)
        if not length and not _runs_on(text[max(0, place - 2) : place + 1]):
            new.append(text[place])
        place += max(length, 1)
    counts = Counter(new)
    return -sum(count * math.log2(count / len(new)) for count in counts.values())


def _repeated(text: str, place: int) -> int:
    """How many characters from here on stood there before, if they are enough to be no chance."""
    length = 0
    while place + length < len(text) and text[place : place + length + 1] in text[:place]:
        length += 1
    return length if length >= _SHORTEST_REPEAT else 0


def _runs_on(three: str) -> bool:
    """Whether the last of three characters goes on as the two before it: aaa, abc, 321, qwe."""
    if len(three) < _SHORTEST_REPEAT:
        return False
    first, second, third = tuple(three)
    step = ord(second) - ord(first)
    if step == ord(third) - ord(second) and abs(step) <= 1:
        return True
    return first + second in _NEXT_KEYS and second + third in _NEXT_KEYS and first != third
