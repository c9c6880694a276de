"""How e-mail addresses are compared, and named where they must not be shown."""

import hashlib
import unicodedata


def email_key(email: str) -> str:
    """The form in which addresses are compared: NFKC, case folded."""
    return unicodedata.normalize("NFKC", email).casefold()


def address_digest(email: str) -> str:
    """How limits name an address, so that none of it stands in Redis."""
    return hashlib.sha256(email_key(email).encode()).hexdigest()
