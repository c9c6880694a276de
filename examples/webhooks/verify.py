"""Verifies what the shop sends to a webhook (Standard Webhooks), by its secret or by its public key.

    from verify import verify
    verify(headers, body, secret="whsec_…")            # nothing but Python
    verify(headers, body, public_key="whpk_…")         # needs the package `cryptography`

`body` are the bytes as they came: parsed and written anew they are others. A message comes more than once now and
then: whoever keeps the ids (`webhook-id`) of the last days does everything once.

`python verify.py 8080 whsec_…` runs a receiver that says what it was sent.
"""

import base64
import hashlib
import hmac
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    pass  # Whoever verifies by the secret needs no package.

TOLERANCE = 5 * 60
"""Seconds that a message may be old, or ahead: an older one is somebody's recording."""


class NotGenuine(Exception):
    """The shop did not send this, or not now."""


def verify(
    headers: Mapping[str, str],
    body: bytes,
    *,
    secret: str | None = None,
    public_key: str | None = None,
    now: float | None = None,
) -> str:
    """The id of the message, if it is genuine. Raises NotGenuine."""
    given = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, timestamp = given["webhook-id"], given["webhook-timestamp"]
        signatures = given["webhook-signature"].split(" ")
        sent_at = int(timestamp)
    except (KeyError, ValueError):
        raise NotGenuine("headers are missing") from None
    if abs((time.time() if now is None else now) - sent_at) > TOLERANCE:
        raise NotGenuine("it is too old, or the clocks differ")
    signed = f"{message_id}.{timestamp}.".encode() + body
    # While a secret is replaced there are several of each kind; one that fits is enough.
    for signature in signatures:
        version, _, text = signature.partition(",")
        try:
            code = base64.b64decode(text, validate=True)
        except ValueError:
            continue
        if version == "v1" and secret is not None and _fits_secret(secret, signed, code):
            return message_id
        if version == "v1a" and public_key is not None and _fits_key(public_key, signed, code):
            return message_id
    raise NotGenuine("no signature fits")


def _fits_secret(secret: str, signed: bytes, code: bytes) -> bool:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return hmac.compare_digest(hmac.new(key, signed, hashlib.sha256).digest(), code)


def _fits_key(public_key: str, signed: bytes, code: bytes) -> bool:
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    try:
        key.verify(code, signed)
    except InvalidSignature:
        return False
    return True


class _Receiver(BaseHTTPRequestHandler):
    seen: ClassVar[set[str]] = set()
    secret = ""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            message_id = verify(dict(self.headers), body, secret=self.secret)
        except NotGenuine as refusal:
            print("refused:", refusal)
            self.send_response(400)
        else:
            print("again" if message_id in self.seen else "new", message_id, body.decode())
            self.seen.add(message_id)
            self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    _Receiver.secret = sys.argv[2]
    HTTPServer(("127.0.0.1", int(sys.argv[1])), _Receiver).serve_forever()
