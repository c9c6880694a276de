"""What a webhook is sent of an event."""

import orjson

from app.messaging.catalogue import EventOut


def body_of(event: EventOut, payload: str) -> str:
    """The event as the feed has it, or of a `thin` one what it takes to ask for the rest."""
    if payload == "full":
        return event.model_dump_json()
    told = event.model_dump(mode="json", include={"id", "type", "subject"})
    return orjson.dumps({**told, "timestamp": event.created_at}, option=orjson.OPT_UTC_Z).decode()
