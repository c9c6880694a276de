"""What browsers send of their subscriptions, and what their owners see of them."""

import base64
import binascii
from typing import Annotated, Any, ClassVar

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from pydantic import AfterValidator, Field

from app.core.db.paging import ListQuery
from app.core.http.schemas import Line, RequestModel, ResponseModel, RowId, Timestamp
from app.core.outbound import LONGEST_URL

_AUTH_BYTES = 16


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be base64url") from None


def _as_point(text: str) -> str:
    text = text.rstrip("=")
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), _decoded(text))
    except ValueError:
        raise ValueError("must be a public key of P-256 in base64url") from None
    return text


def _as_secret(text: str) -> str:
    text = text.rstrip("=")
    if len(_decoded(text)) != _AUTH_BYTES:
        raise ValueError("must be 16 bytes in base64url")
    return text


class PushKeysIn(RequestModel):
    """The keys that messages for the browser are encrypted with."""

    p256dh: Annotated[Line, Field(max_length=100), AfterValidator(_as_point)] = Field(
        description="The public key, base64url.",
        examples=["BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"],
    )
    auth: Annotated[Line, Field(max_length=100), AfterValidator(_as_secret)] = Field(
        description="The shared secret, base64url.", examples=["BTBZMqHH6r4Tts7J_aSIgg"]
    )


class PushSubscriptionIn(RequestModel):
    """What `PushSubscription.toJSON()` says in a browser."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "endpoint": "https://push.example.com/send/dpH5lCsTSSM",
        "expirationTime": None,
        "keys": {
            "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "auth": "BTBZMqHH6r4Tts7J_aSIgg",
        },
    }

    endpoint: Annotated[Line, Field(min_length=1, max_length=LONGEST_URL)]
    expiration_time: float | None = Field(
        default=None,
        alias="expirationTime",
        description="Not looked at: what has ended says so when it is sent to.",
    )
    keys: PushKeysIn


class PushSubscriptionOut(ResponseModel):
    """A browser that push messages go to."""

    id: RowId = Field(examples=[4])
    endpoint: str = Field(examples=["https://push.example.com/send/dpH5lCsTSSM"])
    created_at: Timestamp


class PushSubscriptionFilter(ListQuery):
    """Which part of the list to show."""


class VapidKeyOut(ResponseModel):
    """The key by which browsers subscribe."""

    public_key: str = Field(
        description="base64url; the `applicationServerKey` of `PushManager.subscribe()`.",
        examples=["BDd3_hVL9fZi9Ybo2UUzA284WG5FZR30_95YeZJsiApwXKpNcF1rRPF3foIiBHXRdJI2Qhumhf6_LFTeZaNndIo"],
    )
