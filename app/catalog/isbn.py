"""ISBNs: any printed form in, ISBN-13 out (ISO 2108; rules as the International ISBN Agency states them)."""

import re
import unicodedata

_ISBN10 = re.compile(r"[0-9]{9}[0-9X]")
_ISBN13 = re.compile(r"97[89][0-9]{10}")
_PRICED = re.compile(r"97[89][0-9]{15}")
"""With the EAN-5 add-on, the price beside the bar code that scanners read along."""
_MUSIC = "9790"
"""979-0 belongs to printed music (ISMN), not to books."""

_MINUS = "\u2212"
_IGNORED = frozenset({"Pd", "Zs", "Cf"})
"""Categories: dashes, spaces, and what is not seen, such as the marks of direction that pages are copied with."""


def parse_isbn(printed: str) -> str:
    """The ISBN-13 of any printed form. Raises ValueError, whose text is the reason.

    Dashes and spaces of every alphabet are dropped, an `ISBN` label too; digits must be ASCII.
    """
    text = re.sub(r"^ISBN(-?1[03])?:?", "", _compact(printed))
    if _PRICED.fullmatch(text):
        text = text[:13]
    if _ISBN13.fullmatch(text):
        if text.startswith(_MUSIC):
            raise ValueError("979-0 is a number for printed music (ISMN), not an ISBN")
        if check_digit_13(text[:12]) != text[12]:
            raise ValueError("the check digit of this ISBN-13 is wrong")
        return text
    if _ISBN10.fullmatch(text):
        if _check_digit_10(text[:9]) != text[9]:
            raise ValueError("the check digit of this ISBN-10 is wrong")
        return to_isbn13(text)
    raise ValueError("an ISBN has 10 digits (the last may be X), or 13 that start with 978 or 979")


def to_isbn13(isbn10: str) -> str:
    """The ISBN-13 of a valid ISBN-10."""
    core = "978" + isbn10[:9]
    return core + check_digit_13(core)


def to_isbn10(isbn13: str) -> str | None:
    """The ISBN-10 of a valid ISBN-13; only 978 numbers have one."""
    if not isbn13.startswith("978"):
        return None
    core = isbn13[3:12]
    return core + _check_digit_10(core)


def _compact(printed: str) -> str:
    text = unicodedata.normalize("NFKC", printed)
    kept = (
        character
        for character in text
        if character != _MINUS and unicodedata.category(character) not in _IGNORED and not character.isspace()
    )
    return "".join(kept).upper()


def check_digit_13(first_twelve: str) -> str:
    """The last digit of an ISBN-13 that begins with these twelve."""
    total = sum(int(digit) * (1, 3)[index % 2] for index, digit in enumerate(first_twelve))
    return str((10 - total % 10) % 10)


def _check_digit_10(first_nine: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(first_nine, range(10, 1, -1), strict=True))
    return "0123456789X"[(11 - total % 11) % 11]
