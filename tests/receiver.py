"""A server that is sent what the shop sends to addresses that others name."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

from aiohttp import web

from app.core.outbound import Outbound
from app.core.settings.outbound import OutboundSettings

HOST = "hooks.example"
LOOPBACK = (ip_network("127.0.0.0/8"),)


@dataclass
class Names:
    """What a name stands for, by turns; the last one stays. The only thing that is not real here."""

    answers: list[list[str] | OSError]
    asked: list[str] = field(default_factory=list)

    async def resolve(self, host: str) -> Sequence[str]:
        """The next answer."""
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, OSError):
            raise answer
        return answer


@dataclass
class Receiver:
    """A server that notes what it is sent."""

    port: int = 0
    ca_file: Path | None = None
    requests: list[tuple[web.BaseRequest, bytes]] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer by the path."""
        self.requests.append((request, await request.read()))
        if request.path.startswith("/status/"):
            return web.Response(status=int(request.path.rpartition("/")[2]))
        match request.path:
            case "/redirect":
                return web.Response(status=302, headers={"Location": "https://127.0.0.1/secret"})
            case "/long":
                return web.Response(body=b"x" * 300_000)
            case "/endless":
                return await self._drip(request)
            case "/hang-up":
                assert request.transport is not None
                request.transport.abort()
        return web.Response(status=202, text="taken", headers={"X-Note": "it", "Set-Cookie": "a=b; Path=/"})

    async def _drip(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b".")
            await asyncio.sleep(0.05)
        return response

    def url(self, path: str = "/", scheme: str = "https") -> str:
        """An address of it, by name."""
        return f"{scheme}://{HOST}:{self.port}{path}"

    def outbound(self, *answers: list[str] | OSError) -> Outbound:
        """A client that may come here."""
        settings = OutboundSettings(networks=LOOPBACK, ca_file=self.ca_file)
        return Outbound(settings, Names(list(answers) or [["127.0.0.1"]]).resolve)


async def serve(receiver: Receiver, tls: ssl.SSLContext | None) -> AsyncIterator[Receiver]:
    """Run it while the iterator is open."""
    runner = web.ServerRunner(web.Server(receiver.answer), shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    receiver.port = runner.addresses[0][1]
    yield receiver
    await runner.cleanup()
