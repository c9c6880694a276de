"""How `core.outbound` speaks HTTP: one connection for each request, to an address that was checked for it."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from time import monotonic

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from app import __version__
from app.core.outbound import OutboundAnswer, OutboundFailed, Request, Target

Addresses = Callable[[Target], Awaitable[Sequence[str]]]

_HEADERS = {"User-Agent": f"bookstore/{__version__}", "Accept-Encoding": "identity"}
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


class Wire:
    """Sends requests; each with a connector of its own, so that none meets the connection of another."""

    def __init__(self, ca_file: Path | None, addresses: Addresses) -> None:
        self._addresses = addresses
        self._tls = ssl.create_default_context()
        if ca_file is not None:
            self._tls.load_verify_locations(ca_file)

    async def send(self, request: Request, within: float, most: int) -> OutboundAnswer:
        """Send it. Raises OutboundBlocked, OutboundFailed."""
        began = monotonic()
        try:
            async with asyncio.timeout(within):
                return await self._answer(request, most, began)
        except TimeoutError as fault:
            raise OutboundFailed(f"no whole answer within {within:g} seconds") from fault
        except (aiohttp.ClientError, OSError) as fault:
            raise OutboundFailed(_reason(fault)) from fault

    async def _answer(self, request: Request, most: int, began: float) -> OutboundAnswer:
        scheme, host, port, path, query = request.target
        # In parts, and as they are: a second parser could read the URL differently.
        url = URL.build(scheme=scheme, host=host, port=port, path=path, query_string=query, encoded=True)
        # Here and not where the connector asks: it does not ask for addresses.
        checked = await self._addresses(request.target)
        connector = aiohttp.TCPConnector(
            ssl=self._tls, resolver=_Known(checked), use_dns_cache=False, force_close=True
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(),
            ) as session,
            session.request(
                request.method,
                url,
                data=request.content,
                headers={**_HEADERS, **request.headers},
                allow_redirects=False,
            ) as answer,
        ):
            body = await _read(answer.content, most)
            is_whole = len(body) <= most
            return OutboundAnswer(answer.status, answer.headers, body[:most], is_whole, monotonic() - began)


async def _read(content: aiohttp.StreamReader, most: int) -> bytes:
    """The body, or one byte more than is allowed of it and maybe some."""
    body = bytearray()
    async for part in content.iter_any():
        body += part
        if len(body) > most:
            break
    return bytes(body)


class _Known(AbstractResolver):
    """Answers what was looked up, and checked, already."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Every address, whatever the family: there is one host."""
        del family
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=_FAMILIES[ip_address(address).version],
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


def _reason(fault: Exception) -> str:
    """What happened, without what the other side said."""
    match fault:
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not trusted, or not for this host"
        case aiohttp.ClientSSLError():
            return "it does not speak TLS as it should"
        case aiohttp.ClientConnectorError():
            return "it cannot be connected to"
        case aiohttp.ServerDisconnectedError() | ConnectionError():
            return "it hung up without an answer"
        case _:
            return "it did not answer in HTTP"
