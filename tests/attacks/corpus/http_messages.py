"""HTTP as no client of ours speaks it: smuggled, endless, malformed, or something else."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote_from_bytes

from tests.attacks.corpus.attack import BAD_REQUEST, CLOSED, HOST, OK, Attack, posted, raw

GOOD: Final = b'{"query": "{ __typename }"}'
SHUT: Final = (CLOSED, BAD_REQUEST, "HEAD_TOO_LARGE")
"""What is no HTTP is told so, or cut off."""

LENGTH: Final = f"Content-Length: {len(GOOD)}\r\n"
CANCELLING: Final = b'mutation { cancelOrder(input: {id: "o-1"}) { userErrors { code } } }'
KIND: Final = "Content-Type: application/json\r\n"


def http_messages() -> Iterator[Attack]:
    """All of them."""
    yield from _methods()
    yield from _smuggled()
    yield from _endless()
    yield from _malformed()
    yield from _negotiated()


def _head(lines: str, body: bytes = GOOD) -> bytes:
    return f"POST /graphql HTTP/1.1\r\n{HOST}{lines}\r\n".encode("latin-1") + body


def _methods() -> Iterator[Attack]:
    for method in ("PUT", "DELETE", "PATCH", "TRACE"):
        sent = f"{method} /graphql HTTP/1.1\r\n{HOST}Content-Length: 0\r\n\r\n".encode()
        yield raw(f"method: {method}", sent, BAD_REQUEST)
    yield raw("method: CONNECT", b"CONNECT shop:443 HTTP/1.1\r\nHost: shop\r\n\r\n", *SHUT)
    yield raw("method: of ours alone", b"BREW /graphql HTTP/1.1\r\nHost: a\r\n\r\n", *SHUT)
    mutation = b"/graphql?query=" + quote_from_bytes(CANCELLING).encode()
    yield raw(
        "a mutation by GET", b"GET " + mutation + b" HTTP/1.1\r\nHost: a\r\n\r\n", BAD_REQUEST
    )
    yield raw("GET without a query", b"GET /graphql?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", BAD_REQUEST)
    many = b"&".join(b"a%d=1" % i for i in range(2_000))
    yield raw(
        "GET with 2,000 parameters",
        b"GET /graphql?" + many + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        BAD_REQUEST,
    )
    yield raw(
        "GET with broken escapes",
        b"GET /graphql?query=%ZZ%FF%00 HTTP/1.1\r\nHost: a\r\n\r\n",
        BAD_REQUEST,
        "GRAPHQL_PARSE_FAILED",
    )


def _smuggled() -> Iterator[Attack]:
    chunked = b"0\r\n\r\nGET /admin HTTP/1.1\r\nHost: a\r\n\r\n"
    both = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
    yield raw("a length and chunks", _head(KIND + both, chunked), *SHUT)
    twice = "Content-Length: 5\r\nContent-Length: 6\r\n"
    yield raw("two lengths", _head(KIND + twice), *SHUT)
    yield raw("a negative length", _head(KIND + "Content-Length: -1\r\n"), *SHUT)
    yield raw("a length of letters", _head(KIND + "Content-Length: ten\r\n"), *SHUT)
    yield raw("a length beyond all", _head(KIND + f"Content-Length: {'9' * 30}\r\n"), *SHUT)
    yield raw("an encoding of its own", _head(KIND + "Transfer-Encoding: cow\r\n"), *SHUT)
    yield raw(
        "chunks of another kind",
        _head(KIND + "Transfer-Encoding: chunked, cow\r\n"),
        *SHUT,
        BAD_REQUEST,
    )
    yield raw(
        "chunks of no number",
        _head(KIND + "Transfer-Encoding: chunked\r\n", b"xyz\r\n"),
        *SHUT,
        BAD_REQUEST,
    )
    endless = b"F" * 40 + b"\r\n"
    yield raw(
        "a chunk beyond all",
        _head(KIND + "Transfer-Encoding: chunked\r\n", endless),
        *SHUT,
        BAD_REQUEST,
        "BODY_TOO_LARGE",
    )
    yield raw("a folded header", _head(KIND + "X-A: 1\r\n 2\r\n" + LENGTH), *SHUT, OK)
    yield raw("a space before the colon", _head(KIND + "Content-Length : 5\r\n"), *SHUT)
    yield raw("only line feeds", _head(KIND + LENGTH).replace(b"\r\n", b"\n"), *SHUT, OK)


def _endless() -> Iterator[Attack]:
    large = b"x" * (2 * 1024 * 1024)
    yield posted("a body of two megabytes", large, "BODY_TOO_LARGE", *SHUT)
    piece = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    yield raw(
        "chunks without end",
        _head(KIND + "Transfer-Encoding: chunked\r\n", piece * 40),
        "BODY_TOO_LARGE",
        *SHUT,
    )
    tiny = b"1\r\n \r\n" * 40_000
    yield raw(
        "chunks of one byte",
        _head(KIND + "Transfer-Encoding: chunked\r\n", tiny + b"0\r\n\r\n"),
        BAD_REQUEST,
    )
    extension = b"1;" + b"x" * 200_000 + b"\r\n \r\n0\r\n\r\n"
    yield raw(
        "a chunk that talks",
        _head(KIND + "Transfer-Encoding: chunked\r\n", extension),
        *SHUT,
        BAD_REQUEST,
    )
    yield raw("a header of 300 KB", _head(f"X-A: {'x' * 300_000}\r\n{KIND}{LENGTH}"), *SHUT)
    many = "".join(f"X-{i}: 1\r\n" for i in range(20_000))
    yield raw("twenty thousand headers", _head(f"{many}{KIND}{LENGTH}"), *SHUT)
    yield raw(
        "an address of 300 KB",
        b"GET /graphql?query=" + b"x" * 300_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        *SHUT,
    )
    yield raw(
        "a cookie of 60 KB",
        _head(f"Cookie: bff-consistency={'x' * 60_000}\r\n{KIND}{LENGTH}"),
        OK,
        *SHUT,
    )
    cookies = "; ".join(f"bff-consistency.{i}=x" for i in range(3_000))
    yield raw("three thousand cookies", _head(f"Cookie: {cookies}\r\n{KIND}{LENGTH}"), OK, *SHUT)


def _malformed() -> Iterator[Attack]:
    yield raw("not HTTP", b"\x00\x01\x02\x03\r\n\r\n", *SHUT)
    yield raw("a greeting of TLS", bytes.fromhex("16030100a5010000a10303") + b"\x00" * 160, *SHUT)
    yield raw("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", *SHUT)
    yield raw("HTTP/0.9", b"GET /graphql\r\n\r\n", *SHUT)
    yield raw("HTTP/9.9", b"GET /graphql HTTP/9.9\r\nHost: a\r\n\r\n", *SHUT)
    yield raw("a mail", b"EHLO shop.example\r\nMAIL FROM:<a@b>\r\n", *SHUT)
    yield raw("a NUL in a header", _head(KIND + "X-A: \x00\r\n" + LENGTH), *SHUT, OK)
    yield raw("a NUL in the address", b"GET /graphql\x00 HTTP/1.1\r\nHost: a\r\n\r\n", *SHUT)
    yield raw("no colon", _head("nonsense\r\n"), *SHUT)
    yield raw("an empty name", _head(": 1\r\n" + KIND + LENGTH), *SHUT)


def _negotiated() -> Iterator[Attack]:
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ):
        yield posted(f"sent as {kind}", GOOD, BAD_REQUEST, content_type=kind)
    yield posted("sent as nothing", GOOD, BAD_REQUEST, content_type=None)
    yield posted("sent as much", GOOD, BAD_REQUEST, content_type="a/" + "b" * 5_000)
    accept = "Accept: " + ",".join(f"a/{i};q=0.{i}" for i in range(500)) + "\r\n"
    yield posted("accepts much", GOOD, "NOT_ACCEPTABLE", headers=accept)
    yield posted("accepts garbage", GOOD, "NOT_ACCEPTABLE", headers="Accept: ;;;,,,;q=,q=9;q=0\r\n")
    yield posted("a compressed body", GOOD, BAD_REQUEST, headers="Content-Encoding: gzip\r\n")
