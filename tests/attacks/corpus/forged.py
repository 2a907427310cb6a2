"""Who somebody says she is: tokens that are none, are another's, or are forged; and good ones."""

import base64
import json
import time
from collections.abc import Iterator
from functools import cache
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.identity.development import AUDIENCE, ISSUER, DevIdentity, token_of
from resolvers.viewer import Role
from tests.attacks.corpus.attack import OK, TOKEN, Attack, asked

SECRET: Final = "the key of the house under attack, long enough"
REFUSED: Final = "UNAUTHENTICATED"
FORBIDDEN: Final = "FORBIDDEN"

QUERY: Final = '{ product(id: "p-1") { name } }'
STAFF: Final = DevIdentity("clerk", Role.STAFF)
ADA: Final = DevIdentity("ada", Role.CUSTOMER, "c-1")
"""``o-1`` is not hers."""


def forged() -> Iterator[Attack]:
    """All of them."""
    for name, token in _forgeries().items():
        yield asked(f"identity: {name}", QUERY, REFUSED, headers=bearer(token))
    for name, header in _headers().items():
        yield asked(f"identity: {name}", QUERY, REFUSED, headers=header)
    yield from _of_another()


def bearer(token: str) -> str:
    """The header that shows it."""
    return f"Authorization: Bearer {token}\r\n"


@cache
def good_bearer(identity: DevIdentity = ADA) -> str:
    """A header that shows a genuine token."""
    return bearer(token_of(identity, SECRET, now_s=time.time()))


def claims(**others: object) -> dict[str, object]:
    """What a genuine token of staff says, but for these."""
    now_s = int(time.time())
    told = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "role": "staff", "exp": now_s + 600}
    return {name: value for name, value in {**told, **others}.items() if value is not None}


