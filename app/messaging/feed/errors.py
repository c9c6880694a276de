"""Refusals of the feed."""

from typing import Any, ClassVar

from app.core.errors import AppError


class EventsExpired(AppError):
    """Events after this place were told longer than 30 days ago and are gone: look at what you keep of the shop anew,
    and go on after `oldest` less one.
    """

    status = 410
    code = "events-expired"
    title = "The events are no longer kept"
    members: ClassVar[dict[str, Any]] = {
        "oldest": {"type": "integer", "description": "The oldest place that is kept.", "examples": [1000]}
    }
