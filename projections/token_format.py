"""The bytes inside a ``ct1`` token: what it says, without the proof of who wrote it.

The rule: one token value has one encoding, and nothing else is read. `parse_body` (in
`token_parsing.py`) accepts exactly the bytes `render_body` writes, so a token cannot be
respelt, and any other bytes cost little to refuse. Integers are unsigned LEB128 of the least
length ("varint").

    0x72 0xDD, then 0b01 and the key id (6 bits): base64url of this always begins ``ct1``
    flags           varint   which of the sections below follow; other bits: refused
    issued minute   varint   since the Unix epoch
    entry count     varint   0–32
      type and id   varint   type code × 64 + (id length − 1); entries ascend by code, then id
      id            1–64 ASCII characters
      epoch, number varint each
    bit 0: marks    varint   how many, 1 at least, as in every section
      type code, second      varint each; marks ascend by code
    bit 1: floor    varint   how many, 64 at most
      place         varint   partition × 8 + type code; places ascend by it, then by log
      log           4 bytes, big-endian
      offset, age   varint each; the age is in minutes before the token was issued
    bit 2: doubts   varint   how many
      entry, second varint each; the entry by its place among the entries, ascending
    bit 3: uncertain         how many, 8 at most
      type and id, id        as in an entry, ascending

The free flag bits are the room for further sections; a reader refuses a section it does not
know, because ignoring a demand would break it. Rejected: JSON or msgpack inside the text, which are
longer and have many spellings of one value.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from projections.token import ConsistencyToken, FloorKey
from projections.token_size import fits
from projections.versions import AggregateKey, AggregateType
from projections.views.aggregate import is_id

MAGIC: Final = b"\x72\xdd"
MAGIC_AND_KEY_BYTES: Final = 3
KEY_ID_COUNT: Final = 64
TYPE_CODES: Final = {AggregateType.ORDER: 0, AggregateType.CUSTOMER: 1, AggregateType.PRODUCT: 2}
"""Never renumbered or used again: tokens outlive a deployment. Below 8."""

TYPES: Final = {code: of for of, code in TYPE_CODES.items()}
VERSION_LIMIT: Final = 2**53  # the integers that JSON carries exactly
TIME_LIMIT: Final = 2**35  # seconds to the year 3058, minutes to 67,000: five bytes
PLACE_LIMIT: Final = 2**19  # 65,536 partitions
LOG_BYTES: Final = 4
MARKS_FLAG: Final = 0b0001
FLOOR_FLAG: Final = 0b0010
DOUBTS_FLAG: Final = 0b0100
UNCERTAIN_FLAG: Final = 0b1000
FLAGS_LIMIT: Final = 0b1_0000


class TokenBody(Struct, frozen=True):
    """What a sealed token says: which key signs it, when it was issued, what it demands.

    Nothing in the floor was seen after ``issued_minute``.
    """

    key_id: int
    issued_minute: int
    token: ConsistencyToken


def key_id_of(body: bytes) -> int | None:
    """The id of the key said to sign these bytes, 0–63; None when no such token begins this way."""
    if len(body) < MAGIC_AND_KEY_BYTES or not body.startswith(MAGIC) or body[2] >> 6 != 0b01:
        return None
    return body[2] & 0b11_1111


def render_body(body: TokenBody) -> bytes:
    """The one encoding of the body.

    Raises ValueError for what no token may say: more than fits, an id or a number out of range.
    """
    token = body.token
    if not fits(token):
        raise ValueError("token is over-full: `fit` it before it is sealed")
    if not 0 <= body.key_id < KEY_ID_COUNT:
        raise ValueError(f"key id {body.key_id} is not in 0–63")
    if not token.doubts.keys() <= token.entries.keys():
        raise ValueError("a doubt without its entry")
    out = bytearray(MAGIC)
    out.append(0b0100_0000 | body.key_id)
    _put(out, _flags_of(token))
    _put(out, body.issued_minute, below=TIME_LIMIT)
    keys = sorted(token.entries, key=key_order)
    _put_entries(out, keys, token)
    _put_sections(out, keys, body)
    return bytes(out)


def _flags_of(token: ConsistencyToken) -> int:
    """Which sections follow the entries: those that are not empty."""
    return (
        (MARKS_FLAG if token.marks else 0)
        | (FLOOR_FLAG if token.floor else 0)
        | (DOUBTS_FLAG if token.doubts else 0)
        | (UNCERTAIN_FLAG if token.uncertain else 0)
    )


def _code(aggregate_type: AggregateType) -> int:
    return TYPE_CODES[aggregate_type]


def key_order(key: AggregateKey) -> tuple[int, str]:
    """Entries and uncertain keys ascend by this."""
    return TYPE_CODES[key.type], key.id


def log_order(log: FloorKey) -> tuple[int, int]:
    """Parts of a floor ascend by this: their place, then their log."""
    return log.partition << 3 | _code(log.type), log.log


# Each writes to the end of the one body: every answer has a token, and to put pieces together
# afterwards costs more than what is in them.


def _put_entries(out: bytearray, keys: Sequence[AggregateKey], token: ConsistencyToken) -> None:
    _put(out, len(keys))
    for key in keys:
        at = token.entries[key]
        if at.number < 1:
            raise ValueError(f"version numbers begin at 1, not {at.number}")
        _put_key(out, key)
        _put(out, at.epoch)
        _put(out, at.number)


def _put_sections(out: bytearray, keys: Sequence[AggregateKey], body: TokenBody) -> None:
    token = body.token
    if token.marks:
        _put(out, len(token.marks))
        for of in sorted(token.marks, key=_code):
            _put(out, _code(of))
            _put(out, token.marks[of], below=TIME_LIMIT)
    if token.floor:
        _put(out, len(token.floor))
        for log in sorted(token.floor, key=log_order):
            _put_floor(out, log, body)
    if token.doubts:
        _put(out, len(token.doubts))
        for index, key in enumerate(keys):
            if key in token.doubts:
                _put(out, index)
                _put(out, token.doubts[key], below=TIME_LIMIT)
    if token.uncertain:
        _put(out, len(token.uncertain))
        for key in sorted(token.uncertain, key=key_order):
            _put_key(out, key)


def _put_floor(out: bytearray, log: FloorKey, body: TokenBody) -> None:
    seen = body.token.floor[log]
    place, log_id = log_order(log)
    if not 0 <= log_id < 1 << 8 * LOG_BYTES:
        raise ValueError(f"{log_id} is not the identity of a log")
    _put(out, place, below=PLACE_LIMIT)
    out += log_id.to_bytes(LOG_BYTES)
    _put(out, seen.offset)
    _put(out, body.issued_minute - seen.minute, below=TIME_LIMIT)


def _put_key(out: bytearray, key: AggregateKey) -> None:
    if not is_id(key.id):
        raise ValueError(f"{key.id!r} is not an id")
    _put(out, TYPE_CODES[key.type] << 6 | len(key.id) - 1)
    out += key.id.encode("ascii")


def _put(out: bytearray, value: int, *, below: int = VERSION_LIMIT) -> None:
    """One varint."""
    if not 0 <= value < below:
        raise ValueError(f"{value} is not in 0–{below - 1}")
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
