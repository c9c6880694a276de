"""What a webhook is sent of an event."""

from pydantic import AwareDatetime, Field

from app.core.http.schemas import ResponseModel
from app.messaging.public_events import EventOut


class ThinEvent(ResponseModel):
    """That something happened, and where to look: nothing of it is a secret."""

    id: str = Field(description="As in `webhook-id` and in the feed.", examples=["evt_1204"])
    type: str = Field(examples=["order.paid"])
    subject: str = Field(description="What it is about.", examples=["order:ORD-02387461"])
    timestamp: AwareDatetime


def body_of(event: EventOut, payload: str) -> str:
    """The event as the feed has it, or of a `thin` one what it takes to ask for the rest."""
    if payload == "full":
        return event.model_dump_json()
    thin = ThinEvent(id=event.id, type=event.type, subject=event.subject, timestamp=event.created_at)
    return thin.model_dump_json()
