import hashlib
import hmac
import json
from base64 import urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.keys import (
    PUBLIC_ALGORITHMS,
    KeySet,
    parse_key_set,
    shared_key,
)
from gateway.identity.verifying import Bad, Expected, KeyUnknown, Verdict, Verified, verify
from resolvers.viewer import Role, Viewer
from tests.gateway.identity.bearers import (
    AUDIENCE,
    HOUR_S,
    ISSUER,
    SECRET,
    a_bearer,
    by_hand,
    key_set,
    private_key,
    public_jwk,
    signed_by,
    some_claims,
)
from tests.projection_by_hand import LOOP_STARTED_AT_S as NOW_S

SHARED = shared_key(SECRET.encode())
BY_SECRET = Expected(issuer=ISSUER, audience=AUDIENCE, algorithms=("HS256",))
BY_KEYS = Expected(issuer=ISSUER, audience=AUDIENCE, algorithms=PUBLIC_ALGORITHMS)


def judged(token: str | bytes, *, at_s: float = NOW_S) -> Verdict:
    raw = token if isinstance(token, bytes) else token.encode()
    return verify(raw, SHARED, BY_SECRET, now_s=at_s)


def published(*kinds: str) -> KeySet:
    return parse_key_set(key_set(*map(public_jwk, kinds)), PUBLIC_ALGORITHMS)


def judged_by_keys(token: str, keys: KeySet) -> Verdict:
    return verify(token.encode(), keys, BY_KEYS, now_s=NOW_S)


def test_a_good_token_tells_who_she_is_and_until_when() -> None:
    """Of the control all bad ones differ in one thing."""
    verdict = judged(a_bearer(role="customer", customer_id="c-1"))

    viewer = Viewer("customer:c-1:ada", Role.CUSTOMER, "c-1")
    assert verdict == Verified(viewer, NOW_S + HOUR_S)


@pytest.mark.parametrize("kind", PUBLIC_ALGORITHMS)
def test_each_pinned_algorithm_verifies(kind: str) -> None:
    """RSA, elliptic curve and Edwards curve, side by side in one set."""
    verdict = judged_by_keys(signed_by(kind, role="staff"), published(*PUBLIC_ALGORITHMS))

    assert isinstance(verdict, Verified)
    assert verdict.viewer.role is Role.STAFF


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW_S - 11},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": 10**400},
        {"nbf": "soon"},
        {"iss": "https://other.test"},
        {"iss": None},
        {"iss": [ISSUER]},
        {"aud": "another shop"},
        {"aud": None},
        {"aud": []},
        {"aud": {"shop": 1}},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 129},
        {"sub": "a\nb"},
    ],
    ids=str,
)
def test_a_claim_that_is_wrong_or_missing_is_refused(claims: dict[str, object]) -> None:
    """Who signed it does not matter then."""
    assert isinstance(judged(signed_by_hand(some_claims(**claims))), Bad)


def signed_by_hand(claims: object, head: object = None) -> str:
    """Signed with the shared key, whatever is in it: no library is asked whether it may be."""
    head = {"alg": "HS256", "typ": "JWT"} if head is None else head
    parts = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, claims)]
    body = b".".join(parts)
    mac = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    return (body + b"." + urlsafe_b64encode(mac).rstrip(b"=")).decode()


def test_clocks_may_be_a_little_apart() -> None:
    """Ten seconds by default, at both ends; not eleven."""
    late = a_bearer(exp=NOW_S - 9)
    early = a_bearer(nbf=NOW_S + 9, iat=NOW_S + 9)

    assert isinstance(judged(late), Verified)
    assert isinstance(judged(early), Verified)
    assert judged(a_bearer(exp=NOW_S - 11)) == Bad()
    assert judged(a_bearer(nbf=NOW_S + 11)) == Bad(may_become_good=True)
    assert judged(a_bearer(iat=NOW_S + 11)) == Bad(may_become_good=True)


def test_one_audience_of_several_is_enough() -> None:
    """An issuer may name all that a token is for."""
    assert isinstance(judged(a_bearer(aud=["bank", AUDIENCE])), Verified)


