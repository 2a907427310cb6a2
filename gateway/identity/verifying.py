"""A bearer token, verified: its signature by PyJWT, its times by our clock. No I/O.

The rule: size before anything, then the head, which only chooses a key among ours; the algorithm is
the key's and never the token's, and nothing that is claimed is read before the signature holds.
What a client is told is always the same: why a token is refused would help nobody who may ask.
"""

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import jwt
import orjson

from gateway.identity.claims import ClaimNames, is_current, time_of, viewer_of
from gateway.identity.keys import KeySet
from resolvers.viewer import Viewer

MAX_HEAD_BYTES: Final = 1024
MAX_KEY_ID: Final = 128

_READER: Final = jwt.PyJWT(
    {
        "require": ["exp", "iss", "aud", "sub"],
        # The times are compared by the clock that this gateway has.
        "verify_exp": False,
        "verify_nbf": False,
        "verify_iat": False,
        "enforce_minimum_key_length": True,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What every token has to say. ``leeway_s``: how far clocks may be apart (s)."""

    issuer: str
    audience: str
    algorithms: Collection[str]
    names: ClaimNames = field(default_factory=ClaimNames)
    leeway_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Verified:
    """The token is good until ``expires_at_s`` (Unix s)."""

    viewer: Viewer
    expires_at_s: float


@dataclass(frozen=True, slots=True)
class Bad:
    """It is none, or not for us. ``may_become_good``: it says that its time has not come yet."""

    may_become_good: bool = False


@dataclass(frozen=True, slots=True)
class KeyUnknown:
    """It names a key that is not known, which may be a new one."""


Verdict = Verified | Bad | KeyUnknown

BAD: Final = Bad()


def verify(token: bytes, keys: KeySet, expected: Expected, *, now_s: float) -> Verdict:
    """What becomes of ``token`` at ``now_s`` (Unix s); some hundred microseconds if it is new."""
    head = _head_of(token)
    if head is None or "crit" in head or "b64" in head:
        return BAD
    algorithm, key_id = head.get("alg"), head.get("kid")
    if not isinstance(algorithm, str) or algorithm not in expected.algorithms:
        return BAD
    if key_id is not None and not (isinstance(key_id, str) and len(key_id) <= MAX_KEY_ID):
        return BAD
    key = keys.find(key_id, algorithm)
    if key is None:
        return KeyUnknown()
    try:
        claims = _READER.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=expected.issuer,
            audience=expected.audience,
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return BAD
    return _judge(claims, expected, now_s)


def _judge(claims: dict[str, object], expected: Expected, now_s: float) -> Verdict:
    """Of a token whose signature holds."""
    viewer = viewer_of(claims, expected.names)
    if viewer is None:
        return BAD
    if not is_current(claims, now_s=now_s, leeway_s=expected.leeway_s):
        return Bad(may_become_good=time_of(claims, "exp") > now_s)
    return Verified(viewer, time_of(claims, "exp"))


def _head_of(token: bytes) -> dict[str, object] | None:
    """What a token says of itself, unverified; None where it is no token at all."""
    head, _, rest = token.partition(b".")
    if not 0 < len(head) <= MAX_HEAD_BYTES or rest.count(b".") != 1:
        return None
    try:
        parsed = orjson.loads(
            base64.b64decode(head + b"=" * (-len(head) % 4), b"-_", validate=True)
        )
    except (binascii.Error, orjson.JSONDecodeError):
        return None
    return parsed if isinstance(parsed, dict) else None
