"""The bytes inside a ``ct1`` token: what it says, without the proof of who wrote it.

The rule: one token value has one encoding, and nothing else is read. `parse_body` accepts exactly
the bytes `render_body` writes, so a token cannot be respelt, and any other bytes cost little to
refuse. Integers are unsigned LEB128 of the least length ("varint").

    0x72 0xDD, then 0b01 and the key id (6 bits): base64url of this always begins ``ct1``
    flags           varint   bit 0: an overflow section follows the entries; other bits: refused
    issued minute   varint   since the Unix epoch
    entry count     varint   0–32
      type and id   varint   type code × 64 + (id length − 1); entries ascend by code, then id
      id            1–64 ASCII characters
      epoch, number varint each
    mark count      varint   only with flag bit 0; 1 at least
      type code, minute      varint each; marks ascend by code

The free flag bits are the room for further sections; a reader refuses a section it does not
know, because ignoring a demand would break it. Rejected: JSON or msgpack inside the text, which are
longer and have many spellings of one value.
"""

from dataclasses import dataclass
from typing import Final

from projections.token import MAX_ENTRIES, ConsistencyToken, fits
from projections.versions import AggregateKey, AggregateType, Version
from projections.views.aggregate import is_id

MAGIC: Final = b"\x72\xdd"
MAGIC_AND_KEY_BYTES: Final = 3
KEY_ID_COUNT: Final = 64
TYPE_CODES: Final = {AggregateType.ORDER: 0, AggregateType.CUSTOMER: 1, AggregateType.PRODUCT: 2}
"""Never renumbered or used again: tokens outlive a deployment."""

_TYPES: Final = {code: of for of, code in TYPE_CODES.items()}
_VERSION_LIMIT: Final = 2**53  # the integers that JSON carries exactly
_MINUTE_LIMIT: Final = 2**31  # the year 6053: keeps a minute within five bytes
_OVERFLOW_FLAG: Final = 0b1


@dataclass(frozen=True, slots=True)
class TokenBody:
    """What a sealed token says: which key signs it, when it was issued, what it demands."""

    key_id: int
    issued_minute: int
    token: ConsistencyToken


class _Malformed(ValueError):
    """These bytes are not what `render_body` writes. Never leaves this module."""


def key_id_of(body: bytes) -> int | None:
    """The id of the key said to sign these bytes, 0–63; None when no such token begins this way."""
    if len(body) < MAGIC_AND_KEY_BYTES or not body.startswith(MAGIC) or body[2] >> 6 != 0b01:
        return None
    return body[2] & 0b11_1111


def render_body(body: TokenBody) -> bytes:
    """The one encoding of the body.

    Raises ValueError for what no token may say: more than fits, an id or a number out of range.
    """
    if not fits(body.token):
        raise ValueError("token is over-full: `fit` it before it is sealed")
    if not 0 <= body.key_id < KEY_ID_COUNT:
        raise ValueError(f"key id {body.key_id} is not in 0–63")
    entries = sorted((TYPE_CODES[key.type], key.id, at) for key, at in body.token.entries.items())
    marks = sorted((TYPE_CODES[of], minute) for of, minute in body.token.overflow.items())
    parts = [MAGIC, bytes([0b0100_0000 | body.key_id])]
    parts.append(_varint(_OVERFLOW_FLAG if marks else 0))
    parts.append(_varint(body.issued_minute, below=_MINUTE_LIMIT))
    parts.append(_varint(len(entries)))
    parts.extend(_render_entry(*entry) for entry in entries)
    if marks:
        parts.append(_varint(len(marks)))
        parts.extend(_varint(code) + _varint(at, below=_MINUTE_LIMIT) for code, at in marks)
    return b"".join(parts)


def _render_entry(type_code: int, aggregate_id: str, at: Version) -> bytes:
    if not is_id(aggregate_id):
        raise ValueError(f"{aggregate_id!r} is not an id")
    if at.number < 1:
        raise ValueError(f"version numbers begin at 1, not {at.number}")
    return b"".join(
        (
            _varint(type_code << 6 | len(aggregate_id) - 1),
            aggregate_id.encode("ascii"),
            _varint(at.epoch, below=_VERSION_LIMIT),
            _varint(at.number, below=_VERSION_LIMIT),
        )
    )


def _varint(value: int, *, below: int = _VERSION_LIMIT) -> bytes:
    if not 0 <= value < below:
        raise ValueError(f"{value} is not in 0–{below - 1}")
    septets = bytearray()
    while value > 0x7F:
        septets.append(value & 0x7F | 0x80)
        value >>= 7
    septets.append(value)
    return bytes(septets)


def parse_body(body: bytes) -> TokenBody | None:
    """What these bytes say; None when they are not exactly what `render_body` writes."""
    key_id = key_id_of(body)
    if key_id is None:
        return None
    try:
        return _parse(key_id, _Reader(body, at=MAGIC_AND_KEY_BYTES))
    except _Malformed:
        return None


def _parse(key_id: int, reader: "_Reader") -> TokenBody:
    flags = reader.varint(below=_OVERFLOW_FLAG + 1)
    issued_minute = reader.varint(below=_MINUTE_LIMIT)
    entries = _parse_entries(reader)
    marks = _parse_marks(reader) if flags & _OVERFLOW_FLAG else {}
    token = ConsistencyToken(entries, marks)
    if not reader.is_at_end or not fits(token):
        raise _Malformed
    return TokenBody(key_id, issued_minute, token)


def _parse_entries(reader: "_Reader") -> dict[AggregateKey, Version]:
    entries: dict[AggregateKey, Version] = {}
    previous = (-1, "")
    for _ in range(reader.varint(below=MAX_ENTRIES + 1)):
        type_and_length = reader.varint(below=len(TYPE_CODES) << 6)
        code, id_length = type_and_length >> 6, (type_and_length & 0b11_1111) + 1
        aggregate_id = reader.take(id_length).decode("latin-1")
        at = Version(reader.varint(below=_VERSION_LIMIT), reader.varint(below=_VERSION_LIMIT))
        if not is_id(aggregate_id) or (code, aggregate_id) <= previous or at.number < 1:
            raise _Malformed
        previous = (code, aggregate_id)
        entries[AggregateKey(_TYPES[code], aggregate_id)] = at
    return entries


def _parse_marks(reader: "_Reader") -> dict[AggregateType, int]:
    marks: dict[AggregateType, int] = {}
    previous = -1
    for _ in range(reader.varint(below=len(TYPE_CODES) + 1)):
        code = reader.varint(below=len(TYPE_CODES))
        if code <= previous:
            raise _Malformed
        previous = code
        marks[_TYPES[code]] = reader.varint(below=_MINUTE_LIMIT)
    if not marks:  # "an empty section" would be a second spelling of "no section"
        raise _Malformed
    return marks


class _Reader:
    """Bytes read once from front to back; every shortfall is `_Malformed`."""

    def __init__(self, body: bytes, *, at: int) -> None:
        self._body = body
        self._next = at

    @property
    def is_at_end(self) -> bool:
        return self._next == len(self._body)

    def take(self, count: int) -> bytes:
        taken = self._body[self._next : self._next + count]
        if len(taken) < count:
            raise _Malformed
        self._next += count
        return taken

    def varint(self, *, below: int) -> int:
        value = 0
        for shift in range(0, 56, 7):  # eight septets hold every number below _VERSION_LIMIT
            septet = self.take(1)[0]
            value |= (septet & 0x7F) << shift
            if septet <= 0x7F:
                is_minimal = septet != 0 or shift == 0
                if not is_minimal or value >= below:
                    raise _Malformed
                return value
        raise _Malformed
