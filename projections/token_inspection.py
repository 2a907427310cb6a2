"""A token shown to a human: what it says, and whether that is proven.

For ``bff token inspect`` and for support. The rule: what was not verified is never shown as if it
were. Reading needs no key, since a token hides nothing; believing needs the codec and the subject.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from projections.token import FloorKey
from projections.token_codec import (
    MAC_BYTES,
    Invalid,
    InvalidReason,
    TokenCodec,
    UnknownKey,
    disarm,
)
from projections.token_format import TokenBody, key_id_of
from projections.token_parsing import parse_body

VERIFIED = "verified"
NO_KEYS = "not checked: no keys were given"
NO_SUBJECT = "not checked: no subject was given"
UNKNOWN_KEY = "not checked: its key is not live"


@dataclass(frozen=True, slots=True)
class TokenInspection:
    """A token in words; every value is plain, so `dataclasses.asdict` of it is ready for JSON.

    Times are RFC 3339 in UTC, entries are named as keys and versions print. What could
    not be read is None or empty; `finding` says why it is not verified, or not read.
    """

    verified: bool
    finding: str
    key_id: int | None = None
    issued: str | None = None
    expires: str | None = None
    entries: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    floor: Mapping[str, int] = field(default_factory=dict)
    doubts: Mapping[str, str] = field(default_factory=dict)
    uncertain: Sequence[str] = ()


def inspect_token(
    text: str, codec: TokenCodec | None = None, subject: str | None = None
) -> TokenInspection:
    """What this text says and whether we sealed it for this subject; raises nothing.

    None means that the subject is not known; callers without one are "anonymous".
    """
    sealed = disarm(text)
    if isinstance(sealed, InvalidReason):
        return TokenInspection(verified=False, finding=sealed.value)
    finding = _finding(sealed, codec, subject)
    body = parse_body(sealed[:-MAC_BYTES])
    if body is None:
        unread = f"{finding}; its structure cannot be read"
        return TokenInspection(verified=False, finding=unread, key_id=key_id_of(sealed))
    return _told(body, finding, None if codec is None else codec.lifetime_minutes)


def _finding(sealed: bytes, codec: TokenCodec | None, subject: str | None) -> str:
    if codec is None:
        return NO_KEYS
    if subject is None:
        return NO_SUBJECT
    match codec.refusal_of(sealed, subject):
        case Invalid(reason):
            return reason.value
        case UnknownKey():
            return UNKNOWN_KEY
        case None:
            return VERIFIED


def _told(body: TokenBody, finding: str, lifetime_minutes: int | None) -> TokenInspection:
    issued = body.issued_minute
    return TokenInspection(
        verified=finding == VERIFIED,
        finding=finding,
        key_id=body.key_id,
        issued=_clock(issued * 60),
        expires=None if lifetime_minutes is None else _clock((issued + lifetime_minutes) * 60),
        entries={str(key): str(at) for key, at in sorted(body.token.entries.items())},
        marks={of.value: _clock(second) for of, second in sorted(body.token.marks.items())},
        floor={_log(log): seen.offset for log, seen in sorted(body.token.floor.items())},
        doubts={str(key): _clock(second) for key, second in sorted(body.token.doubts.items())},
        uncertain=[str(key) for key in sorted(body.token.uncertain)],
    )


def _log(log: FloorKey) -> str:
    """The log as ``orders/3@00c0ffee``."""
    return f"{log.type.source}/{log.partition}@{log.log:08x}"


def _clock(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()
