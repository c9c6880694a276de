"""The seal on secrets that the shop must be able to read: of TOTP, of webhooks."""

import os
from base64 import b64decode, b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.settings.groups import JwtSettings
from app.identity.derived_keys import derived_key

_NONCE_BYTES = 12


class SecretVault:
    """Seals secrets of one purpose with AES-256-GCM, so that a stolen database alone makes no codes.

    The account's id is authenticated with the secret: a row moved to another account does not open.
    Whoever replaces JWT_SECRET closes every seal; recovery codes and passkeys go on working.
    """

    def __init__(self, settings: JwtSettings, purpose: str = "totp secrets") -> None:
        self._cipher = AESGCM(derived_key(settings, purpose))

    def seal(self, user_id: int, secret: str) -> str:
        """The secret as it is stored."""
        nonce = os.urandom(_NONCE_BYTES)
        return b64encode(nonce + self._cipher.encrypt(nonce, secret.encode(), str(user_id).encode())).decode()

    def open(self, user_id: int, sealed: str) -> str | None:
        """The secret, or None when it was sealed for another account or under another JWT_SECRET."""
        raw = b64decode(sealed)
        try:
            plain = self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], str(user_id).encode())
        except InvalidTag:
            return None
        return plain.decode()
