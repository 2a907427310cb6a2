"""Whose budget a request is of, and that nobody can choose another's."""

import pytest

from gateway.admission.budgets import Budgets
from gateway.admission.client_keys import ClientKeys
from gateway.admission.rate import RateOptions
from gateway.client_limits import ClientLimits
from gateway.request import RequestHeaders
from resolvers.viewer import ANYBODY, Role, Viewer

PUBLIC = "8.8.8.8"
PRIVATE = "10.1.2.3"


def headers_of(forwarded: bytes | None) -> RequestHeaders:
    return RequestHeaders.of([] if forwarded is None else [(b"X-Forwarded-For", forwarded)])


@pytest.mark.parametrize(
    ("proxy_count", "peer", "forwarded", "key"),
    [
        (0, PRIVATE, b"1.2.3.4", "a:10.1.2.3"),
        (0, PUBLIC, None, "a:8.8.8.8"),
        (1, PRIVATE, b"1.2.3.4", "a:1.2.3.4"),
        (1, PRIVATE, b"6.6.6.6, 1.2.3.4", "a:1.2.3.4"),
        (2, PRIVATE, b"6.6.6.6, 1.2.3.4, 10.0.0.1", "a:1.2.3.4"),
        (2, PRIVATE, b"1.2.3.4", "a:10.1.2.3"),
        (1, PRIVATE, b"who knows", "a:10.1.2.3"),
        (1, PRIVATE, b"1.2.3.4:4711", "a:1.2.3.4"),
        (1, PRIVATE, b'"[2001:db8:1:2:3::4]:4711"', "a:2001:db8:1:2::/64"),
        (1, PRIVATE, b"x" * 10_000 + b", 1.2.3.4", "a:1.2.3.4"),
        (0, "2001:db8:1:2:ffff::1", None, "a:2001:db8:1:2::/64"),
        (0, "::ffff:1.2.3.4", None, "a:1.2.3.4"),
        (0, None, None, None),
        (0, "testclient", None, None),
        (None, PUBLIC, b"1.2.3.4", "a:8.8.8.8"),
        (None, PRIVATE, b"1.2.3.4", None),
        (None, "127.0.0.1", None, None),
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
        (Viewer("a:8.8.8.8"), "s:a:8.8.8.8"),
        (ANYBODY, "a:8.8.8.8"),
        (Viewer("visitor", Role.VISITOR), "a:8.8.8.8"),
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
