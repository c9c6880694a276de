"""What an API key looks like: `bk_<owner>_<secret><checksum>`, all in base 62.

The owner's id tells where a cached grant belongs before anything is looked up. The secret
has 256 random bits, so that one round of SHA-256 keeps it safe at rest. The checksum is the
CRC-32 of all before it: leak scanners tell a key from noise, and noise never reaches the database.
"""

import hashlib
import re
import secrets
import zlib
from dataclasses import dataclass
from functools import lru_cache

from app.core.http.schemas import LARGEST_ID

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_BITS = 256
_SECRET_LENGTH = 43
_CHECKSUM_LENGTH = 6
_SHOWN = 4
_KEY = re.compile(
    rf"bk_(?P<owner>[0-9A-Za-z]{{1,11}})_[0-9A-Za-z]{{{_SECRET_LENGTH}}}(?P<checksum>[0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})"
)


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """A key whose checksum is right: whose it claims to be, and the hash to look it up by."""

    owner_id: int
    digest: bytes


def make_key(owner_id: int) -> str:
    """A new key of this account."""
    secret = _encode(secrets.randbits(_SECRET_BITS)).rjust(_SECRET_LENGTH, "0")
    body = f"bk_{_encode(owner_id)}_{secret}"
    return body + _checksum(body)


@lru_cache(maxsize=1024)
def read_key(text: str) -> PresentedKey | None:
    """The key, or None when the text cannot be one."""
    match = _KEY.fullmatch(text)
    if match is None or _checksum(text[:-_CHECKSUM_LENGTH]) != match["checksum"]:
        return None
    owner_id = 0
    for digit in match["owner"]:
        owner_id = owner_id * len(_DIGITS) + _DIGITS.index(digit)
    return PresentedKey(owner_id, key_digest(text)) if owner_id <= LARGEST_ID else None


def key_digest(key: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).digest()


def key_hint(key: str) -> str:
    """Enough for the owner to recognise a key, too little to use it."""
    return f"{key[: -_SECRET_LENGTH - _CHECKSUM_LENGTH + _SHOWN]}…"


def _checksum(body: str) -> str:
    return _encode(zlib.crc32(body.encode())).rjust(_CHECKSUM_LENGTH, "0")


def _encode(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits or _DIGITS[0]
