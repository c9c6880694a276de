"""Signatures of Standard Webhooks: `v1` by a secret that both know, `v1a` by a key that only the shop has."""

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import NamedTuple, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VAULT = "webhook secrets"
"""What their seal is for."""

_BYTES = 32
_MARK = "whsec_"
_ALLOWED_BYTES = range(24, 65)
"""Of a secret, as Standard Webhooks has it."""


class Keys(NamedTuple):
    """The secret of HMAC, and the seed of the ed25519 key."""

    secret: bytes
    seed: bytes

    @classmethod
    def make(cls, secret: str | None = None) -> Self:
        """New ones, or a new key beside the secret that a receiver brings. Raises ValueError like `read_secret`."""
        return cls(os.urandom(_BYTES) if secret is None else read_secret(secret), os.urandom(_BYTES))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Those that `to_text` wrote."""
        secret, seed = text.split(".")
        return cls(b64decode(secret), b64decode(seed))

    def to_text(self) -> str:
        """Both as text, to be sealed."""
        return f"{b64encode(self.secret).decode()}.{b64encode(self.seed).decode()}"

    @property
    def shown_secret(self) -> str:
        """The secret as receivers configure it."""
        return f"{_MARK}{b64encode(self.secret).decode()}"

    @property
    def public_key(self) -> str:
        """The key that verifies, as receivers configure it."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed).public_key()
        return f"whpk_{b64encode(key.public_bytes_raw()).decode()}"

    def sign(self, signed: bytes) -> str:
        """Both signatures."""
        code = hmac.new(self.secret, signed, hashlib.sha256).digest()
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(signed)
        return f"v1,{b64encode(code).decode()} v1a,{b64encode(signature).decode()}"


def read_secret(text: str) -> bytes:
    """The bytes of a secret as receivers configure it. Raises ValueError, which does not repeat it."""
    try:
        secret = b64decode(text.removeprefix(_MARK), validate=True)
    except ValueError:
        secret = b""
    if len(secret) not in _ALLOWED_BYTES or text != f"{_MARK}{b64encode(secret).decode()}":
        raise ValueError("must be whsec_ and the base64 of 24 to 64 bytes")
    return secret


def signed_headers(keys: Sequence[Keys], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of a request with these very bytes, signed with each of the keys."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(each.sign(signed) for each in keys),
    }
