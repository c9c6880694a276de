"""The code that a buyer shows to collect an order: letters and digits of which none looks like another."""

import hmac
import secrets
import unicodedata

_ALPHABET = "ACDEFHJKMNPRTVWXY34679"
_LENGTH = 8


def make_code() -> str:
    """Make a new code."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def is_code(shown: str, code: str) -> bool:
    """Whether what is shown is the code, in whatever case, with or without dashes and blanks."""
    letters = (letter for letter in unicodedata.normalize("NFKC", shown).upper() if letter.isalnum())
    return hmac.compare_digest("".join(letters).encode(), code.encode())
