"""WebSockets: handshakes that are none, frames that break the rules, messages without end."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tests.attacks.corpus.attack import (
    BAD_REQUEST,
    BAD_USER_INPUT,
    CLOSED,
    HOST,
    OK,
    PARSE,
    TOO_LARGE,
    VALIDATION,
    Attack,
)
from tests.attacks.corpus.forged import by_hand, claims, good_bearer
from tests.attacks.corpus.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    farewell,
    frame,
    message,
)

UPGRADE: Final = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
VERSION: Final = "Sec-WebSocket-Version: 13\r\n"
KEY: Final = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
SPOKEN: Final = "Sec-WebSocket-Protocol: graphql-transport-ws\r\n"
HANDSHAKE: Final = UPGRADE + VERSION + KEY + SPOKEN

INIT: Final = message(type="connection_init")
THERE: Final = message(type="ping")
"""Answered when all before it has been read."""
QUERY: Final = '{ product(id: "p-1") { name } }'
FOLLOW: Final = 'subscription { orderChanged(id: "o-1") { id } }'

NORMAL: Final = "1000"
BROKEN: Final = "1002"
NO_TEXT: Final = "1007"
POLICY: Final = "1008"
TOO_BIG: Final = "1009"
BAD_MESSAGE: Final = "4400"
UNAUTHORIZED: Final = "4401"
TWICE: Final = "4409"


def sockets() -> Iterator[Attack]:
    """All of them."""
    yield from _handshakes()
    yield from _frames()
    yield from _pieces()
    yield from _garbage()
    yield from _order()
    yield from _floods()
    yield from _operations()
    yield from _identities()


def shaken(
    name: str, headers: str, *codes: str, target: str = "/graphql", method: str = "GET"
) -> Attack:
    """A handshake of these headers, and a polite end."""
    sent = f"{method} {target} HTTP/1.1\r\n{HOST}{headers}\r\n".encode("latin-1")
    return Attack(name, sent, frozenset(codes), farewell())


def opened(name: str, then: bytes, *codes: str, headers: str = "") -> Attack:
    """A socket over which these bytes are sent, to be answered or closed."""
    sent = f"GET /graphql HTTP/1.1\r\n{HOST}{HANDSHAKE}{headers}\r\n".encode("latin-1")
    return Attack(name, sent, frozenset(codes), then)


def closed(name: str, then: bytes, *codes: str, headers: str = "") -> Attack:
    """The same, to be closed whatever is answered before."""
    return replace(opened(name, then, *codes, headers=headers), is_heard_out=True)


def _handshakes() -> Iterator[Attack]:
    plain = UPGRADE + VERSION + KEY
    yield shaken("socket: no subprotocol", plain, "4406")
    legacy = "Sec-WebSocket-Protocol: graphql-ws\r\n"
    yield shaken("socket: the legacy subprotocol", plain + legacy, "4406")
    many = f"Sec-WebSocket-Protocol: {','.join(f'p{i}' for i in range(900))}\r\n"
    yield shaken("socket: nine hundred subprotocols", plain + many, "4406")
    yield shaken("socket: no key", UPGRADE + VERSION + SPOKEN, CLOSED)
    for key in ("x", "", "!" * 24, "A" * 5_000, "dGhlIHNhbXBsZSBub25jZQ==\r\n" + KEY[:-2]):
        header = f"Sec-WebSocket-Key: {key}\r\n"
        yield shaken(f"socket: key {key[:8]!r}", UPGRADE + VERSION + SPOKEN + header, CLOSED)
    for version in ("", "8", "14", "thirteen", "13\r\nSec-WebSocket-Version: 8"):
        header = f"Sec-WebSocket-Version: {version}\r\n"
        yield shaken(f"socket: version {version!r}", UPGRADE + KEY + SPOKEN + header, CLOSED)
    yield shaken("socket: by POST", HANDSHAKE, CLOSED, BAD_REQUEST, method="POST")
    body = shaken("socket: with a body", HANDSHAKE + "Content-Length: 5\r\n", CLOSED, NORMAL)
    yield replace(body, sent=body.sent + b"12345")
    long = HANDSHAKE + f"X-A: {'x' * 9_000}\r\n"
    yield shaken("socket: a header of 9 kB", long, CLOSED, NORMAL)
    headers = HANDSHAKE + "".join(f"X-{i}: 1\r\n" for i in range(90))
    yield shaken("socket: ninety headers", headers, CLOSED, NORMAL)
    headers = HANDSHAKE + "".join(f"X-{i}: 1\r\n" for i in range(150))
    yield shaken("socket: 150 headers", headers, CLOSED, "HEAD_TOO_LARGE")
    yield shaken("socket: high bytes in a header", HANDSHAKE + "X-A: \xff\xfe\r\n", NORMAL, CLOSED)
    for target in ("/", "/livez", "/graphql/../metrics", "/graphql%00", "//graphql", "*"):
        yield shaken(f"socket: to {target}", HANDSHAKE, CLOSED, BAD_REQUEST, target=target)
    for target in ("/graphql?\xff\xfe", "/graphql?" + "x" * 9_000, "/gr\xe4phql"):
        codes = (CLOSED, BAD_REQUEST, NORMAL)
        yield shaken(f"socket: to {target[:12]!r}", HANDSHAKE, *codes, target=target)
    deflate = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99\r\n"
    yield shaken("socket: an extension", HANDSHAKE + deflate, NORMAL, CLOSED)
    extensions = f"Sec-WebSocket-Extensions: {', '.join('permessage-deflate' for _ in range(400))}"
    yield shaken("socket: many extensions", f"{HANDSHAKE}{extensions}\r\n", NORMAL, CLOSED)
    for origin in ("https://evil.example", "null", "https://shop.example.evil.example", "x" * 900):
        headers = f"{HANDSHAKE}Origin: {origin}\r\n"
        yield shaken(f"socket: from {origin[:34]}", headers, "CROSS_SITE_REFUSED")


def _frames() -> Iterator[Attack]:
    yield closed("frame: not masked", frame(b"{}", is_masked=False), BROKEN)
    for bit in (1, 2, 4):
        yield closed(f"frame: reserved bit {bit}", frame(b"{}", reserved=bit), BROKEN)
    for opcode in (3, 7, 11, 15):
        yield closed(f"frame: opcode {opcode}", frame(b"", opcode), BROKEN)
    for name, opcode in {"ping": PING, "pong": PONG, "close": CLOSE}.items():
        yield closed(f"frame: a {name} of 200 bytes", frame(b"x" * 200, opcode), BROKEN)
        yield closed(f"frame: a {name} in pieces", frame(b"", opcode, is_final=False), BROKEN)
    yield closed("frame: a length beyond all", frame(b"", said_length=2**62), TOO_BIG, BROKEN)
    yield closed("frame: a negative length", frame(b"", said_length=2**63 + 1), TOO_BIG, BROKEN)
    yield closed("frame: a megabyte", frame(b" " * 1_000_000), TOO_BIG)
    yield closed("frame: a byte too many", frame(b" " * 65_537), TOO_BIG)
    yield closed("frame: HTTP instead", b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", BROKEN)
    yield closed("frame: close with half a code", frame(b"\x03", CLOSE), BROKEN)
    for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 65_535):
        closing = frame(code.to_bytes(2), CLOSE)
        yield closed(f"frame: close with {code}", closing, BROKEN, str(code))
    yield closed("frame: close with no UTF-8", frame(b"\x03\xe8\xff", CLOSE), BROKEN, NO_TEXT)
    yield closed("frame: more after the close", farewell() + INIT * 50, NORMAL)


def _pieces() -> Iterator[Attack]:
    end = frame(b"", CONTINUATION)
    piece = frame(b" ", CONTINUATION, is_final=False)
    yield closed("pieces: of nothing", end, BROKEN)
    begun = frame(b"{", is_final=False)
    yield closed("pieces: a text within a text", begun + begun, BROKEN)
    yield closed("pieces: of one byte", begun + piece * 30_000, POLICY, TOO_BIG)
    empty = frame(b"", CONTINUATION, is_final=False)
    yield closed("pieces: of no byte", begun + empty * 30_000, POLICY)
    half = frame(b"x" * 40_000, CONTINUATION, is_final=False)
    yield closed("pieces: too large together", begun + half * 3, TOO_BIG)
    pinged = begun + frame(b"", PING) * 50 + frame(b"}", CONTINUATION)
    yield closed("pieces: with pings between", pinged, BAD_MESSAGE)
    cut = frame(b'{"type":"\xe2', is_final=False) + frame(b'\x82"}', CONTINUATION)
    yield closed("pieces: of a character", cut, NO_TEXT)


def _garbage() -> Iterator[Attack]:
    for name, text in {
        "nothing": b"",
        "no JSON": b"garbage",
        "null": b"null",
        "a list": b"[]",
        "a number": b"1" * 5_000,
        "deep": b"[" * 60_000,
        "deep objects": b'{"a":' * 12_000,
        "no type": b"{}",
        "another type": b'{"type":"start","id":"1"}',
        "type a list": b'{"type":["subscribe"]}',
        "an init that is a text": b'{"type":"connection_init","payload":"x"}',
        "half a surrogate": b'{"type":"\\ud800"}',
        "NaN": b'{"type":"ping","payload":{"a":NaN}}',
        "spaces": b" " * 65_000,
    }.items():
        yield closed(f"message: {name}", frame(text), BAD_MESSAGE)
    yield closed("message: no UTF-8", frame(b'{"type":"\xff"}'), NO_TEXT)
    yield closed("message: a surrogate in UTF-8", frame(b"\xed\xa0\x80"), NO_TEXT)
    yield closed("message: bytes", frame(b'{"type":"connection_init"}', BINARY), BAD_MESSAGE)
    known = INIT + frame(b'{"type":"ping","payload":' + b'{"a":' * 900 + b"1" + b"}" * 901)
    yield closed("message: a deep ping", known, BAD_MESSAGE)


def subscribe(query: str, operation: str = "1", **more: object) -> bytes:
    """An operation under this id."""
    return message(type="subscribe", id=operation, payload={"query": query, **more})


def _order() -> Iterator[Attack]:
    yield closed("order: nothing but an end", farewell(), NORMAL)
    yield closed("order: subscribes first", subscribe(QUERY), UNAUTHORIZED)
    yield closed("order: two beginnings", INIT * 2, "4429")
    twice = INIT + subscribe(FOLLOW) * 2
    yield closed("order: one id twice", twice, TWICE)
    pictures = INIT + subscribe(FOLLOW, "\U0001f600" * 128) * 2
    yield closed("order: one id of pictures twice", pictures, TWICE)
    for name, operation in {
        "empty": "",
        "of 64 kB": "x" * 60_000,
        "of 129 letters": "x" * 129,
        "a number": 1,
        "an object": {"a": 1},
    }.items():
        said = message(type="subscribe", id=operation, payload={"query": QUERY})
        yield closed(f"order: an id {name}", INIT + said, BAD_MESSAGE)
    odd = message(type="complete", id="never begun") * 50
    yield opened("order: ends what never began", INIT + odd + THERE, OK)


def _floods() -> Iterator[Attack]:
    gone = INIT + farewell()
    yield closed("order: ends before it is welcome", gone, NORMAL)
    yield closed("flood: pings", frame(b"", PING) * 20_000, POLICY)
    yield closed("flood: pongs", frame(b"x" * 125, PONG) * 5_000, POLICY)
    yield closed("flood: messages", INIT + message(type="ping") * 5_000, POLICY)
    yield closed("flood: signs of life", INIT + message(type="pong") * 5_000, POLICY)
    many = b"".join(subscribe(FOLLOW, str(i)) for i in range(3_000))
    codes = (POLICY, "TOO_MANY_SUBSCRIPTIONS", "OVERLOADED")
    yield closed("flood: three thousand subscriptions", INIT + many, *codes)
    few = b"".join(subscribe(FOLLOW, str(i)) for i in range(150))
    yield opened("flood: 150 subscriptions", INIT + few + THERE, OK, *codes)
    ended = b"".join(
        subscribe(FOLLOW, str(i)) + message(type="complete", id=str(i)) for i in range(90)
    )
    yield opened("flood: begun and ended", INIT + ended + THERE, OK)
    yield closed("flood: empty messages", frame(b"") * 10_000, BAD_MESSAGE, POLICY)
    yield closed("flood: empty bytes", frame(b"", BINARY) * 10_000, BAD_MESSAGE, POLICY)


def _operations() -> Iterator[Attack]:
    deep = "{ a " * 450 + "}" * 450
    doubling = " ".join(f"fragment f{i} on Order {{ ...f{i + 1} ...f{i + 1} }}" for i in range(25))
    bomb = f'{{ order(id: "o-1") {{ ...f0 }} }} {doubling} fragment f25 on Order {{ id }}'
    follow = "subscription($id: ID!) { orderChanged(id: $id) { id } }"
    nest: object = 1
    for _ in range(300):
        nest = [nest]
    for name, said, codes in (
        ("nested", subscribe(deep), {TOO_LARGE}),
        ("doubling", subscribe(bomb), {TOO_LARGE}),
        ("commas", subscribe("," * 60_000), {TOO_LARGE, PARSE}),
        ("no document", subscribe("{"), {PARSE}),
        ("blank", subscribe("  "), {BAD_REQUEST}),
        ("unknown fields", subscribe("{ " + "x " * 300 + "}"), {VALIDATION, TOO_LARGE}),
        ("introspection", subscribe("{ __schema { types { name } } }"), {VALIDATION}),
        ("two roots", subscribe(f'{FOLLOW[:-1]} b: orderChanged(id: "x") {{ id }} }}'), VALIDATION),
        ("variables a list", subscribe(QUERY, variables=[1]), {BAD_REQUEST}),
        ("deep variables", subscribe(follow, variables={"id": nest}), {BAD_MESSAGE}),
        ("wide variables", subscribe(follow, variables={"id": [1] * 9_000}), {BAD_MESSAGE}),
        ("a strange id", subscribe(follow, variables={"id": "../x"}), {BAD_USER_INPUT}),
        ("no variable", subscribe(follow), {VALIDATION, BAD_USER_INPUT}),
        ("a token of garbage", subscribe(FOLLOW.replace('"o-1"', '"o-1", after: "x"')), None),
        ("extensions a list", subscribe(QUERY, extensions=[]), {BAD_REQUEST}),
    ):
        allowed = {VALIDATION, "INVALID_CONSISTENCY_TOKEN"} if codes is None else codes
        told = {allowed} if isinstance(allowed, str) else allowed
        yield opened(f"operation: {name}", INIT + said, *told)
    yield opened("operation: a query", INIT + subscribe(QUERY), OK)


def _identities() -> Iterator[Attack]:
    none = by_hand({"alg": "none"}, claims())
    for name, token in {"alg none": none, "garbage": "x", "oversize": "x" * 30_000}.items():
        said = message(type="connection_init", payload={"Authorization": f"Bearer {token}"})
        yield closed(f"socket: identity {name}", said, UNAUTHORIZED)
    said = message(type="connection_init", payload={"Authorization": "Bearer \u20ac\r\nX-A: 1"})
    yield closed("socket: identity of strange letters", said, UNAUTHORIZED)
    both = message(type="connection_init", payload={"Authorization": "Bearer x"})
    yield closed("socket: a good identity, then a bad", both, UNAUTHORIZED, headers=good_bearer())
    others = 'subscription { customerOrdersChanged(customerId: "c-32") { id } }'
    hers = good_bearer()
    yield opened("socket: follows another", INIT + subscribe(others), "FORBIDDEN", headers=hers)
