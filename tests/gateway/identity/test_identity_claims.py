import json

import pytest

from gateway.identity.claims import ClaimNames, viewer_of
from gateway.identity.keys import (
    PUBLIC_ALGORITHMS,
    KeySetUnreadable,
    parse_key_set,
)
from resolvers.viewer import Role, Viewer
from tests.gateway.identity.bearers import (
    public_jwk,
)

NAMES = ClaimNames()


@pytest.mark.parametrize(
    ("claims", "role", "customer_id"),
    [
        ({}, Role.VISITOR, None),
        ({"customer_id": "c-1"}, Role.CUSTOMER, "c-1"),
        ({"role": "customer", "customer_id": "c-1"}, Role.CUSTOMER, "c-1"),
        ({"role": "customer"}, Role.VISITOR, None),
        ({"role": "customer", "customer_id": "c 1/../2"}, Role.VISITOR, None),
        ({"role": "customer", "customer_id": 7}, Role.VISITOR, None),
        ({"role": "staff"}, Role.STAFF, None),
        ({"role": ["packer", "staff"]}, Role.STAFF, None),
        ({"role": ["customer"], "customer_id": "c-1"}, Role.CUSTOMER, "c-1"),
        ({"role": "STAFF"}, Role.VISITOR, None),
        ({"role": "admin", "customer_id": "c-1"}, Role.VISITOR, None),
        ({"role": "visitor", "customer_id": "c-1"}, Role.VISITOR, None),
        ({"role": {"staff": True}}, Role.VISITOR, None),
        ({"role": [["staff"], {}, None]}, Role.VISITOR, None),
    ],
    ids=str,
)
def test_what_is_not_said_gives_nothing(
    claims: dict[str, object], role: Role, customer_id: str | None
) -> None:
    """A role that nobody knows is a visitor's, and so is a customer's without an id."""
    viewer = viewer_of({"sub": "ada", **claims}, NAMES)

    assert viewer == Viewer(f"{role}:{customer_id or ''}:ada", role, customer_id)


@pytest.mark.parametrize(
    "claims",
    [{"scope": "read write"}, {"scp": ["read", "write", 7]}, {"scp": "write read"}],
    ids=str,
)
def test_scopes_are_told_in_either_way(claims: dict[str, object]) -> None:
    """As OAuth writes them, or as a list."""
    viewer = viewer_of({"sub": "ada", **claims}, NAMES)

    assert viewer is not None
    assert viewer.scopes == {"read", "write"}


def test_two_people_are_never_one_subject() -> None:
    """A name can hold what parts a subject, and still mean nobody else."""
    ada = viewer_of({"sub": "c-1:ada"}, NAMES)
    other = viewer_of({"sub": "ada", "customer_id": "c-1"}, NAMES)

    assert ada is not None
    assert other is not None
    assert ada.subject != other.subject


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMw", "kid": "x"},
        public_jwk("RS256", use="enc"),
        public_jwk("RS256", key_ops=["sign"]),
        public_jwk("RS256", alg="RS512"),
        public_jwk("RS256", n="AQAB"),
        public_jwk("RS256", d="AQAB"),
        public_jwk("ES256", crv="P-521"),
        public_jwk("ES256", x="AA"),
        {**public_jwk("RS256"), "kid": 7},
        7,
    ],
    ids=["shared", "enc", "sign", "RS512", "short", "private", "P-521", "no point", "kid", "7"],
)
def test_a_published_key_that_is_good_for_nothing_is_passed_over(jwk: object) -> None:
    """The others of its set are taken."""
    good = public_jwk("EdDSA")

    keys = parse_key_set(json.dumps({"keys": [jwk, good]}).encode(), PUBLIC_ALGORITHMS)

    assert list(keys.keys) == [("EdDSA", "EdDSA")]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"keys": 7}', b'{"keys": []}', b"\xff", b"<html>"])
def test_a_set_without_a_key_is_none(body: bytes) -> None:
    """Nobody takes all keys back at once."""
    with pytest.raises(KeySetUnreadable):
        parse_key_set(body, PUBLIC_ALGORITHMS)