def by_hand(head: object, said: object, signature: bytes = b"") -> str:
    """Three parts of anything."""
    parts = (json.dumps(head).encode(), json.dumps(said).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _signed(**others: object) -> str:
    return jwt.encode(claims(**others), SECRET, algorithm="HS256")


def _headed(**head: object) -> str:
    return jwt.encode(claims(), "another key, which is long enough too", "HS256", headers=head)


@cache
def _forgeries() -> dict[str, str]:
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, said, signature = _signed().split(".")
    return {
        "alg none": by_hand({"alg": "none", "typ": "JWT"}, claims()),
        "alg None": by_hand({"alg": "None"}, claims()),
        "alg nOnE, signed": by_hand({"alg": "nOnE"}, claims(), b"x" * 32),
        "no alg": by_hand({"typ": "JWT"}, claims(), b"x" * 32),
        "alg a list": by_hand({"alg": ["HS256", "none"]}, claims(), b"x" * 32),
        "alg of a public key": jwt.encode(claims(), key, "RS256"),
        "HS256 with a public key": jwt.encode(claims(), base64.b64encode(public), "HS256"),
        "HS512": jwt.encode(claims(), SECRET * 2, "HS512"),
        "another's key": jwt.encode(claims(), SECRET[::-1], "HS256"),
        "an empty signature": by_hand({"alg": "HS256"}, claims()),
        "no signature": f"{head}.{said}.",
        "half a signature": f"{head}.{said}.{signature[:20]}",
        "another's claims": f"{head}.{by_hand({}, claims(sub='boss')).split('.')[1]}.{signature}",
        "kid of a file": _headed(kid="../../../../dev/null"),
        "kid of a statement": _headed(kid="x' UNION SELECT 'key"),
        "kid of a number": by_hand({"alg": "HS256", "kid": 1}, claims(), b"x" * 32),
        "kid of 900 letters": _headed(kid="k" * 900),
        "jku of another": _headed(jku="https://evil.example/keys.json"),
        "a key of its own": _headed(jwk={"kty": "oct", "k": "YW5vdGhlcg"}),
        "x5u of another": _headed(x5u="http://127.0.0.1:1/cert"),
        "crit": _headed(crit=["exp"]),
        "b64 false": by_hand({"alg": "HS256", "b64": False}, claims(), b"x" * 32),
        "deflated": by_hand({"alg": "HS256", "zip": "DEF"}, claims(), b"x" * 32),
        "expired": _signed(exp=int(time.time()) - 3600),
        "of tomorrow": _signed(nbf=int(time.time()) + 86_400),
        "without an end": _signed(exp=None),
        "an end beyond all": jwt.encode(claims(exp=10**18), SECRET, "HS256"),
        "an end that is text": by_hand({"alg": "HS256"}, claims(exp="never"), b"x" * 32),
        "of another issuer": _signed(iss="https://evil.example"),
        "for another": _signed(aud="bank"),
        "of nobody": _signed(sub=None),
        "of a subject of 4 kB": _signed(sub="s" * 2_000),
        "of two lines": _signed(sub="ada\r\nX-Role: staff"),
        "claims a list": by_hand({"alg": "HS256"}, [claims()], b"x" * 32),
        "head a list": by_hand(["HS256"], claims(), b"x" * 32),
        "head 500 deep": by_hand(json.loads("[" * 500 + "]" * 500), claims(), b"x" * 32),
        "head of 3 kB": by_hand({"alg": "HS256", "x": "x" * 3_000}, claims(), b"x" * 32),
        "oversize": _signed(x="x" * 20_000),
        "just over": _signed(x="x" * 3_200),
        "four parts": f"{head}.{said}.{signature}.{signature}",
        "five parts of JWE": ".".join([head] * 5),
        "dots": "." * 3_000,
        "no base64": "!!!.???.***",
        "nothing": "",
    }


@cache
def _headers() -> dict[str, str]:
    good = good_bearer(STAFF)
    token = good.split()[2]
    return {
        "basic": "Authorization: Basic c3RhZmY6c3RhZmY=\r\n",
        "no scheme": f"Authorization: {token}\r\n",
        "two in a line": f"Authorization: Bearer {token}, Bearer {token}\r\n",
        "two headers": good + bearer("x"),
        "two of one": good + good,
        "a good one second": bearer("x") + good,
        "high bytes": "Authorization: Bearer \xff\xfe\xfd\r\n",
    }


def _of_another() -> Iterator[Attack]:
    hers = good_bearer()
    others = {
        "another's orders": '{ orders(customerId: "c-32") { edges { cursor } } }',
        "another customer": '{ customer(id: "c-32") { name } }',
        "another's name": 'mutation { updateCustomer(input: {id: "c-32", name: "x"}) '
        "{ userErrors { code } } }",
        "an order for another": 'mutation { placeOrder(input: {customerId: "c-32", items: '
        '[{productId: "p-1", quantity: 1}]}) { userErrors { code } } }',
        "a price": 'mutation { updateProduct(input: {id: "p-1", price: "0.01"}) '
        "{ userErrors { code } } }",
    }
    for name, query in others.items():
        yield asked(f"identity: {name}", query, FORBIDDEN, headers=hers)
    hidden = '{ order(id: "o-1") { id total customer { name } } }'
    yield asked("identity: another's order", hidden, OK, headers=hers)
    for name in ("X-Role", "X-User-Id", "X-Customer-Id", "X-Subject", "Forwarded"):
        query, header = others["another customer"], f"{hers}{name}: staff\r\n"
        yield asked(f"identity: {name} says staff", query, FORBIDDEN, headers=header)
    query, cookie = others["another customer"], f"Cookie: bff-consistency={'ct1' + 'A' * 40}\r\n"
    yield asked("identity: a cookie of another", query, FORBIDDEN, headers=hers + cookie)
    header = f"{hers}X-Consistency-Token: {hers.split()[2]}\r\n"
    yield asked("identity: a bearer for a consistency token", QUERY, TOKEN, headers=header)
