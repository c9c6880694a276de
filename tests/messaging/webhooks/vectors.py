"""What the real signer makes with fixed keys, for verifiers in whatever language.

`python -m tests.messaging.webhooks.vectors` writes it to `examples/webhooks/vectors.json`.
"""

import json
from typing import Any

from app.messaging.webhooks.signing import Keys, signed_headers
from tests.conftest import ROOT

PATH = ROOT / "examples" / "webhooks" / "vectors.json"
KEYS = Keys(bytes(range(32)), bytes(range(32, 64)))
OTHERS = Keys(bytes(range(64, 96)), bytes(range(96, 128)))
NOW = 1_777_975_200
BODY = (
    '{"id":"evt_1204","type":"order.paid","subject":"order:ORD-02387461","timestamp":"2026-05-05T10:00:00Z"}'
)


def made() -> dict[str, Any]:
    """The vectors."""

    def signed(*keys: Keys, message_id: str = "evt_1204", body: str = BODY) -> dict[str, str]:
        return signed_headers(keys, message_id, NOW, body.encode())

    right = signed(KEYS)
    unicode = '{"title":"Émile „Zola“ 漢字 🎉"}'
    given: list[tuple[str, dict[str, str], str, int, bool]] = [
        ("as sent", right, BODY, NOW, True),
        ("letters of all kinds", signed(KEYS, body=unicode), unicode, NOW, True),
        ("nothing", signed(KEYS, body=""), "", NOW, True),
        ("while keys are replaced", signed(OTHERS, KEYS), BODY, NOW, True),
        ("five minutes old", right, BODY, NOW + 300, True),
        ("older", right, BODY, NOW + 301, False),
        ("from the future", right, BODY, NOW - 301, False),
        ("another body", right, BODY.replace("paid", "made"), NOW, False),
        ("one space more", right, BODY + " ", NOW, False),
        ("another id", right | {"webhook-id": "evt_1205"}, BODY, NOW, False),
        ("another time", right | {"webhook-timestamp": str(NOW + 1)}, BODY, NOW, False),
        ("by other keys", signed(OTHERS), BODY, NOW, False),
        ("no signature", right | {"webhook-signature": ""}, BODY, NOW, False),
        ("no base64", right | {"webhook-signature": "v1,*** v1a,***"}, BODY, NOW, False),
        ("half a signature", right | {"webhook-signature": "v1,AAAA v1a,AAAA"}, BODY, NOW, False),
        ("no time", right | {"webhook-timestamp": "now"}, BODY, NOW, False),
        ("no id", {name: value for name, value in right.items() if name != "webhook-id"}, BODY, NOW, False),
    ]
    names = ("name", "headers", "body", "now", "is_genuine")
    vectors = [dict(zip(names, each, strict=True)) for each in given]
    return {"secret": KEYS.shown_secret, "public_key": KEYS.public_key, "vectors": vectors}


def text() -> str:
    """The file."""
    return json.dumps(made(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
