"""An event of each kind as it would be told, made of the examples of the catalogue."""

from datetime import UTC, datetime

from app.messaging.public_events import PUBLIC_EVENTS, EventOut

_WHEN = datetime(2026, 5, 5, 10, 0, tzinfo=UTC)
_SUBJECTS = {
    "item": "item:42",
    "stock": "item:42",
    "order": "order:ORD-02387461",
    "payment": "payment:11",
    "support": "order:ORD-02387461",
}


def sample_event(name: str, event_id: str = "evt_1204", sequence: int = 1204) -> EventOut:
    """An event of this name, which is in the catalogue, that never happened."""
    known = PUBLIC_EVENTS[name]
    fields = known.data.model_fields.items()
    data = known.data.model_validate({field: one.examples[0] for field, one in fields if one.examples})
    return EventOut(
        id=event_id,
        type=name,
        version=known.version,
        sequence=sequence,
        subject=_SUBJECTS.get(name.partition(".")[0], "user:7"),
        created_at=_WHEN,
        data=data.model_dump(mode="json"),
    )
