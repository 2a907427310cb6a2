"""Bearer tokens as an issuer makes them, and settings of a gateway that believes them.

async with open_door(events="feed", **BELIEVING) as door:
    await door.ask(query, headers=as_customer("c-1"))
"""

import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.projection_by_hand import LOOP_STARTED_AT_S

SECRET = "a shared key of these tests alone, long enough"
ISSUER = "https://issuer.test"
AUDIENCE = "shop"
BELIEVING: Mapping[str, object] = {
    "anonymous": "refused",
    "jwt_secret": SECRET,
    "jwt_issuer": ISSUER,
    "jwt_audience": AUDIENCE,
}
HOUR_S = 3600

Claims = dict[str, Any]


def some_claims(**claims: object) -> Claims:
    """Good ones, of a visitor; with None a claim is left out."""
    now_s = int(LOOP_STARTED_AT_S)
    given = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "iat": now_s, "exp": now_s + HOUR_S}
    return {name: value for name, value in {**given, **claims}.items() if value is not None}


def a_bearer(secret: str = SECRET, **claims: object) -> str:
    """A token of the shared key."""
    return jwt.encode(some_claims(**claims), secret, algorithm="HS256")


def shown(token: str) -> dict[str, str]:
    """The header that shows it."""
    return {"authorization": f"Bearer {token}"}


def as_customer(customer_id: str) -> dict[str, str]:
    return shown(a_bearer(role="customer", customer_id=customer_id, sub=customer_id))


def as_staff() -> dict[str, str]:
    return shown(a_bearer(role="staff", sub="clerk"))


def as_visitor() -> dict[str, str]:
    return shown(a_bearer(sub="passer-by"))


@cache
def private_key(kind: str) -> Any:
    """One key of each kind, made once: ``RS256``, ``RS256 other``, ``ES256``, ``EdDSA``."""
    match kind.partition(" ")[0]:
        case "RS256":
            return rsa.generate_private_key(65537, 2048)
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case _:
            return ed25519.Ed25519PrivateKey.generate()


def public_jwk(kind: str, key_id: str | None = None, **more: object) -> Claims:
    """As its issuer publishes it; the id is its kind, unless told otherwise."""
    algorithm = kind.partition(" ")[0]
    of = jwt.get_algorithm_by_name(algorithm)
    jwk = json.loads(of.to_jwk(private_key(kind).public_key()))
    return {"kid": key_id or kind, "use": "sig", **jwk, **more}


def key_set(*jwks: Mapping[str, object]) -> bytes:
    return json.dumps({"keys": jwks}).encode()


def signed_by(kind: str, key_id: str | None = None, **claims: object) -> str:
    """A token of a published key."""
    algorithm = kind.partition(" ")[0]
    headers = {"kid": key_id or kind}
    return jwt.encode(some_claims(**claims), private_key(kind), algorithm, headers=headers)


def by_hand(head: object, claims: object, signature: bytes = b"x" * 32) -> str:
    """Three parts of anything."""
    parts = [json.dumps(head).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
