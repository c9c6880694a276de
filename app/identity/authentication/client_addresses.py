"""Which client addresses a key may be used from: addresses and CIDR networks, IPv4 and IPv6."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAPPED_PREFIX = 96


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
    # Clients that come over a dual-stack socket are compared as IPv4.
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if mapped is not None and network.prefixlen >= _MAPPED_PREFIX:
        network = ipaddress.IPv4Network((mapped, network.prefixlen - _MAPPED_PREFIX))
    return str(network.network_address if network.num_addresses == 1 else network)


def is_within(host: str, networks: Iterable[str]) -> bool:
    """Whether the address lies in one of the networks; no address lies in none."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in _parsed(tuple(networks)))


@lru_cache(maxsize=1024)
def _parsed(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(network) for network in networks)
