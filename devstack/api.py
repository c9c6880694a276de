"""The API of `make run`: one process, with the protocols of production."""

import sys

import uvicorn

from app.core.http.serving import protocol_options
from app.core.settings.settings import SettingsError, load_settings

_GRACE = 5


def serve(host: str, port: int) -> None:
    """Serve until SIGTERM."""
    uvicorn.run(
        "app.main:app",
        host=host,
        port=port,
        log_level="warning",
        lifespan="on",
        timeout_graceful_shutdown=_GRACE,
        **protocol_options(load_settings().stream),
    )


if __name__ == "__main__":
    try:
        serve(sys.argv[1], int(sys.argv[2]))
    except SettingsError as error:
        sys.exit(f"bookstore: {error}")
