"""Each event of the catalogue as a schema of its own, for the document."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import create_model

from app.core.http.openapi_webhooks import Told
from app.messaging.payloads import ThinEvent
from app.messaging.public_events import PUBLIC_EVENTS, Audience, EventOut, PublicEvent
from app.messaging.samples import sample_event

_exactly: Any = Literal
_WHO = {
    Audience.PUBLIC: "Anybody may hear of it.",
    Audience.OWNER: "Whom it concerns may hear of it, and staff.",
    Audience.STAFF: "Staff alone may hear of it.",
}


def told_events() -> Mapping[str, Told]:
    """What is sent, by the event's name: each event in full, and what a thin payload has of any."""
    told = {name: _told(event) for name, event in PUBLIC_EVENTS.items()}
    sample = sample_event("order.paid")
    thin = ThinEvent(id=sample.id, type=sample.type, subject=sample.subject, timestamp=sample.created_at)
    about = "What a webhook with `payload: thin` is sent of each event; `GET /api/v1/events` has the rest."
    return {**told, "thin": Told("Something happened", about, ThinEvent, thin)}


def _told(event: PublicEvent) -> Told:
    name = "".join(part.capitalize() for part in event.name.replace("-", ".").replace("_", ".").split("."))
    model = create_model(
        f"{name}Event",
        __base__=EventOut,
        __doc__=f"{event.summary}.",
        type=(_exactly[event.name], ...),
        version=(_exactly[event.version], ...),
        data=(event.data, ...),
    )
    example = model.model_validate(sample_event(event.name).model_dump())
    return Told(event.summary, f"{event.summary}. {_WHO[event.audience]}", model, example)