@pytest.mark.parametrize(
    "head",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": ""},
        {"alg": None},
        {"alg": ["HS256"]},
        {},
        {"alg": "HS512"},
        {"alg": "RS256"},
        {"alg": "HS256", "crit": ["exp"]},
        {"alg": "HS256", "crit": ["b64"], "b64": False},
        {"alg": "HS256", "b64": True},
        {"alg": "HS256", "kid": 7},
        {"alg": "HS256", "kid": "k" * 129},
        {"alg": "HS256", "pad": "x" * 1100},
        ["HS256"],
        "HS256",
    ],
    ids=lambda head: str(head)[:40],
)
def test_a_head_that_asks_for_anything_else_is_refused(head: object) -> None:
    """The signature would hold: the head alone is what is wrong with it."""
    assert judged(signed_by_hand(some_claims(), head)) == Bad()


@pytest.mark.parametrize("signature", [b"", b"x" * 32], ids=["none", "made up"])
def test_no_signature_and_a_wrong_one_are_none(signature: bytes) -> None:
    """`alg: none` has many spellings; a head that tells the truth needs a signature too."""
    for algorithm in ("none", "NONE", "HS256"):
        assert judged(by_hand({"alg": algorithm}, some_claims(), signature)) == Bad()


def test_a_published_key_is_no_shared_one() -> None:
    """The oldest trick: a token signed by HS256 with the public key as everybody can read it."""
    public = private_key("RS256").public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = {"alg": "HS256", "kid": "RS256"}
    parts = [
        urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, some_claims())
    ]
    mac = hmac.new(pem, b".".join(parts), hashlib.sha256).digest()
    token = b".".join([*parts, urlsafe_b64encode(mac).rstrip(b"=")]).decode()

    both = Expected(issuer=ISSUER, audience=AUDIENCE, algorithms=(*PUBLIC_ALGORITHMS, "HS256"))
    for expected in (BY_KEYS, both):
        verdict = verify(token.encode(), published("RS256"), expected, now_s=NOW_S)
        assert not isinstance(verdict, Verified)


def test_a_key_is_good_for_its_own_algorithm_alone() -> None:
    """A token that names one key and the algorithm of another finds none."""
    token = signed_by("ES256", key_id="RS256")

    assert judged_by_keys(token, published("RS256")) == KeyUnknown()


def test_another_s_signature_under_a_known_name_is_bad() -> None:
    """Whoever can make keys can name them as he likes."""
    assert judged_by_keys(signed_by("RS256 other", "RS256"), published("RS256")) == Bad()


@pytest.mark.parametrize(
    "key_id", ["../../etc/passwd", "' OR 1=1 --", "http://evil.test/k", "", "\0"]
)
def test_the_name_of_a_key_is_looked_up_and_nothing_else(key_id: str) -> None:
    """It leads to no file, no query and no address; the empty one is a name like any other."""
    token = by_hand({"alg": "RS256", "kid": key_id}, some_claims())

    assert judged_by_keys(token, published("RS256")) == KeyUnknown()


def test_a_key_that_a_token_brings_along_is_not_looked_at() -> None:
    """Neither the key itself nor where it could be fetched."""
    head = {"alg": "RS256", "kid": "new", "jwk": public_jwk("RS256"), "jku": "http://evil.test/"}

    assert judged_by_keys(by_hand(head, some_claims()), published("RS256")) == KeyUnknown()


def test_a_token_without_a_key_id_means_the_only_one_there_is() -> None:
    """Where there are two, nobody guesses."""
    token = signed_by("RS256", "x").encode()
    head = {"alg": "RS256"}
    unnamed = by_hand(head, some_claims())

    assert judged_by_keys(unnamed, published("RS256")) == Bad()
    assert judged_by_keys(unnamed, published("RS256", "RS256 other")) == KeyUnknown()
    assert verify(token, published("RS256"), BY_KEYS, now_s=NOW_S) == KeyUnknown()


@given(st.binary(max_size=300) | st.text(max_size=80).map(str.encode))
def test_garbage_is_bad_and_nothing_worse(token: bytes) -> None:
    """Whatever comes, it is judged, and no error escapes."""
    assert judged(token) == Bad()


@given(st.data())
def test_a_changed_token_is_never_believed(data: st.DataObject) -> None:
    """Any byte put in the place of another ends it, or it says the very same."""
    token = bytearray(a_bearer(role="customer", customer_id="c-1").encode())
    at = data.draw(st.integers(0, len(token) - 1))
    token[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != token[at]))

    assert not isinstance(judged(bytes(token)), Verified)
