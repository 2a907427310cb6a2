"""An HTTP request becomes a GraphQL request, or is refused with a code. Pure."""

import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import parse_qs

import orjson

from gateway.errors import ErrorCode, RequestRefused
from gateway.validators import is_known

TOKEN_HEADER = "x-consistency-token"
TOKEN_COOKIE = "bff-consistency"
GRAPHQL_RESPONSE_JSON = "application/graphql-response+json"

_token_cookie = re.compile(re.escape(TOKEN_COOKIE) + r"(?:\.[A-Za-z0-9_-]{1,16})?")
_refused = re.compile(r"(?:\A|;)\s*q=0(?:\.0*)?\s*(?:;|\Z)")
_request_id = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_milliseconds = re.compile(r"[0-9]{1,9}\Z", re.ASCII)
_traceparent = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")

MAX_REMEMBERED: Final = 200
"""Characters of a header whose meaning is remembered; no client's own is longer."""

Headers = Iterable[tuple[bytes, bytes]]


class TokenCookie(NamedTuple):
    """A consistency token as a cookie."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What is asked to be run."""

    query: str
    variables: dict[str, object] = field(default_factory=dict)
    operation_name: str | None = None


@dataclass(frozen=True, slots=True)
class RequestHeaders:
    """The headers of a request by lower-case name; repeated ones in order, decoded when asked."""

    values: Mapping[bytes, list[bytes]]

    @classmethod
    def of(cls, headers: Headers) -> "RequestHeaders":
        values: dict[bytes, list[bytes]] = {}
        for name, value in headers:
            values.setdefault(name.lower(), []).append(value)
        return cls(values)

    def all(self, name: str) -> list[str]:
        """Every value of this header."""
        return [value.decode("latin-1") for value in self.values.get(name.encode("latin-1"), ())]

    def first(self, name: str) -> str | None:
        values = self.values.get(name.encode("latin-1"))
        return values[0].decode("latin-1") if values else None

    def last(self, name: str) -> str | None:
        values = self.values.get(name.encode("latin-1"))
        return values[-1].decode("latin-1") if values else None

    @property
    def has_cookies(self) -> bool:
        """Are there any, whosesoever?"""
        return b"cookie" in self.values

    @property
    def has_deadline(self) -> bool:
        """Has the caller said how long she waits?"""
        return b"x-deadline-ms" in self.values

    @property
    def wants_events(self) -> bool:
        """Does it ask for a stream of events? At a glance: who refuses them does not name them."""
        return any(b"text/event-stream" in value for value in self.values.get(b"accept", ()))

    @property
    def media_type(self) -> str:
        """The content type without parameters, lower case; empty if there is none."""
        given = self.first("content-type") or ""
        return (_media_type_of if len(given) <= MAX_REMEMBERED else _read_media_type)(given)

    def accepts(self, media_type: str) -> bool:
        """Is this very media type listed in ``Accept``, and not refused by ``q=0``?"""
        listed = ",".join(self.all("accept"))
        return (_accepts if len(listed) <= MAX_REMEMBERED else _read_accept)(listed, media_type)

    @property
    def token_texts(self) -> list[str]:
        """Every consistency token in the header, which may be repeated or hold a list."""
        listed = ",".join(self.all(TOKEN_HEADER))
        return [text for part in listed.split(",") if (text := part.strip())]

    @property
    def token_cookies(self) -> list[TokenCookie]:
        """Every consistency token in a cookie: of our name, or of our name, a dot and more."""
        # Not http.cookies: it drops all cookies of a header in which one is not to its liking.
        pairs = (
            pair.strip().partition("=")
            for header in self.all("cookie")
            for pair in header.split(";")
        )
        return [
            TokenCookie(name, text.strip('"'))
            for name, _, text in pairs
            if _token_cookie.fullmatch(name)
        ]

    @property
    def request_id(self) -> str:
        """The caller's request id if it is a plain one, else a new one."""
        given = self.first("x-request-id")
        return given if given and _request_id.match(given) else os.urandom(16).hex()

    @property
    def deadline_s(self) -> float:
        """How long (s) the caller waits, by ``X-Deadline-Ms``; for ever, unless she says so."""
        given = self.first("x-deadline-ms")
        return int(given) / 1000 if given and _milliseconds.match(given) else math.inf

    def knows(self, etag: str) -> bool:
        """Does the client have what has this validator, as ``If-None-Match`` says?"""
        given = self.first("if-none-match")
        return given is not None and is_known(etag, given)

    @property
    def traceparent(self) -> str | None:
        """The W3C trace context, if it is well-formed."""
        given = self.first("traceparent")
        return given if given and _traceparent.match(given) else None


def _read_media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _read_accept(listed: str, media_type: str) -> bool:
    parts = (part.partition(";") for part in listed.lower().split(","))
    return any(
        name.strip() == media_type and not _refused.search(parameters)
        for name, _, parameters in parts
    )


# Clients send the same ones again and again; what has been read is remembered.
_media_type_of = lru_cache(maxsize=256)(_read_media_type)
_accepts = lru_cache(maxsize=256)(_read_accept)


def parse_post(body: bytes, media_type: str) -> GraphQLRequest:
    """A POSTed request. Raises `RequestRefused` for anything that is not a JSON GraphQL request."""
    if media_type != "application/json":
        raise RequestRefused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            ErrorCode.BAD_REQUEST,
            "send the request as JSON, with Content-Type: application/json",
        )
    return parse_object(_parse_json(body, "the body"))


def parse_get(query_string: bytes) -> GraphQLRequest:
    """A request in the address. Raises `RequestRefused` likewise."""
    try:
        fields = parse_qs(query_string.decode("latin-1"), max_num_fields=16, errors="strict")
    except ValueError as error:
        raise _bad_request("the address cannot be read") from error
    given = {name: values[0] for name, values in fields.items()}
    variables = given.get("variables")
    parsed = _parse_json(variables.encode(), "variables") if variables else None
    return parse_object(
        {
            "query": given.get("query"),
            "variables": parsed,
            "operationName": given.get("operationName"),
        }
    )


def _parse_json(text: bytes, what: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _bad_request(f"{what} is not JSON") from error


def parse_object(parsed: object) -> GraphQLRequest:
    """A request as JSON has it. Raises `RequestRefused` for what is none."""
    if not isinstance(parsed, dict):
        raise _bad_request("the request must be an object with a query")
    query = parsed.get("query")
    variables = parsed.get("variables")
    operation_name = parsed.get("operationName")
    if not isinstance(query, str) or not query.strip():
        raise _bad_request("query must be a text with a GraphQL document")
    if variables is not None and not isinstance(variables, dict):
        raise _bad_request("variables must be an object")
    if operation_name is not None and not isinstance(operation_name, str):
        raise _bad_request("operationName must be a text")
    return GraphQLRequest(query, variables or {}, operation_name)


def _bad_request(message: str) -> RequestRefused:
    return RequestRefused(HTTPStatus.BAD_REQUEST, ErrorCode.BAD_REQUEST, message)
