"""Whose budget a request is of, and that nobody can choose another's."""

from ipaddress import IPv4Address

import pytest

from gateway.admission.budgets import Budgets
from gateway.admission.client_keys import ClientKeys
from gateway.admission.rate import RateOptions
from gateway.client_limits import ClientLimits
from gateway.request import RequestHeaders
from resolvers.viewer import ANYBODY, Role, Viewer

PUBLIC = str(IPv4Address(2**31))
PRIVATE = "127.0.0.1"


def headers_of(forwarded: bytes | None) -> RequestHeaders:
    return RequestHeaders.of([] if forwarded is None else [(b"X-Forwarded-For", forwarded)])


@pytest.mark.parametrize(
    ("proxy_count", "peer", "forwarded", "key"),
    [
        (0, PRIVATE, b"192.0.2.1", "a:127.0.0.1"),
        (0, PUBLIC, None, f"a:{PUBLIC}"),
        (1, PRIVATE, b"192.0.2.1", "a:192.0.2.1"),
        (1, PRIVATE, b"2001:db8:6::6, 192.0.2.1", "a:192.0.2.1"),
        (2, PRIVATE, b"2001:db8:6::6, 192.0.2.1, fd00::7", "a:192.0.2.1"),
        (2, PRIVATE, b"192.0.2.1", "a:127.0.0.1"),
        (1, PRIVATE, b"who knows", "a:127.0.0.1"),
        (1, PRIVATE, b"192.0.2.1:4711", "a:192.0.2.1"),
        (1, PRIVATE, b'"[2001:db8:1:2:3::4]:4711"', "a:2001:db8:1:2::/64"),
        (1, PRIVATE, b"x" * 10_000 + b", 192.0.2.1", "a:192.0.2.1"),
        (0, "2001:db8:1:2:ffff::1", None, "a:2001:db8:1:2::/64"),
        (0, "::ffff:192.0.2.1", None, "a:192.0.2.1"),
        (0, None, None, None),
        (0, "testclient", None, None),
        (None, PUBLIC, b"192.0.2.1", f"a:{PUBLIC}"),
        (None, PRIVATE, b"192.0.2.1", None),
        (None, "::1", None, None),
    ],
)
def test_an_address_is_believed_as_far_as_our_proxies_have_seen_it(
    proxy_count: int | None, peer: str | None, forwarded: bytes | None, key: str | None
) -> None:
    """What stands further left was written by anybody; where no proxy is known, nothing is read."""
    assert ClientKeys(proxy_count).of_address(peer, headers_of(forwarded)) == key


@pytest.mark.parametrize(
    ("viewer", "key"),
    [
        (Viewer("ada"), "s:ada"),
        (Viewer(f"a:{PUBLIC}"), f"s:a:{PUBLIC}"),
        (ANYBODY, f"a:{PUBLIC}"),
        (Viewer("visitor", Role.VISITOR), f"a:{PUBLIC}"),
    ],
)
def test_who_is_told_apart_is_told_apart_by_name(viewer: Viewer, key: str) -> None:
    """A subject is a client wherever she is; a visitor is her address; no name is an address."""
    limits = ClientLimits(Budgets(RateOptions()), ClientKeys(0))

    assert limits.key_of(viewer, PUBLIC, headers_of(None)) == key


def test_nobody_pays_where_nothing_is_limited() -> None:
    """The control: off, there are no clients."""
    limits = ClientLimits(Budgets(RateOptions(is_on=False)), ClientKeys(0))

    assert limits.key_of(Viewer("ada"), PUBLIC, headers_of(None)) is None
