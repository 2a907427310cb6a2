"""What is carried along: origins, hosts, proxies, encodings; requests hidden in one another."""

from collections.abc import Iterator
from typing import Final

from tests.attacks.corpus.attack import (
    BAD_REQUEST,
    CLOSED,
    HOST,
    OK,
    SMUGGLED,
    Attack,
    asked,
    got,
    heard_out,
    posted,
    raw,
)

GOOD: Final = b'{"query": "{ __typename }"}'
QUERY: Final = '{ product(id: "p-1") { name } }'
TARGET: Final = "/graphql?query={__typename}"
FOREIGN: Final = "CROSS_SITE_REFUSED"
ORIGINS: Final = (
    "https://evil.example",
    "null",
    "http://shop.example.evil.example",
    "https://evil.example#https://shop.example",
    "https://shop.example@evil.example",
    "https://shop.example:444",
    "file://",
    "x" * 5_000,
)
HIDDEN: Final = f"GET {TARGET} HTTP/1.1\r\n{HOST}X-Request-Id: {SMUGGLED.decode()}\r\n\r\n".encode()
"""A request that is never to be answered."""


def carried() -> Iterator[Attack]:
    """All of them."""
    yield from _origins()
    yield from _hosts()
    yield from _proxies()
    yield from _encodings()
    yield from _hidden()
    yield from _pipelined()
    yield from _paths()


def _origins() -> Iterator[Attack]:
    for origin in ORIGINS:
        header = f"Origin: {origin}\r\n"
        yield got(f"origin: GET from {origin[:50]}", TARGET, FOREIGN, headers=header)
        ask = f"{header}Access-Control-Request-Method: POST\r\n"
        sent = f"OPTIONS /graphql HTTP/1.1\r\n{HOST}{ask}\r\n".encode()
        yield raw(f"origin: preflight from {origin[:50]}", sent, FOREIGN)
    yield got("origin: an image", TARGET, FOREIGN, headers="Sec-Fetch-Site: cross-site\r\n")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        for origin in ("https://evil.example", "null"):
            header = f"Origin: {origin}\r\n"
            name = f"origin: {kind} from {origin}"
            yield posted(name, GOOD, BAD_REQUEST, content_type=kind, headers=header)
    hidden = "text/plain; application/json"
    yield posted("origin: JSON as a parameter", GOOD, BAD_REQUEST, content_type=hidden)
    twice = "Content-Type: text/plain\r\n"
    yield posted("origin: two content types", GOOD, BAD_REQUEST, headers=twice)
    two = "Origin: https://evil.example\r\nOrigin: https://shop.example\r\n"
    yield got("origin: two of them", TARGET, FOREIGN, headers=two)
    names = f"Origin: https://shop.example\r\nAccess-Control-Request-Headers: {'x,' * 5_000}\r\n"
    sent = f"OPTIONS /graphql HTTP/1.1\r\n{HOST}{names}\r\n".encode()
    yield raw("origin: asks for much", sent, OK)


def _hosts() -> Iterator[Attack]:
    for host in ("evil.example", "a" * 5_000, "[::1", "a:99999", "a/b", "a@b", "a\tb", "<b>", ""):
        name = f"host: {host[:20]!r}"
        yield got(name, TARGET, OK, BAD_REQUEST, CLOSED, host=f"Host: {host}\r\n")
    two = "Host: shop.example\r\nHost: evil.example\r\n"
    yield got("host: two", TARGET, BAD_REQUEST, CLOSED, host=two)
    yield got("host: none", TARGET, BAD_REQUEST, CLOSED, host="")
    absolute = f"http://evil.example{TARGET}"
    yield got("host: another in the address", absolute, OK, BAD_REQUEST, CLOSED)
    evil = "Host: evil.example\r\n"
    yield got("host: of a path with a slash more", "/graphql/", CLOSED, host=evil)
    forwarded = "X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: gopher\r\n"
    yield got("host: forwarded", TARGET, OK, headers=forwarded)


def _proxies() -> Iterator[Attack]:
    for value in (
        "127.0.0.1",
        "192.0.2.1",
        "::ffff:192.0.2.1",
        "[::1]:80",
        "' OR 1=1",
        ",".join(["192.0.2.1"] * 2_000),
        "\xff\xfe",
    ):
        header = f"X-Forwarded-For: {value}\r\nForwarded: for={value[:50]}\r\n"
        yield asked(f"forwarded for {value[:16]!r}", QUERY, OK, headers=header)
    many = "".join(f"X-Forwarded-For: 192.0.2.{i}\r\n" for i in range(80))
    yield asked("forwarded for in eighty headers", QUERY, OK, headers=many)


def _encodings() -> Iterator[Attack]:
    for name, value in {
        "much": ", ".join(f"e{i};q=0.{i}" for i in range(2_000)),
        "gzip a thousand times": ",".join(["gzip"] * 5_000),
        "semicolons": "gzip" + ";" * 30_000,
        "weights": "gzip" + ";q=1" * 7_000,
        "no number": "gzip;q=NaN, *;q=inf",
        "high bytes": "\xff\xfe",
        "a bomb": "br;q=1e999999, gzip;q=-1e999999",
    }.items():
        yield asked(f"accepts encoding: {name}", QUERY, OK, headers=f"Accept-Encoding: {value}\r\n")
    for name, value in {
        "semicolons": "application/json" + ";" * 30_000,
        "types": ",".join(["*/*"] * 7_000),
        "NaN": "application/json;q=NaN",
    }.items():
        codes = (OK, "NOT_ACCEPTABLE")
        yield asked(f"accepts: {name}", QUERY, *codes, headers=f"Accept: {value}\r\n")
    tags = ",".join(f'"{i}"' for i in range(5_000))
    yield got("five thousand validators", TARGET, OK, headers=f"If-None-Match: {tags[:30_000]}\r\n")
    state = f"traceparent: 00-{'1' * 32}-{'2' * 16}-01\r\ntracestate: {'a=b,' * 5_000}\r\n"
    yield asked("a long trace state", QUERY, OK, headers=state)


