"""The API as an AWS Lambda function behind an HTTP API: one application per container, started once."""

import asyncio
import logging

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES
from mangum.protocols import LifespanCycle

from app.main import create_app

_loop = asyncio.new_event_loop()
asyncio.set_event_loop(_loop)
_app = create_app()

# Mangum's own lifespan starts and stops the application with every single request; here it is started
# with the container and never stopped, for a container ends without a word.
_lifespan = LifespanCycle(_app, "on")
_lifespan.__enter__()

# The application writes one line per request itself.
logging.getLogger("mangum").setLevel(logging.WARNING)
handler = Mangum(
    _app,
    lifespan="off",
    text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, "application/problem+json", "application/ld+json"],
)
