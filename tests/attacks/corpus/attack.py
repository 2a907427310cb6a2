"""One attack: the bytes that are sent, and the only answers that may come back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

OK: Final = "OK"
"""Stands among codes for an answer without errors: what was sent is harmless after all."""

CLOSED: Final = "CLOSED"
"""Stands among codes for a connection that is closed, with a bare refusal or without a word."""

BAD_USER_INPUT: Final = "BAD_USER_INPUT"
BAD_REQUEST: Final = "BAD_REQUEST"
PARSE: Final = "GRAPHQL_PARSE_FAILED"
VALIDATION: Final = "GRAPHQL_VALIDATION_FAILED"
TOO_LARGE: Final = "QUERY_TOO_LARGE"
TOKEN: Final = "INVALID_CONSISTENCY_TOKEN"

JSON_TYPE: Final = "application/json"
HOST: Final = "Host: shop.example\r\n"

SMUGGLED: Final = b"smuggled"
"""In the id of a request that is hidden in another: an answer that has it answers that one."""

GOODBYE: Final = f"GET /livez HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n".encode()
"""A last request, after whose answer the connection is closed."""


@dataclass(frozen=True, slots=True)
class Attack:
    """``name`` is unique. Each error of the answer has one of these ``codes``.

    ``then``: what is sent once the head of an answer is there. ``is_heard_out``: all is read until
    the connection is closed, not one answer.
    """

    name: str
    sent: bytes
    codes: frozenset[str]
    then: bytes = b""
    is_heard_out: bool = False

    def __str__(self) -> str:
        return self.name


def posted(
    name: str,
    body: bytes,
    *codes: str,
    content_type: str | None = JSON_TYPE,
    headers: str = "",
    path: str = "/graphql",
) -> Attack:
    """A POST with these bytes as its body."""
    kind = "" if content_type is None else f"Content-Type: {content_type}\r\n"
    head = f"POST {path} HTTP/1.1\r\n{HOST}{kind}{headers}Content-Length: {len(body)}\r\n\r\n"
    return Attack(name, head.encode("latin-1") + body, frozenset(codes))


def asked(
    name: str,
    query: str,
    *codes: str,
    variables: Mapping[str, object] | None = None,
    headers: str = "",
) -> Attack:
    """A GraphQL request as any client would send it."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    return posted(name, body, *codes, headers=headers)


def got(name: str, target: str, *codes: str, headers: str = "", host: str = HOST) -> Attack:
    """A GET of this target."""
    sent = f"GET {target} HTTP/1.1\r\n{host}{headers}\r\n".encode("latin-1")
    return Attack(name, sent, frozenset(codes))


def raw(name: str, sent: bytes, *codes: str) -> Attack:
    """Bytes that may be no HTTP at all."""
    return Attack(name, sent, frozenset(codes))


def heard_out(attack: Attack) -> Attack:
    """The same, and a last request after it; whatever is answered is read."""
    return replace(attack, sent=attack.sent + GOODBYE, is_heard_out=True)
