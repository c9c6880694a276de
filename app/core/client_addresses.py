"""Addresses of clients: their one normal form, what limits count, and lists of them.

An IPv4 address inside IPv6 is that address where nobody but its holder can have it: `::ffff:a.b.c.d`
(how a socket for both kinds spells an IPv4 client, RFC 4291) and `64:ff9b::a.b.c.d` (how our own network's
translator spells one; the prefix is not routed between networks, RFC 6052). A 6to4 address,
`2002:…::/48` (RFC 3056), stays what it is, since a relay may have sent the packet, but limits count it as
the IPv4 address whose holder has all its 65,536 networks. Teredo, SIIT and a network's own NAT64 prefix
are ordinary IPv6.
"""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LONGEST = 64
"""Characters of what a server may call its client; an address with its zone has fewer."""
_HOST_BITS = 64
"""What one customer gets of IPv6 is at least a /64."""
_EMBEDDING_PREFIX = 96
_NAT64 = 0x64_FF9B << _EMBEDDING_PREFIX
_LAST_32_BITS = 2**32 - 1


def normal_address(host: str) -> str:
    """The one spelling of a client's address. What is no address, such as a socket's name, stays as it is."""
    return _normal(host[:_LONGEST])


@lru_cache(maxsize=4096)
def _normal(host: str) -> str:
    try:
        return str(_unwrapped(ipaddress.ip_address(host)))
    except ValueError:
        return host


@lru_cache(maxsize=4096)
def counted_as(address: str) -> str:
    """What limits and locks count a normal address as: itself, and of IPv6 the first of its /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    return str(parsed.sixtofour or ipaddress.IPv6Address(int(parsed) >> _HOST_BITS << _HOST_BITS))


def normal_network(text: str) -> str:
    """Bring an address or network into its one spelling. Raises ValueError, which says what is wrong with it."""
    if "%" in text:
        raise ValueError("must not name a zone")
    try:
        network: Network = ipaddress.ip_network(text)
    except ValueError as fault:
        if "host bits" in str(fault):
            enclosing = ipaddress.ip_network(text, strict=False)
            raise ValueError(f"has host bits set; did you mean {enclosing}?") from None
        raise ValueError("must be an IPv4 or IPv6 address or network, such as 192.0.2.0/24") from None
    inside = _unwrapped(network.network_address)
    if inside.version != network.version and network.prefixlen >= _EMBEDDING_PREFIX:
        network = ipaddress.ip_network((int(inside), network.prefixlen - _EMBEDDING_PREFIX))
    return str(network.network_address if network.num_addresses == 1 else network)


def is_within(address: str, networks: Iterable[str]) -> bool:
    """Whether the normal address lies in one of the networks; what is no address lies in none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in _parsed(tuple(networks)))


def in_both_spellings(proxies: str) -> str:
    """A server's list of proxies that it believes, with each IPv4 entry as a socket for both kinds spells it too."""
    spelt: list[str] = []
    for entry in (part.strip() for part in proxies.split(",")):
        spelt.append(entry)
        try:
            normal = normal_network(entry)
        except ValueError:
            continue
        network = ipaddress.ip_network(normal)
        if isinstance(network, ipaddress.IPv4Network):
            mapped = ipaddress.IPv6Address(0xFFFF << 32 | int(network.network_address))
            spelt += [normal, f"{mapped}/{_EMBEDDING_PREFIX + network.prefixlen}"]
    return ",".join(dict.fromkeys(spelt))


def _unwrapped(address: _Address) -> _Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    inside = ipaddress.IPv4Address(int(address) & _LAST_32_BITS)
    # A translator never stands for an address that is not public (RFC 6052, 3.1): such a one was made up.
    return inside if int(address) - int(inside) == _NAT64 and inside.is_global else address


@lru_cache(maxsize=1024)
def _parsed(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(network) for network in networks)
