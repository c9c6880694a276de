"""The keys that sign tokens: one secret for HS256, or Ed25519 keys by `kid` from a key file.

The file is a JWK set (RFC 7517) with private parts, newest key first: that one signs, the
others still verify. A worker reads the file again when it changed, so keys rotate without a
restart. Once there is a key file, HS256 is off: one algorithm per key, never two families.
"""

import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt import PyJWTError
from jwt.algorithms import OKPAlgorithm

from app.core.settings.groups import JwtSettings
from app.core.settings.settings import SettingsError

HMAC_ALGORITHM = "HS256"
ED25519_ALGORITHM = "EdDSA"
KEPT_KEYS = 2


@dataclass(frozen=True, slots=True)
class Key:
    """One key and the one algorithm it is for. The HMAC secret has no `kid`."""

    kid: str | None
    algorithm: str
    signing: str | Ed25519PrivateKey
    verifying: str | Ed25519PublicKey


class KeyRing:
    """The keys of this process; the first one signs."""

    def __init__(self, settings: JwtSettings) -> None:
        self._file = settings.keys_file
        self._stamp: tuple[int, int] | None = None
        self.version = 0
        self._keys: dict[str | None, Key] = {}
        if self._file is None:
            secret = settings.secret.get_secret_value()
            self._keys = {None: Key(None, HMAC_ALGORITHM, secret, secret)}
        else:
            self.reload()

    def signing_key(self) -> Key:
        """The key that signs now."""
        self.reload()
        return next(iter(self._keys.values()))

    def find(self, kid: object) -> Key | None:
        """The key with this id: from our own set only, whatever else the token's header says."""
        key = self._keys.get(kid) if isinstance(kid, str | None) else None
        if key is None and self.reload():
            key = self._keys.get(cast("str | None", kid))
        return key

    def public_set(self) -> list[dict[str, Any]]:
        """The public halves as JWKs; the HMAC secret has none."""
        self.reload()
        return [
            {
                **OKPAlgorithm.to_jwk(cast("Ed25519PublicKey", key.verifying), as_dict=True),
                "kid": key.kid,
                "alg": key.algorithm,
                "use": "sig",
            }
            for key in self._keys.values()
            if key.kid is not None
        ]

    def reload(self) -> bool:
        """Read the key file again if it changed; a file that cannot be used leaves the keys as they are."""
        if self._file is None:
            return False
        try:
            stat = self._file.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if stamp == self._stamp:
                return False
            self._keys = {key.kid: key for key in read_key_file(self._file)}
        except (OSError, SettingsError):
            if not self._keys:
                raise SettingsError(f"JWT_KEYS_FILE: cannot use {str(self._file)!r}; {_REMEDY}") from None
            return False
        self._stamp = stamp
        self.version += 1
        return True


_REMEDY = "make one with: bookstore keys generate FILE"


def read_key_file(path: Path) -> list[Key]:
    """The keys of a file, newest first. Raises SettingsError when it holds none or something else."""
    try:
        jwks = json.loads(path.read_text(encoding="utf-8"))["keys"]
        keys = [_parse(jwk) for jwk in jwks]
    except (ValueError, KeyError, TypeError, AttributeError, PyJWTError):
        raise SettingsError(f"JWT_KEYS_FILE: {str(path)!r} is no set of Ed25519 keys; {_REMEDY}") from None
    if not keys:
        raise SettingsError(f"JWT_KEYS_FILE: {str(path)!r} is empty; {_REMEDY}")
    return keys


def generate_key_file(path: Path) -> str:
    """Write a new file with one key, readable by its owner alone; the key's id. Raises FileExistsError."""
    jwk = _new_jwk()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"keys": [jwk]}, file, indent=2)
    return str(jwk["kid"])


def rotate_key_file(path: Path, kept: int = KEPT_KEYS) -> list[str]:
    """Put a new key in front and keep the newest `kept`; all ids, the signing one first.

    The file is replaced in one step, so that a worker never reads half of it.
    """
    read_key_file(path)
    jwks = [_new_jwk(), *json.loads(path.read_text(encoding="utf-8"))["keys"]][:kept]
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w") as file:
        json.dump({"keys": jwks}, file, indent=2)
    owner = path.stat()
    Path(name).chmod(owner.st_mode & 0o777)
    if os.geteuid() == 0:
        os.chown(name, owner.st_uid, owner.st_gid)
    Path(name).replace(path)
    return [str(jwk["kid"]) for jwk in jwks]


def _new_jwk() -> dict[str, Any]:
    jwk = OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate(), as_dict=True)
    return {**jwk, "kid": secrets.token_hex(8), "alg": ED25519_ALGORITHM, "use": "sig"}


def _parse(jwk: dict[str, Any]) -> Key:
    kid, private = jwk["kid"], OKPAlgorithm.from_jwk(jwk)
    if not isinstance(private, Ed25519PrivateKey) or not isinstance(kid, str) or not kid:
        raise ValueError("not a private Ed25519 key with an id")
    return Key(kid, ED25519_ALGORITHM, private, private.public_key())
