"""The messages of graphql-transport-ws: what a client may say, and what it is answered. Pure.

The protocol is that of the npm package `graphql-ws`, in its PROTOCOL.md.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

import orjson

from gateway.errors import Json, RequestRefused
from gateway.request import GraphQLRequest, request_from
from gateway.web.json_bodies import read_json

SUBPROTOCOL: Final = "graphql-transport-ws"

ID_LIMIT: Final = 128
"""Characters of an operation's id; clients count, or draw a UUID."""

NAMED: Final = frozenset(("query", "documentId", "extensions"))
"""Where a request may say which document it means: by its text, its id or its hash."""


class CloseCode(IntEnum):
    """Why a socket is closed; clients come back after some of them, and not after others."""

    GOING_AWAY = 1001
    NO_TEXT = 1007
    POLICY = 1008
    INTERNAL = 1011
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    EXPIRED = 4403
    WRONG_SUBPROTOCOL = 4406
    INIT_TIMEOUT = 4408
    DUPLICATE_ID = 4409
    TOO_MANY_INITS = 4429


REASON_BYTES: Final = 123
"""What has room beside the code in a frame that closes (RFC 6455, 5.5)."""


class SocketClosed(Exception):
    """The socket is to be closed with this code; the text is told to the client, as far as it fits.

    >>> str(SocketClosed(CloseCode.POLICY, "é" * 100)) == "é" * 61
    True
    """

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason.encode()[:REASON_BYTES].decode(errors="ignore"))
        self.code = code


@dataclass(frozen=True, slots=True)
class Init:
    """The first message: who it is."""

    payload: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Begin an operation, of any kind, under this id."""

    id: str
    payload: object

    def request(self) -> GraphQLRequest:
        """What it asks. Raises `RequestRefused` as a POST of the same would be."""
        return request_from(self.payload)


@dataclass(frozen=True, slots=True)
class Complete:
    """End an operation."""

    id: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there? To be answered with a pong."""


@dataclass(frozen=True, slots=True)
class Pong:
    """An answer, or a sign of life that nobody asked for."""


ClientMessage = Init | Subscribe | Complete | Ping | Pong


def parse_message(text: str | None) -> ClientMessage:
    """What a client says; None is what came as bytes. Raises `SocketClosed` if it is nothing."""
    try:
        said = None if text is None else read_json(text.encode(), "a message")
    except RequestRefused as refused:
        raise _bad(str(refused)) from refused
    if not isinstance(said, dict):
        raise _bad("a message is a JSON object, as text")
    payload = said.get("payload")
    match said.get("type"):
        case "connection_init" if payload is None or isinstance(payload, dict):
            return Init(payload or {})
        case "subscribe" if isinstance(payload, dict) and not NAMED.isdisjoint(payload):
            return Subscribe(_id(said), payload)
        case "complete":
            return Complete(_id(said))
        case "ping" if payload is None or isinstance(payload, dict):
            return Ping()
        case "pong" if payload is None or isinstance(payload, dict):
            return Pong()
        case _:
            raise _bad("not a message of graphql-transport-ws")


def _id(said: Json) -> str:
    given = said.get("id")
    if not isinstance(given, str) or not 0 < len(given) <= ID_LIMIT:
        raise _bad(f"an operation has an id of 1 to {ID_LIMIT} characters")
    return given


def _bad(reason: str) -> SocketClosed:
    return SocketClosed(CloseCode.BAD_MESSAGE, reason)


ACK: Final = '{"type":"connection_ack"}'
PONG: Final = '{"type":"pong"}'


class Words:
    """What is said of one operation, whose id is written once."""

    __slots__ = ("_id",)

    def __init__(self, operation_id: str) -> None:
        self._id = orjson.dumps(operation_id)

    def next(self, payload: bytes) -> str:
        """One result."""
        return (b'{"id":%b,"type":"next","payload":%b}' % (self._id, payload)).decode()

    def error(self, errors: object) -> str:
        """It was not run; nothing follows."""
        told = orjson.dumps(errors)
        return (b'{"id":%b,"type":"error","payload":%b}' % (self._id, told)).decode()

    def complete(self) -> str:
        """Nothing follows."""
        return (b'{"id":%b,"type":"complete"}' % self._id).decode()
