"""Frames of WebSocket (RFC 6455), as a client may send them and as a gateway does. Pure."""

import json
import struct
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from tests.attacks.corpus.attack import OK

CONTINUATION: Final = 0
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

MASK: Final = b"\x00\x00\x00\x00"
"""Masks nothing, so what is sent can be read."""

LAST_WORDS: Final = ("error", "complete", "pong")

NORMAL: Final = struct.pack("!H", 1000)


class Frame(NamedTuple):
    """One that has come."""

    opcode: int
    payload: bytes


def frame(
    payload: bytes = b"",
    opcode: int = TEXT,
    *,
    is_final: bool = True,
    reserved: int = 0,
    is_masked: bool = True,
    said_length: int | None = None,
) -> bytes:
    """One of a client; ``said_length`` is what it claims its payload to have."""
    length = len(payload) if said_length is None else said_length
    head = bytes([is_final << 7 | reserved << 4 | opcode])
    masked = is_masked << 7
    if length < 126:
        head += bytes([masked | length])
    elif length < 65_536:
        head += bytes([masked | 126]) + struct.pack("!H", length)
    else:
        head += bytes([masked | 127]) + struct.pack("!Q", length)
    return head + (MASK if is_masked else b"") + payload


def message(**members: object) -> bytes:
    """A message of graphql-transport-ws."""
    return frame(json.dumps(members).encode())


def farewell() -> bytes:
    """The client's own end."""
    return frame(NORMAL, CLOSE)


def frames_in(text: bytes) -> Iterator[Frame]:
    """Those of a gateway that have come whole."""
    while len(text) >= 2:
        length, at = text[1] & 127, 2
        if length == 126:
            length, at = int.from_bytes(text[2:4]), 4
        elif length == 127:
            length, at = int.from_bytes(text[2:10]), 10
        if len(text) < at + length:
            return
        yield Frame(text[0] & 15, text[at : at + length])
        text = text[at + length :]


def codes_in(text: bytes) -> set[str]:
    """What these frames say went wrong: codes of errors, and the number that closes the socket."""
    codes = set[str]()
    for opcode, payload in frames_in(text):
        if opcode == CLOSE:
            codes.add(str(int.from_bytes(payload[:2])))
        elif opcode == TEXT:
            codes |= _codes_of(json.loads(payload)) or {OK}
    return codes - {OK} or codes


def is_closed(text: bytes) -> bool:
    """Has the gateway closed the socket?"""
    return any(opcode == CLOSE for opcode, _ in frames_in(text))


def is_answered(text: bytes) -> bool:
    """Has it said the last word of an operation, or that it is there?"""
    return any(
        opcode == CLOSE or (opcode == TEXT and json.loads(payload).get("type") in LAST_WORDS)
        for opcode, payload in frames_in(text)
    )


def _codes_of(said: dict[str, Any]) -> set[str]:
    payload = said.get("payload")
    errors = payload.get("errors", ()) if isinstance(payload, dict) else payload or ()
    return {str(error.get("extensions", {}).get("code")) for error in errors}
