"""What clients send and see of webhooks."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from app.core.db.paging import ListQuery
from app.core.http.schemas import (
    OMITTED,
    Line,
    Moment,
    PatchModel,
    RequestModel,
    ResponseModel,
    RowId,
    Timestamp,
)
from app.core.outbound import LONGEST_URL
from app.messaging.audience import ALL_TYPES, Pattern
from app.messaging.webhooks.signing import read_secret

MOST_PATTERNS = 50
LONGEST_OVERLAP = 7 * 86_400


class Payload(StrEnum):
    """What is sent: the event as `GET /events` has it, or its id, type, subject and time alone."""

    FULL = "full"
    THIN = "thin"


class DeliveryState(StrEnum):
    """`pending`: to be tried, or tried again; `dead`: given up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class DisabledReason(StrEnum):
    """The owner did it; the account was taken back or closed; the receiver said 410; it failed too often."""

    OWNER = "owner"
    ACCOUNT = "account"
    GONE = "gone"
    FAILURES = "failures"


def _sound_secret(text: str) -> str:
    read_secret(text)
    return text


def _known_type(name: str) -> str:
    if name not in ALL_TYPES:
        raise ValueError("is no event of the catalogue")
    return name


Patterns = Annotated[
    list[Pattern],
    Field(
        min_length=1,
        max_length=MOST_PATTERNS,
        description="Events by name, all of a kind (`order.*`), or all (`*`).",
        examples=[["order.*", "stock.back"]],
    ),
    AfterValidator(lambda patterns: list(dict.fromkeys(patterns))),
]
Url = Annotated[
    Line,
    Field(
        min_length=1,
        max_length=LONGEST_URL,
        description="`https://`, port 443, a host with a name that is on the internet.",
        examples=["https://hooks.example.com/bookstore"],
    ),
]
Description = Annotated[Line, Field(max_length=200, description="What it is for.", examples=["Warehouse"])]
Ordered = Annotated[
    bool,
    Field(
        description="true: of one subject, such as an order, an event waits until those before it are delivered"
        " or dead.",
        examples=[False],
    ),
]
AllAccounts = Annotated[
    bool,
    Field(
        description="true: everybody's events and those for staff, which needs `webhooks:manage` now and at each"
        " delivery. false: public events, and one's own.",
        examples=[False],
    ),
]
Secret = Annotated[
    Annotated[Line, Field(max_length=100), AfterValidator(_sound_secret)] | None,
    Field(
        repr=False,
        description="A secret of one's own, `whsec_` and the base64 of 24 to 64 bytes. Left out: the shop makes one.",
        examples=[None],
    ),
]


class WebhookIn(RequestModel):
    """A new webhook."""

    url: Url
    events: Patterns
    description: Description = ""
    payload: Payload = Payload.THIN
    ordered: Ordered = False
    all_accounts: AllAccounts = False
    secret: Secret = None


