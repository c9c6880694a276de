"""TOTP steps and recovery codes: pure rules, no I/O."""

import hashlib
import re
import secrets
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO

import pyotp
import segno

CODES = 10
"""How many recovery codes an account gets at once."""

_CODE_BYTES = 15
_GROUP = 4
_PIXELS = 4


def new_secret() -> str:
    """A TOTP secret of 160 random bits, in Base32 (RFC 4226 §4)."""
    return pyotp.random_base32()


def matching_steps(secret: str, code: str, now: datetime) -> Iterator[int]:
    """The 30-second steps, now and the one before, whose code this is; the newest first.

    One step before is what the way here may take (RFC 6238 §5.2); a code of the future nobody has in honesty.
    """
    totp = pyotp.TOTP(secret)
    current = totp.timecode(now)
    for step in (current, current - 1):
        if secrets.compare_digest(totp.generate_otp(step), code):
            yield step


def otpauth_uri(secret: str, username: str, issuer: str) -> str:
    """What an authenticator app reads."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=issuer)


def qr_svg(text: str) -> str:
    """The text as a QR code: an SVG document."""
    buffer = BytesIO()
    segno.make(text, error="m", micro=False).save(buffer, kind="svg", scale=_PIXELS, xmldecl=False)
    return buffer.getvalue().decode().strip()


def new_recovery_codes() -> list[str]:
    """Ten codes of 120 random bits each, such as `K7QX-2MBD-PLWZ-4TRA-Q6HV-XE2N` (Base32: no 0, 1, 8, 9)."""
    codes = []
    for _ in range(CODES):
        letters = pyotp.random_base32(length=32)[: _CODE_BYTES * 8 // 5]
        groups = (letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP))
        codes.append("-".join(groups))
    return codes


def recovery_hash(code: str) -> bytes:
    """How a recovery code is stored, whatever its case and dashes.

    SHA-256 is enough: unlike a password, 120 random bits, and the 80 of codes that were made before, cannot be
    guessed however fast the hash is (ASVS 5, 6.5.2).
    """
    return hashlib.sha256(re.sub(r"[\s-]", "", code).upper().encode()).digest()