def _post(headers: str, body: bytes) -> bytes:
    kind = "Content-Type: application/json\r\n"
    return f"POST /graphql HTTP/1.1\r\n{HOST}{kind}{headers}\r\n".encode("latin-1") + body


def _hidden() -> Iterator[Attack]:
    """Each hides a request where a reader of another opinion would find one."""
    codes = (OK, CLOSED, BAD_REQUEST)
    length = f"Content-Length: {len(HIDDEN)}\r\n"
    whole = len(GOOD) + len(HIDDEN)
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD)
    for name, sent in {
        "in a body": _post(length, HIDDEN),
        "after JSON, in its body": _post(f"Content-Length: {whole}\r\n", GOOD + HIDDEN),
        "behind chunks, with a length": _post(
            f"Content-Length: {len(GOOD)}\r\nTransfer-Encoding: chunked\r\n", chunks + HIDDEN
        ),
        "behind chunks spelt oddly": _post(
            f"Content-Length: {whole}\r\nTransfer-Encoding: xchunked\r\n", GOOD + HIDDEN
        ),
        "behind chunks after a tab": _post(
            f"Content-Length: {whole}\r\nTransfer-Encoding:\tchunked\r\n", chunks + HIDDEN
        ),
        "behind chunks and identity": _post(
            f"Content-Length: {whole}\r\nTransfer-Encoding: chunked, identity\r\n", chunks + HIDDEN
        ),
        "behind two encodings": _post(
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunks + HIDDEN
        ),
        "behind a length of zero and more": _post(
            f"Content-Length: 0\r\nContent-Length: {whole}\r\n", GOOD + HIDDEN
        ),
        "behind a length with a plus": _post(f"Content-Length: +{len(GOOD)}\r\n", GOOD + HIDDEN),
        "behind a length of a list": _post(
            f"Content-Length: {len(GOOD)}, {len(GOOD)}\r\n", GOOD + HIDDEN
        ),
        "in a chunk's extension": _post(
            "Transfer-Encoding: chunked\r\n",
            b"%x;a=\n%b\r\n" % (len(GOOD), HIDDEN) + GOOD + b"\r\n0\r\n\r\n",
        ),
        "in trailers": _post(
            "Transfer-Encoding: chunked\r\n", chunks[:-2] + b"X-A: b\n\n" + HIDDEN
        ),
        "behind a bare return": _post(f"X-A: b\rContent-Length: {len(GOOD)}\r\n", GOOD + HIDDEN),
        "behind a wish for HTTP/2": _post(
            f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n{length}", HIDDEN
        ),
        "behind a GET": f"GET {TARGET} HTTP/1.1\r\n{HOST}{length}\r\n".encode() + HIDDEN,
        "behind what another refuses": _post(
            f"Expect: 200-ok\r\nContent-Encoding: gzip\r\n{length}", HIDDEN
        ),
    }.items():
        yield heard_out(raw(f"hidden {name}", sent, *codes))
    long = b" " * 2_000_000 + HIDDEN
    sent = _post(f"Content-Length: {len(long)}\r\n", long)
    yield heard_out(raw("hidden in a body too large", sent, "BODY_TOO_LARGE", *codes))


def _pipelined() -> Iterator[Attack]:
    one = _post(f"Content-Length: {len(GOOD)}\r\n", GOOD)
    bad = _post("Content-Length: 1\r\n", b"{")
    yield heard_out(raw("pipelined: thirty", one * 30, OK))
    yield heard_out(raw("pipelined: two thousand", one * 2_000, OK, BAD_REQUEST, CLOSED))
    yield heard_out(raw("pipelined: two thousand bad ones", bad * 2_000, BAD_REQUEST, CLOSED))
    lines = b"\r\n" * 50_000
    yield heard_out(raw("pipelined: blank lines", lines + one, OK, BAD_REQUEST, CLOSED))
    mixed = (one + b"GARBAGE\r\n\r\n" + one) * 10
    yield heard_out(raw("pipelined: garbage between", mixed, OK, CLOSED, BAD_REQUEST))


def _paths() -> Iterator[Attack]:
    for target in (
        "/metrics/../graphql",
        "/playground/../../etc/passwd",
        "/playground/..%2f..%2fetc%2fpasswd",
        "/playground/%2e%2e/%2e%2e/etc/passwd",
        "/playground/..\\..\\windows\\win.ini",
        "/playground/" + "x" * 8_000,
        "/playground/identities%00",
        "//evil.example/%2f..",
        "/.env",
        "/.git/config",
        "/docs",
        "/openapi.json",
        "/admin/faults",
        "/graphql%2f",
        "/GRAPHQL",
        "/readyz/../../x",
    ):
        yield got(f"path: {target[:40]}", target, CLOSED)
    for path in ("/metrics", "/readyz", "/livez"):
        for method in ("POST", "PUT", "DELETE", "TRACE", "OPTIONS"):
            sent = f"{method} {path} HTTP/1.1\r\n{HOST}Content-Length: 0\r\n\r\n".encode()
            yield raw(f"path: {method} {path}", sent, CLOSED)
        target = f"{path}?{'a=b&' * 2_000}"
        yield got(f"path: {path} with parameters", target, OK)