class WebhookPatch(PatchModel):
    """A change of a webhook; enabling it again forgets its failures."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"events": ["order.paid"], "is_enabled": True}

    url: Url = OMITTED
    events: Patterns = OMITTED
    description: Description = OMITTED
    payload: Payload = OMITTED
    ordered: Ordered = OMITTED
    all_accounts: AllAccounts = OMITTED
    is_enabled: bool = OMITTED


class WebhookOut(ResponseModel):
    """A webhook, without its secret."""

    id: RowId = Field(examples=[5])
    user_id: RowId = Field(description="Whose it is.", examples=[7])
    url: str = Field(examples=["https://hooks.example.com/bookstore"])
    events: list[str] = Field(examples=[["order.*", "stock.back"]])
    description: str = Field(examples=["Warehouse"])
    payload: Payload
    ordered: bool
    all_accounts: bool
    public_key: str = Field(
        description="`whpk_` and the ed25519 key that verifies `v1a`.",
        examples=["whpk_1PgFNGT2BmPkcpqnGLlJPPyCmvTVl2tFJwlGXQDRTHM="],
    )
    old_keys_until: Timestamp | None = Field(
        description="Until then the secrets of before the last rotations sign as well.", examples=[None]
    )
    is_enabled: bool = Field(examples=[True])
    disabled_at: Timestamp | None = Field(examples=[None])
    disabled_reason: DisabledReason | None = Field(examples=[None])
    failures: int = Field(description="Rounds of tries in a row that failed; ten disable it.", examples=[0])
    paused_until: Timestamp | None = Field(
        description="After failures nothing is sent before then; after that one try decides.", examples=[None]
    )
    version: int = Field(description="Row version, as in the ETag; raised by every edit.", examples=[1])
    created_at: Timestamp
    updated_at: Timestamp


class WebhookCreated(WebhookOut):
    """A webhook with a new secret, which is shown this once."""

    secret: str = Field(
        description="`whsec_` and the key of `v1` (HMAC-SHA256) in base64. It cannot be read again.",
        examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
    )


class WebhookFilter(ListQuery):
    """Which part of the list to show."""

    everybody: bool = Field(default=False, description="Everybody's webhooks: needs `webhooks:manage`.")


class RotationIn(RequestModel):
    """How the secret is replaced."""

    overlap_seconds: int = Field(
        default=86_400,
        ge=0,
        le=LONGEST_OVERLAP,
        description="How long the old secret and key sign as well, at most seven days.",
        examples=[86_400],
    )
    secret: Secret = None


class WebhookTestIn(RequestModel):
    """Which event to send a made-up one of."""

    event: Annotated[Line, Field(max_length=100), AfterValidator(_known_type)] | None = Field(
        default=None,
        description="Its name. Left out: the first of the catalogue that the webhook asks for.",
        examples=["order.paid"],
    )


class ReplayIn(RequestModel):
    """A window of the feed, half open: from a moment until before another."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"from": "2026-05-01T00:00:00Z", "to": "2026-05-02T00:00:00Z"}

    start: Moment = Field(alias="from")
    end: Moment = Field(alias="to")

    @model_validator(mode="after")
    def _is_a_window(self) -> Self:
        if self.end <= self.start:
            raise ValueError("to must lie after from")
        return self


class ReplayOut(ResponseModel):
    """What a replay will send."""

    matched: int = Field(description="Events of the window that the webhook asks for.", examples=[12])
    queued: int = Field(
        description="Those that it was never sent, or that were given up; what was delivered is not sent again.",
        examples=[3],
    )


class WebhookDeliveryOut(ResponseModel):
    """An event for a webhook, and how the last try went."""

    id: RowId = Field(examples=[31])
    message_id: str = Field(description="The header `webhook-id`, in every try.", examples=["evt_1204"])
    type: str = Field(examples=["order.paid"])
    subject: str = Field(examples=["order:ORD-02387461"])
    state: DeliveryState
    attempts: int = Field(description="Tries so far, of ten.", examples=[1])
    created_at: Timestamp
    due_at: Timestamp | None = Field(
        description="When the next try may begin; null without one.", examples=[None]
    )
    attempted_at: Timestamp | None
    delivered_at: Timestamp | None
    status: int | None = Field(description="What the receiver answered.", examples=[204])
    duration_ms: int | None = Field(examples=[84])
    error: str | None = Field(description="Why the try failed.", examples=[None])


class DeliveryRequest(ResponseModel):
    """What was sent, or will be; the signature is made with each try."""

    url: str | None = Field(examples=["https://hooks.example.com/bookstore"])
    headers: dict[str, str] = Field(examples=[{"webhook-id": "evt_1204", "content-type": "application/json"}])
    body: str | None = Field(examples=['{"id":"evt_1204","type":"order.paid"}'])


class DeliveryTry(ResponseModel):
    """One try, and what came of it."""

    attempted_at: Timestamp
    url: str = Field(examples=["https://hooks.example.com/bookstore"])
    status: int | None = Field(
        description="What the receiver answered; null without an answer.", examples=[503]
    )
    duration_ms: int = Field(examples=[84])
    error: str | None = Field(description="Why the try failed.", examples=["the receiver answered 503"])
    answer: str | None = Field(description="The first 2 KB of it.", examples=["busy"])


class WebhookDeliveryDetails(WebhookDeliveryOut):
    """A delivery with the request and each try."""

    request: DeliveryRequest
    answer: str | None = Field(description="The first 2 KB of the last answer.", examples=["ok"])
    tries: list[DeliveryTry] = Field(
        description="Each try that ended, the first one first; of one that was sent again and again the last ten."
    )


class DeliveryFilter(ListQuery):
    """Filters of deliveries; the dead letters are `state=dead`."""

    state: DeliveryState | None = Field(default=None, description="Only those that stand so.")
    type: Annotated[Line, Field(max_length=100)] | None = Field(default=None, description="Only this event.")
