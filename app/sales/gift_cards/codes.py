"""What the code of a gift card looks like: `7K3M-9QXD-4T0H-W2RB`, 80 random bits in Crockford's base 32.

The alphabet has no letter that looks like a digit, and reading takes the one for the other. So many bits are beyond
guessing: one round of SHA-256 keeps the code safe at rest.
"""

import hashlib
import secrets
import unicodedata

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 16
_GROUP = 4
_ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1"})


def make_code() -> str:
    """Make a new code."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(letters[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))


def code_digest(code: str) -> bytes:
    """What is kept of a code, in whatever case, with or without dashes and blanks."""
    letters = (letter for letter in unicodedata.normalize("NFKC", code).upper() if letter.isalnum())
    return hashlib.sha256("".join(letters).translate(_ALIKE).encode()).digest()
