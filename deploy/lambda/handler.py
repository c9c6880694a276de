"""The API as an AWS Lambda function behind an HTTP API: one application per container, started once."""

import asyncio

from mangum import Mangum
from mangum.protocols import LifespanCycle

from app.main import create_app

_loop = asyncio.new_event_loop()
asyncio.set_event_loop(_loop)
_app = create_app()

# Mangum's own lifespan starts and stops the application with every single request; here it is started
# with the container and never stopped, for a container ends without a word.
_lifespan = LifespanCycle(_app, "on")
_lifespan.__enter__()

handler = Mangum(_app, lifespan="off")
