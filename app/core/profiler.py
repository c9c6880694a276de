"""A profile of one request in place of its answer; imported in development where PROFILER is set, and nowhere else."""

from pyinstrument import Profiler
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADER = b"x-profile"
_INTERVAL = 0.0005


class Profiled:
    """Answers a request that has the header `X-Profile` with where its time went."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or profile and answer the profile."""
        if scope["type"] != "http" or not any(name == _HEADER for name, _ in scope["headers"]):
            await self._app(scope, receive, send)
            return

        async def drop(message: Message) -> None:
            del message

        with Profiler(interval=_INTERVAL, async_mode="enabled") as profiler:
            await self._app(scope, receive, drop)
        await HTMLResponse(profiler.output_html())(scope, receive, send)
