"""Consistency tokens as opaque text: sealed for one subject, refused when anything was changed.

The rule: no byte a client sends is parsed before its MAC is checked, and a refusal is a value,
never an exception: a bad token must cost no more than a glance. Checks run in this order: length,
base64 and prefix, MAC, only then structure, counts and ranges (`token_parsing.py`), age.

The MAC is keyed BLAKE2s (RFC 7693), 16 bytes, over the subject and the body. A token is proof of
nothing but "this gateway said so to this subject": it hides nothing and grants no access.
"""

import base64
import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2s
from hmac import compare_digest
from typing import Final, Self

from projections.token import ConsistencyToken
from projections.token_format import (
    KEY_ID_COUNT,
    MAGIC_AND_KEY_BYTES,
    TokenBody,
    key_id_of,
    render_body,
)
from projections.token_parsing import parse_body

MAX_TEXT_CHARACTERS: Final = 2048
"""Longer text is refused unread. The fullest token that can be sealed has half as many."""

MAC_BYTES: Final = 16
LIFETIME_MINUTES: Final = 24 * 60
"""Default lifetime: a working day and its night; after it a projection has long caught up, or its
lag has been seen. Every answer issues its token anew, so a session in use never gets there."""
MAX_LIFETIME_MINUTES: Final = 30 * 24 * 60
"""Tombstones must be kept as long as tokens live: a month of them is what a store can hold."""

_PERSON: Final = b"bff-ct1"


class InvalidReason(StrEnum):
    """Why a text is no token of ours for this subject."""

    TOO_LONG = "too long"
    NOT_BASE64 = "not canonical base64url"
    NOT_A_TOKEN = "not a ct1 token"
    BAD_MAC = "changed, or sealed for another subject"
    MALFORMED = "sealed by us, but not as this version seals"


@dataclass(frozen=True, slots=True)
class Opened:
    """A genuine token within its lifetime."""

    token: ConsistencyToken
    issued_minute: int
    key_id: int


@dataclass(frozen=True, slots=True)
class Expired:
    """A genuine token past its lifetime: its demands are ignored and the client is told."""

    issued_minute: int


@dataclass(frozen=True, slots=True)
class UnknownKey:
    """Said to be sealed with a key that is not live, as after a rotation: treated as expired."""

    key_id: int


@dataclass(frozen=True, slots=True)
class Invalid:
    """Not a token, or not one for this subject: the client's mistake or a forgery."""

    reason: InvalidReason


