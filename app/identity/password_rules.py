"""What a password must have, and which are too common whatever they have."""

import unicodedata
from functools import cache
from pathlib import Path

SHORTEST = 8
ENOUGH = 12
"""Characters from which on a password needs no kinds of them: length is worth more (ASVS 5, 6.2.5)."""
LONGEST = 128
_COMMON = Path(__file__).with_name("common_passwords.txt")
_MOST_DECORATION = 6
_SHORTEST_WORD = 2
_FEWEST_CHARACTERS = 4
_ROWS = (
    "0123456789" * 14,
    "1234567890" * 14,
    "abcdefghijklmnopqrstuvwxyz" * 6,
    "qwertyuiopasdfghjklzxcvbnm" * 6,
    "qwertzuiopasdfghjklyxcvbnm" * 6,
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/" * 4,
)
_LEET = (str.maketrans("@4301!5$7+89", "aaeoiissttbg"), str.maketrans("@4301!5$7+89", "aaeollssttbg"))
_UNSHIFT = str.maketrans("!@#$%^&*()", "1234567890")


def weakness(password: str, username: str) -> str | None:
    """Why the password may not be used, or None. Lengths in characters."""
    return next(iter(weaknesses(password, username)), None)


def weaknesses(password: str, username: str) -> list[str]:
    """All that is wrong with the password, the rules' own words; nothing when it may be used."""
    found = []
    if not SHORTEST <= len(password) <= LONGEST:
        found.append(f"must have {SHORTEST} to {LONGEST} characters")
    if len(password) < ENOUGH and (missing := _missing_classes(password)):
        found.append(f"needs {', '.join(missing)}, or {ENOUGH} characters in all")
    if username and username.lower() in password.lower():
        found.append("must not contain the user name")
    if is_common(password):
        found.append("is a common password, or a common word with a few characters around it")
    elif is_pattern(password):
        found.append("repeats itself, or is a row of keys, letters or digits")
    return found


def is_pattern(password: str) -> bool:
    """Whether it is long by repetition alone (`abcabcabcabc`), or a row (`123456789012`, `qwertyuiopas`)."""
    folded = password.casefold()
    if len(password) > LONGEST or not folded:
        return False
    unit = folded[: (folded + folded).find(folded, 1)]
    if len(set(folded)) < _FEWEST_CHARACTERS or (len(unit) < len(folded) and len(unit) < SHORTEST):
        return True
    return is_common(unit) or any(folded in row or folded[::-1] in row for row in _ROWS)


def is_common(password: str) -> bool:
    """Whether it is on the list of the most common passwords, in some disguise.

    Case, look-alike characters (`P@ssw0rd`), shifted digits (`1qaz!QAZ`) and up to six
    digits or signs before and after (`Summer2024!`) hide nothing from those who guess.
    """
    if len(password) > LONGEST:
        return False
    folded = unicodedata.normalize("NFKC", password).casefold()
    return not _common_passwords().isdisjoint(_disguised(folded))


def _disguised(folded: str) -> set[str]:
    signs = "".join(character for character in folded if not character.isalnum())
    digits_and_signs = "".join(character for character in folded if not character.isalpha())
    bare = {folded, folded.strip(signs), folded.rstrip(digits_and_signs), folded.strip(digits_and_signs)}
    words = {word for word in bare if len(folded) - len(word) <= _MOST_DECORATION}
    plain = {word.translate(table) for word in words for table in (*_LEET, _UNSHIFT)}
    return {word for word in words | plain if len(word) >= _SHORTEST_WORD}


def _missing_classes(password: str) -> list[str]:
    wanted = {
        "an upper-case letter": any(character.isupper() for character in password),
        "a lower-case letter": any(character.islower() for character in password),
        "a digit": any(character.isdigit() for character in password),
        "a special character": any(not character.isalnum() for character in password),
    }
    return [what for what, is_there in wanted.items() if not is_there]


@cache
def _common_passwords() -> frozenset[str]:
    lines = _COMMON.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
