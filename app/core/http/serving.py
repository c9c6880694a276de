"""How Uvicorn speaks with clients, whatever starts it."""

from typing import Any

from app.core.settings.streams import StreamSettings


def protocol_options(streams: StreamSettings) -> dict[str, Any]:
    """Options of `uvicorn.Config`: protocols with bounds, so that a proxy in front is advisable, not needed.

    They are named, for the server to import: what makes metrics must not do so in Gunicorn's master, before they
    have a file.
    """
    return {
        "http": "app.core.http.protocol:BoundedProtocol",
        "ws": "app.core.http.protocol:BoundedSocket",
        "ws_max_size": streams.message_size,
        # What it keeps for each connection would be most of what an idle one takes.
        "ws_per_message_deflate": False,
        "server_header": False,
        # The application writes one line per request itself, with the route's template.
        "access_log": False,
    }
