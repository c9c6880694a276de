"""Requests to addresses that others name: webhooks, callbacks, covers by URL. Nobody else sends such requests.

Whoever names an address must not reach what only this machine can reach. So: HTTPS at port 443, a host with a name,
every address that the name has at this moment a public one, and the connection goes to one of those and nowhere
else, under the name's own `Host` and SNI. Redirects are answers, not followed; names are resolved anew with each
request, and connections not kept, so that a name that means something else meanwhile is noticed. Time and size of
an answer have an end. `OUTBOUND_NETWORKS` makes exceptions, in development and tests alone.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import import_module
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, NamedTuple, NoReturn
from urllib.parse import quote, urlsplit

import idna

from app.core.settings.outbound import OutboundSettings

LONGEST_URL = 2048
TIMEOUT = 15.0
"""Seconds for the whole of a request, the look-up of the name included."""
MOST = 64 * 1024
"""Bytes that are read of an answer."""

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""All addresses of a name. Raises OSError where it has none."""
Address = IPv4Address | IPv6Address

_PORTS = {"https": 443, "http": 80}
_ODD = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]|\s")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""What as the last part of a host makes an address of it for whoever resolves it: `2130706433`, `127.1`, `0x7f.1`."""
_IN_PATHS = "/%:@!$&'()*+,;=-._~"
_IN_QUERIES = _IN_PATHS + "?"

_UNICAST = IPv6Network("2000::/3")
_SPECIAL = tuple(
    ip_network(network)
    for network in (
        "192.0.0.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "2001::/23",  # Teredo and other protocols of the IETF
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)


class OutboundBlocked(Exception):
    """The address may not be called, now or later as it stands: nothing was sent, and nothing read."""

    is_log_safe = True


class OutboundFailed(Exception):
    """There was no answer this time: try again."""

    is_log_safe = True


class OutboundAnswer(NamedTuple):
    """An answer of whatever status; of its body what was allowed, and whether that is all of it. Names of headers
    are found in any spelling.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool
    seconds: float


class Target(NamedTuple):
    """Where a request goes, in parts, so that what is called is what was checked."""

    scheme: str
    host: str
    port: int
    path: str
    query: str

    @property
    def url(self) -> str:
        """All of it, in ASCII."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        at = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{shown}{at}{self.path}" + (f"?{self.query}" if self.query else "")


class Request(NamedTuple):
    """What is sent."""

    method: str
    target: Target
    headers: Mapping[str, str]
    content: bytes | None


async def resolve(host: str) -> Sequence[str]:
    """Look a name up as this machine does."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Outbound:
    """The one way out to addresses that others name."""

    def __init__(self, settings: OutboundSettings, resolve: Resolve = resolve) -> None:
        self._settings = settings
        self._resolve = resolve
        self._wire: Any = None

    def check_url(self, url: str) -> str:
        """The URL as it will be called, in ASCII; its syntax alone is looked at. Raises OutboundBlocked."""
        return self._target(url).url

    async def get(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 (of the whole request)
        most: int = MOST,
    ) -> OutboundAnswer:
        """Fetch. Raises OutboundBlocked, OutboundFailed."""
        return await self._send(Request("GET", self._target(url), headers or {}, None), timeout, most)

    async def post(
        self,
        url: str,
        content: bytes,
        headers: Mapping[str, str],
        *,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 (of the whole request)
        most: int = MOST,
    ) -> OutboundAnswer:
        """Send these very bytes. Raises OutboundBlocked, OutboundFailed."""
        return await self._send(Request("POST", self._target(url), headers, content), timeout, most)

    async def addresses(self, target: Target) -> Sequence[str]:
        """Where the host is at this moment. Raises OutboundBlocked where it may not be called, OutboundFailed."""
        try:
            found = list(dict.fromkeys(await self._resolve(target.host)))
        except (OSError, UnicodeError) as fault:
            raise OutboundFailed("the name of its host cannot be resolved") from fault
        if not found:
            raise OutboundFailed("the name of its host has no address")
        is_ordinary = target.scheme == "https" and target.port == _PORTS["https"]
        for address in map(ip_address, found):
            if not (self._is_ours(address) or (is_ordinary and is_public(address))):
                _block("its host is not on the public internet, or not at HTTPS and port 443")
        return found

    async def _send(self, request: Request, within: float, most: int) -> OutboundAnswer:
        if self._wire is None:
            # Imported by whoever sends: most processes only look at URLs.
            self._wire = import_module("app.core.outbound_wire").Wire(self._settings.ca_file, self.addresses)
        answer: OutboundAnswer = await self._wire.send(request, within, most)
        return answer

    def _target(self, url: str) -> Target:
        _require_length(url)
        if _ODD.search(url):
            _block("it holds spaces, backslashes or control characters")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            _block("it is no URL")
        if parts.scheme not in ({"https", "http"} if self._settings.networks else {"https"}):
            _block("it does not begin with https://")
        if "@" in parts.netloc:
            _block("it names a user")
        default = _PORTS[parts.scheme]
        if port not in {None, default} and not self._settings.networks:
            _block(f"its port is not {default}")
        if "[" in parts.netloc and ":" not in (parts.hostname or ""):
            _block("what stands in brackets is no address")
        host = self._host(parts.hostname or "")
        path = quote(parts.path or "/", safe=_IN_PATHS)
        query = quote(parts.query, safe=_IN_QUERIES)
        target = Target(parts.scheme, host, default if port is None else port, path, query)
        # Once more: what is written in ASCII is longer.
        _require_length(target.url)
        return target

    def _host(self, given: str) -> str:
        host = given.lower()
        if not host.isascii() or "xn--" in host:
            try:
                host = idna.encode(host, uts46=True, std3_rules=True).decode()
            except UnicodeError:
                _block("its host is no name (IDNA)")
        host = host.removesuffix(".")
        if ":" in host or _NUMBER.fullmatch(host.rpartition(".")[2]):
            return self._literal(host)
        if not _NAME.fullmatch(host):
            _block("its host is no name")
        return host

    def _literal(self, host: str) -> str:
        """An address instead of a name, which only those of our networks may be."""
        try:
            address = ip_address(host)
        except ValueError:
            address = None
        if address is None or not self._is_ours(address):
            _block("its host is an address; it must be a name")
        return str(address)

    def _is_ours(self, address: Address) -> bool:
        return any(address in network for network in self._settings.networks)


def is_public(address: Address) -> bool:
    """Whether anybody on the internet reaches the same machine there, by an address that has no other one in it."""
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    is_special = any(address in network for network in _SPECIAL)
    return address.is_global and not address.is_multicast and not address.is_reserved and not is_special


def _require_length(url: str) -> None:
    if len(url) > LONGEST_URL:
        _block(f"it is longer than {LONGEST_URL} characters")


def _block(reason: str) -> NoReturn:
    raise OutboundBlocked(f"the URL may not be called: {reason}")
