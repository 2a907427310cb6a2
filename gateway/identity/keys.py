"""Keys that verify tokens: a set of them as its issuer publishes it (JWKS), or one that is shared.

The rule: a key is good for one algorithm, which is pinned, and no token chooses another. A set that
anybody may read holds no shared keys and no private ones; such are passed over.
"""

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson
from jwt import PyJWK, PyJWTError

SHARED_ALGORITHM: Final = "HS256"
PUBLIC_ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")

KINDS: Final[Mapping[str, tuple[str, str | None]]] = {
    "RS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""The type and the curve of the keys of each algorithm."""

MAX_KEYS: Final = 64
SHORTEST_MODULUS: Final = 340
"""Characters of an RSA modulus of 2,048 bits, in base64: a shorter one is no lock."""


class KeySetUnreadable(Exception):
    """What came is no set of keys that verifies anything."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys by id and algorithm; equal ones are the same keys."""

    source: bytes
    keys: Mapping[tuple[str | None, str], PyJWK] = field(
        default_factory=dict, compare=False, repr=False
    )

    def find(self, key_id: str | None, algorithm: str) -> PyJWK | None:
        """The key that a token names. One that names none means the only one there is."""
        if key_id is not None:
            return self.keys.get((key_id, algorithm))
        fitting = [key for (_, of), key in self.keys.items() if of == algorithm]
        return fitting[0] if len(fitting) == 1 else None


NO_KEYS: Final = KeySet(b"")


def shared_key(secret: bytes) -> KeySet:
    """The set of one shared key. Its tokens may name it as they like: there is no other."""
    encoded = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    key = PyJWK({"kty": "oct", "k": encoded}, SHARED_ALGORITHM)
    return _OneForAll(b"shared", {(None, SHARED_ALGORITHM): key})


class _OneForAll(KeySet):
    __slots__ = ()

    def find(self, key_id: str | None, algorithm: str) -> PyJWK | None:
        del key_id
        return self.keys.get((None, algorithm))


def parse_key_set(body: bytes, algorithms: Collection[str]) -> KeySet:
    """The keys of a JWKS that are good for these algorithms.

    Raises `KeySetUnreadable` where there are none: nobody takes all keys back at once, and to have
    none would turn everybody away.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise KeySetUnreadable("it is not JSON") from error
    listed = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(listed, list):
        raise KeySetUnreadable("it has no list of keys")
    keys: dict[tuple[str | None, str], PyJWK] = {}
    for jwk in listed[:MAX_KEYS]:
        algorithm = _algorithm_of(jwk, algorithms)
        key = None if algorithm is None else _read(jwk, algorithm)
        if algorithm is not None and key is not None:
            keys.setdefault((jwk.get("kid"), algorithm), key)
    if not keys:
        raise KeySetUnreadable("none of its keys is good for the algorithms that are pinned")
    return KeySet(body, keys)


def _algorithm_of(jwk: object, algorithms: Collection[str]) -> str | None:
    """What this key is good for, if it may be used to verify at all."""
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str | None):
        return None
    operations = jwk.get("key_ops", ["verify"])
    is_for_us = jwk.get("use", "sig") == "sig" and "d" not in jwk
    if not (is_for_us and isinstance(operations, list) and "verify" in operations):
        return None
    for algorithm, (kind, curve) in KINDS.items():
        is_of_it = jwk.get("kty") == kind and (curve is None or jwk.get("crv") == curve)
        if is_of_it and algorithm in algorithms and jwk.get("alg", algorithm) == algorithm:
            return algorithm
    return None


def _read(jwk: Mapping[str, object], algorithm: str) -> PyJWK | None:
    if algorithm == "RS256" and len(str(jwk.get("n", ""))) < SHORTEST_MODULUS:
        return None
    try:
        return PyJWK(dict(jwk), algorithm)
    except (PyJWTError, ValueError, TypeError):
        return None