TokenVerdict = Opened | Expired | UnknownKey | Invalid


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A MAC key: the id (0–63) that tokens name, and a secret of 16–32 bytes, never shown."""

    id: int
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.id < KEY_ID_COUNT:
            raise ValueError(f"token key id {self.id} is not in 0–63")
        if not 16 <= len(self.secret) <= 32:
            raise ValueError(f"token key {self.id}: secret has {len(self.secret)} bytes, not 16–32")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key written ``id:secret``, the secret in base64 or base64url, padded or not.

        Raises ValueError, which never quotes the secret.
        """
        id_text, colon, secret_text = text.strip().partition(":")
        if not colon or not re.fullmatch("[0-9]{1,2}", id_text):
            raise ValueError("a token key is written id:secret, with an id of 0–63")
        standard = secret_text.rstrip("=").translate(str.maketrans("-_", "+/"))
        try:
            secret = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
        except ValueError:
            raise ValueError(f"token key {id_text}: its secret is not base64") from None
        return cls(int(id_text), secret)


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """The live keys: one signs, a second may still be accepted while keys are rotated."""

    signing: TokenKey
    also_accepted: TokenKey | None = None

    def __post_init__(self) -> None:
        if self.also_accepted is not None and self.also_accepted.id == self.signing.id:
            raise ValueError(f"both token keys have the id {self.signing.id}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Keys from a setting, ``id:secret`` or ``id:secret,id:secret``; the first one signs.

        Raises ValueError, which never quotes a secret.
        """
        keys = [TokenKey.parse(part) for part in text.split(",")]
        if len(keys) > 2:
            raise ValueError(f"at most two token keys are live at a time, not {len(keys)}")
        return cls(*keys)

    @classmethod
    def ephemeral(cls) -> Self:
        """A random key that lives as long as this process, for development.

        Its id is random too, so that a token kept over a restart is most often found expired, which
        clients need not handle, and not invalid, which is an error.
        """
        return cls(TokenKey(secrets.randbelow(KEY_ID_COUNT), secrets.token_bytes(32)))

    def live(self, key_id: int) -> TokenKey | None:
        """The live key of this id."""
        accepted = (self.signing, self.also_accepted)
        return next((key for key in accepted if key is not None and key.id == key_id), None)


class TokenCodec:
    """Seals and opens tokens with one set of keys; `lifetime_minutes` is 1–43,200."""

    def __init__(self, keys: TokenKeys, *, lifetime_minutes: int = LIFETIME_MINUTES) -> None:
        if not 1 <= lifetime_minutes <= MAX_LIFETIME_MINUTES:
            raise ValueError(
                f"lifetime of {lifetime_minutes} min is not in 1–{MAX_LIFETIME_MINUTES}"
            )
        self._keys = keys
        self.lifetime_minutes = lifetime_minutes

    def seal(self, token: ConsistencyToken, subject: str, now_minute: int) -> str:
        """The text of this token for this subject, issued in `now_minute` since the Unix epoch.

        It is issued later where a clock that is ahead of ours has seen its floor. Equal tokens
        give equal text. Raises ValueError for a token that was not `fit` first or that says
        what no token may say: mistakes of ours, not of a client.
        """
        key = self._keys.signing
        issued_minute = max([now_minute, *(seen.minute for seen in token.floor.values())])
        body = render_body(TokenBody(key.id, issued_minute, token))
        return armour(body + _mac(key, subject, body))

    def open_token(self, text: str, subject: str, now_minute: int) -> TokenVerdict:
        """What this text from a client is worth; raises nothing, whatever the text.

        A token issued after `now_minute` is opened: its MAC shows that one of our own clocks runs
        ahead, and refusing it would make an error of a client's write.
        """
        sealed = disarm(text)
        if isinstance(sealed, InvalidReason):
            return Invalid(sealed)
        refusal = self.refusal_of(sealed, subject)
        if refusal is not None:
            return refusal
        body = parse_body(sealed[:-MAC_BYTES])
        if body is None:
            return Invalid(InvalidReason.MALFORMED)
        if now_minute - body.issued_minute > self.lifetime_minutes:
            return Expired(body.issued_minute)
        return Opened(body.token, body.issued_minute, body.key_id)

    def refusal_of(self, sealed: bytes, subject: str) -> UnknownKey | Invalid | None:
        """Why these bytes are not what we sealed for this subject; None when they are."""
        key_id = key_id_of(sealed)
        if key_id is None:
            return Invalid(InvalidReason.NOT_A_TOKEN)
        key = self._keys.live(key_id)
        if key is None:
            return UnknownKey(key_id)
        body, mac = sealed[:-MAC_BYTES], sealed[-MAC_BYTES:]
        if not compare_digest(mac, _mac(key, subject, body)):
            return Invalid(InvalidReason.BAD_MAC)
        return None


def _mac(key: TokenKey, subject: str, body: bytes) -> bytes:
    # The subject's length goes first, so that no end of a subject can pass for the start of a body.
    # surrogatepass: a subject is whatever the session layer made of bytes; it must not raise here.
    subject_bytes = subject.encode("utf-8", "surrogatepass")
    message = len(subject_bytes).to_bytes(8, "big") + subject_bytes + body
    return blake2s(message, key=key.secret, digest_size=MAC_BYTES, person=_PERSON).digest()


def armour(sealed: bytes) -> str:
    """These bytes as base64url without padding."""
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def disarm(text: str) -> bytes | InvalidReason:
    """The bytes of a text that may be a token, or why it cannot be one."""
    if len(text) > MAX_TEXT_CHARACTERS:
        return InvalidReason.TOO_LONG
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:  # a length of 4n + 1; letters beyond ASCII
        return InvalidReason.NOT_BASE64
    # The decoder forgives padding, blanks, strange letters and loose last bits; rendering does not.
    if armour(sealed) != text:
        return InvalidReason.NOT_BASE64
    if key_id_of(sealed) is None or len(sealed) < MAGIC_AND_KEY_BYTES + MAC_BYTES:
        return InvalidReason.NOT_A_TOKEN
    return sealed
