"""Keys that are derived from JWT_SECRET, each for one purpose."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core.settings.groups import JwtSettings

_KEY_BYTES = 32


def derived_key(settings: JwtSettings, purpose: str) -> bytes:
    """A key of its own for the purpose (HKDF, RFC 5869): what one key signs or seals, no other opens."""
    secret = settings.secret.get_secret_value().encode()
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=f"bookstore {purpose}".encode()).derive(secret)
