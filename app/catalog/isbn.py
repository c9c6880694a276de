"""ISBNs: any printed form in, ISBN-13 out (ISO 2108; rules as the International ISBN Agency states them)."""

import re
import unicodedata
from contextlib import suppress

_ISBN10 = re.compile(r"[0-9]{9}[0-9X]")
_ISBN13 = re.compile(r"97[89][0-9]{10}")
_PRICED = re.compile(r"97[89][0-9]{15}")
"""With the EAN-5 add-on, the price beside the bar code that scanners read along."""
_MUSIC = "9790"
"""979-0 belongs to printed music (ISMN), not to books."""

_MINUS = "\u2212"
_LENGTH_10 = 10
_SBN = re.compile(r"[0-9]{8}[0-9X]")
"""Before 1970, in English-speaking countries: an ISBN-10 without its leading zero."""

_LABEL = re.compile(r"^(?:URN:)?I?SBN(?:1[03])?[:#.]*")
_SEPARATORS = re.compile(r"[ -]")
_GROUPED = re.compile(r"[0-9]+(?:[ ._/,'\u2019-][0-9]+){2,}X?")
"""`978.0.306.40615.7`, `9,780,306,406,157`."""

_NO_DIGIT = re.compile(r"[^0-9X]")
_DIGITS = r"(?:97[89](?:[ -]?[0-9]){10}|[0-9](?:[ -]?[0-9]){8}[ -]?[0-9X])(?![0-9A-Z])"
_NUMBER = re.compile(rf"(?<![0-9A-Z]){_DIGITS}")
_LABELLED = re.compile(rf"ISBN(?:[ -]?1[03])?[ :#.=]*({_DIGITS})")


class MistypedIsbn(ValueError):
    """A number of the right length whose check digit is wrong; `digits` are all of it, the wrong one too."""

    def __init__(self, digits: str) -> None:
        super().__init__(f"the check digit of this ISBN-{len(digits)} is wrong")
        self.digits = digits

    @property
    def neighbours(self) -> list[str]:
        """As ISBN-13: what it is with one digit typed otherwise, or two neighbouring ones changed round."""
        digits = self.digits
        figures = "0123456789X" if len(digits) == _LENGTH_10 else "0123456789"
        typed = {
            digits[:place] + figure + digits[place + 1 :]
            for place in range(len(digits))
            for figure in figures
        }
        typed |= {
            digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
            for place in range(len(digits) - 1)
        }
        found = set()
        for one in typed:
            with suppress(ValueError):
                found.add(_proven(one))
        return sorted(found)


def parse_isbn(printed: str) -> str:
    """The ISBN-13 of any printed form. Raises ValueError, whose text is the reason, MistypedIsbn.

    Dashes and spaces of every alphabet are dropped, a label (`ISBN-13:`, `urn:isbn:`) too; digits must be
    ASCII. Text that has one ISBN in it, as `[9780261102217]` or `0261102214 (pbk.)`, is that ISBN.
    """
    text = _LABEL.sub("", _SEPARATORS.sub("", plain(printed)))
    if _GROUPED.fullmatch(text):
        text = _NO_DIGIT.sub("", text)
    if _PRICED.fullmatch(text):
        text = text[:13]
    try:
        return _proven(text)
    except MistypedIsbn:
        raise
    except ValueError:
        return _isbn_within(printed)


def _proven(text: str) -> str:
    if _ISBN13.fullmatch(text):
        if text.startswith(_MUSIC):
            raise ValueError("979-0 is a number for printed music (ISMN), not an ISBN")
        if check_digit_13(text[:12]) != text[12]:
            raise MistypedIsbn(text)
        return text
    if _SBN.fullmatch(text):
        text = f"0{text}"
    if _ISBN10.fullmatch(text):
        if _check_digit_10(text[:9]) != text[9]:
            raise MistypedIsbn(text)
        return to_isbn13(text)
    raise ValueError("an ISBN has 10 digits (the last may be X), or 13 that start with 978 or 979")


def _isbn_within(printed: str) -> str:
    """The one ISBN in a text: of those that say so themselves, else of all. Raises ValueError, MistypedIsbn."""
    text = plain(printed)
    numbers = [_SEPARATORS.sub("", match[1]) for match in _LABELLED.finditer(text)]
    numbers = numbers or [_SEPARATORS.sub("", match[0]) for match in _NUMBER.finditer(text)]
    found: dict[str, None] = {}
    refusal: ValueError | None = None
    for number in numbers:
        try:
            found[_proven(number)] = None
        except ValueError as reason:
            refusal = refusal or reason
    if len(found) > 1:
        raise ValueError(f"the text has several ISBNs: {', '.join(list(found)[:5])}")
    if found:
        return next(iter(found))
    raise refusal or ValueError("an ISBN has 10 digits (the last may be X), or 13 that start with 978 or 979")


def mistyped(refusal: ValueError) -> MistypedIsbn | None:
    """The refusal to keep, where it is of a mistyped number; without the frames that raised it."""
    return refusal.with_traceback(None) if isinstance(refusal, MistypedIsbn) else None


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


def plain(printed: str) -> str:
    """The text in its plainest letters: every dash is `-`, every space is one, and nothing is unseen."""
    kept = []
    for character in unicodedata.normalize("NFKC", printed):
        category = unicodedata.category(character)
        if category == "Pd" or character == _MINUS:
            kept.append("-")
        elif category == "Zs" or character.isspace():
            kept.append(" ")
        elif category != "Cf":
            kept.append(character)
    return "".join(kept).upper()


def check_digit_13(first_twelve: str) -> str:
    """The last digit of an ISBN-13 that begins with these twelve."""
    total = sum(int(digit) * (1, 3)[index % 2] for index, digit in enumerate(first_twelve))
    return str((10 - total % 10) % 10)


def _check_digit_10(first_nine: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(first_nine, range(10, 1, -1), strict=True))
    return "0123456789X"[(11 - total % 11) % 11]
