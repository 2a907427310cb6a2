"""Whose budget a request is of: her subject where subjects are told apart, else her address.

An address is the one that connected to us, or the one that the proxies before us have seen, as far
as their number is told: whatever stands in front of it in ``X-Forwarded-For`` anybody can write.
Where it is not told, an address of a private network tells nobody apart, because a proxy has one.
A network of IPv6 (/64) is one client: that is what one subscriber has.
"""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from gateway.request import RequestHeaders

MAX_READ: Final = 256
"""Characters at the end of ``X-Forwarded-For`` that are read; room for the last six proxies."""

SUBJECT: Final = "s:"
ADDRESS: Final = "a:"
"""How the keys of callers begin who have a name, and of those who have none."""


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """How clients are told apart. ``proxy_count``: proxies before us; None where nobody says."""

    proxy_count: int | None = None

    def of_address(self, peer: str | None, headers: RequestHeaders) -> str | None:
        """The key of who has no name; None where she cannot be told apart."""
        if self.proxy_count is None:
            return _public(peer) if peer else None
        if self.proxy_count and (forwarded := headers.forwarded_for) is not None:
            seen = _forwarded(forwarded[-MAX_READ:], self.proxy_count)
            if seen is not None:
                return seen
        return _any(peer) if peer else None


@lru_cache(maxsize=10_000)
def _forwarded(forwarded: bytes, proxy_count: int) -> str | None:
    """What the outermost of our proxies has seen; None where the request came around it."""
    listed = forwarded.decode("latin-1").split(",")
    return _any(listed[-proxy_count].strip()) if len(listed) >= proxy_count else None


@lru_cache(maxsize=10_000)
def _public(text: str) -> str | None:
    address = _read(text)
    return None if address is None or not address.is_global else _key(address)


@lru_cache(maxsize=10_000)
def _any(text: str) -> str | None:
    address = _read(text)
    return None if address is None else _key(address)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """The address; proxies may add a port, and brackets around one of IPv6."""
    bare = text.strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _key(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv6Address):
        return f"{ADDRESS}{IPv6Address(int(address) >> 64 << 64)}/64"
    return f"{ADDRESS}{address}"
