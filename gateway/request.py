"""An HTTP request becomes a GraphQL request, or is refused with a code. Pure."""

import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from random import getrandbits
from typing import Final, NamedTuple
from urllib.parse import parse_qs

import msgspec

from gateway.errors import ErrorCode, RequestRefused
from gateway.validators import is_known
from gateway.web.accepting import APPLICATION_JSON, answer_type, named_types, takes_gzip
from gateway.web.json_bodies import bad_request, media_type_of, read_json
from resolvers.upstream.trace_context import TraceContext, parse_trace_context

TOKEN_HEADER = "x-consistency-token"
RAW_TOKEN_HEADER: Final = TOKEN_HEADER.encode()
TOKEN_COOKIE = "bff-consistency"

_token_cookie = re.compile(re.escape(TOKEN_COOKIE) + r"(?:\.[A-Za-z0-9_-]{1,16})?")
_request_id = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_milliseconds = re.compile(r"[0-9]{1,9}\Z", re.ASCII)
_sha256 = re.compile(r"[0-9a-f]{64}\Z")

EVENT_STREAM: Final = b"text/event-stream"

MAX_REMEMBERED: Final = 200
"""Characters of a header whose meaning is remembered; no client's own is longer."""

REMEMBERED_BYTES: Final = 2_048
"""Likewise bytes of an address; a longer one is read each time."""

Headers = Iterable[tuple[bytes, bytes]]


class TokenCookie(NamedTuple):
    """A consistency token as a cookie."""

    name: str
    text: str


SHA256: Final = "sha256:"
"""How the id of a document begins that is the hash of its text."""

MAX_DOCUMENT_ID: Final = 256
"""Characters of a document's id."""


class DocumentReference(NamedTuple):
    """A document by its id. ``is_automatic``: its text may be kept under it, if it is its hash."""

    id: str
    is_automatic: bool


class GraphQLRequest(msgspec.Struct, frozen=True):
    """What is asked to be run. ``query`` is empty where ``reference`` alone names the document."""

    query: str
    variables: dict[str, object] = msgspec.field(default_factory=dict)
    operation_name: str | None = None
    reference: DocumentReference | None = None


class RequestHeaders(msgspec.Struct, frozen=True):
    """The headers of a request by lower-case name; repeated ones in order, decoded when asked."""

    values: Mapping[bytes, list[bytes]]

    @classmethod
    def of(cls, headers: Headers) -> "RequestHeaders":
        values: dict[bytes, list[bytes]] = {}
        for raw_name, value in headers:
            name = raw_name.lower()
            if name in values:
                values[name].append(value)
            else:
                values[name] = [value]
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
    def is_more_than_a_question(self) -> bool:
        """Has it to do with cookies, deadlines, coded bodies, or types we do not make?"""
        values = self.values
        return (
            b"cookie" in values
            or b"x-deadline-ms" in values
            or b"content-encoding" in values
            or self.answer_type is None
        )

    @property
    def accepts_events(self) -> bool:
        """Would a stream of events do? At a glance: who refuses them does not name them."""
        accept = self.values.get(b"accept")
        return accept is not None and EVENT_STREAM in b",".join(accept)

    @property
    def media_type(self) -> str:
        """The content type without parameters, lower case; empty if there is none, or several."""
        values = self.values.get(b"content-type")
        if values is None or len(values) > 1:
            return ""
        given = values[0].decode("latin-1")
        return (_media_type_of if len(given) <= MAX_REMEMBERED else media_type_of)(given)

    @property
    def is_body_packed(self) -> bool:
        """Does the body come in a coding of its own?"""
        coding = self.values.get(b"content-encoding")
        return coding is not None and coding[0].lower() != b"identity"

    @property
    def answer_type(self) -> str | None:
        """The media type of the answer; None where no type of ours is accepted."""
        listed = self.values.get(b"accept")
        if listed is None:
            return APPLICATION_JSON
        return answer_type(listed[0] if len(listed) == 1 else b",".join(listed))

    @property
    def takes_gzip(self) -> bool:
        """Does the client want her answer packed?"""
        listed = self.values.get(b"accept-encoding")
        return listed is not None and takes_gzip(b",".join(listed))

    def accepts(self, media_type: str) -> bool:
        """Is this very media type listed in ``Accept``, and not refused by ``q=0``?"""
        return media_type in named_types(b",".join(self.values.get(b"accept", ())))

    @property
    def token_texts(self) -> list[str]:
        """Every consistency token in the header, which may be repeated or hold a list."""
        if RAW_TOKEN_HEADER not in self.values:
            return []
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
        if b"x-request-id" in self.values:
            given = self.first("x-request-id")
            if given and _request_id.match(given):
                return given
        # Not the system's chance, which costs 4 µs: a name is no secret.
        return getrandbits(128).to_bytes(16).hex()

    @property
    def deadline_s(self) -> float:
        """How long (s) the caller waits, by ``X-Deadline-Ms``; for ever, unless she says so."""
        given = self.first("x-deadline-ms")
        return int(given) / 1000 if given and _milliseconds.match(given) else math.inf

    @property
    def forwarded_for(self) -> bytes | None:
        """The addresses that proxies have seen, as they say, or whoever came before them."""
        values = self.values.get(b"x-forwarded-for")
        return None if values is None else b",".join(values)

    def knows(self, etag: str) -> bool:
        """Does the client have what has this validator, as ``If-None-Match`` says?"""
        given = self.first("if-none-match")
        return given is not None and is_known(etag, given)

    @property
    def trace_context(self) -> TraceContext | None:
        """The W3C trace context, if it is well-formed."""
        if b"traceparent" not in self.values:
            return None
        return parse_trace_context(self.all("traceparent"), self.all("tracestate"))


# Clients send the same ones again and again; what has been read is remembered.
_media_type_of = lru_cache(maxsize=256)(media_type_of)


def parse_post(body: bytes, media_type: str) -> GraphQLRequest:
    """A POSTed request. Raises `RequestRefused` for anything that is not a JSON GraphQL request."""
    return request_from(parse_body(body, media_type))


def parse_body(body: bytes, media_type: str) -> object:
    """The JSON of a POST. Raises `RequestRefused` likewise."""
    if media_type != APPLICATION_JSON:
        raise RequestRefused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            ErrorCode.BAD_REQUEST,
            "send the request as JSON in UTF-8, with Content-Type: application/json",
        )
    return read_json(body, "the body")


def parse_get(query_string: bytes) -> GraphQLRequest:
    """A request in the address. Raises `RequestRefused` likewise."""
    is_short = len(query_string) <= REMEMBERED_BYTES
    fields = _remembered_fields_of(query_string) if is_short else _fields_of(query_string)
    given: dict[str, object] = {**fields}
    for name in ("variables", "extensions"):
        if name in fields:
            given[name] = read_json(fields[name].encode(), name)
    return request_from(given)


def _fields_of(query_string: bytes) -> Mapping[str, str]:
    """What an address names, each once."""
    try:
        fields = parse_qs(query_string.decode("latin-1"), max_num_fields=16, errors="strict")
    except ValueError as error:
        raise bad_request("the address cannot be read") from error
    if len(max(fields.values(), key=len, default=())) > 1:
        raise bad_request("the address names something twice")
    return {name: values[0] for name, values in fields.items()}


# As above: to read an address of three hundred characters takes as long as to answer it.
_remembered_fields_of = lru_cache(maxsize=512)(_fields_of)


def request_from(parsed: object) -> GraphQLRequest:
    """The request of this JSON. Raises `RequestRefused` where it is none."""
    if not isinstance(parsed, dict):
        raise bad_request("the request must be an object with a query")
    query = parsed.get("query")
    variables = parsed.get("variables")
    operation_name = parsed.get("operationName")
    extensions = parsed.get("extensions")
    document_id = parsed.get("documentId")
    reference = None
    if extensions is not None or document_id is not None:
        reference = _reference_from(document_id, extensions, has_text=query is not None)
    if reference is not None and query is None:
        query = ""
    elif not isinstance(query, str) or not query.strip():
        raise bad_request("query must be a text with a GraphQL document")
    if variables is not None and not isinstance(variables, dict):
        raise bad_request("variables must be an object")
    if operation_name is not None and not isinstance(operation_name, str):
        raise bad_request("operationName must be a text")
    return GraphQLRequest(query, variables or {}, operation_name, reference)


def _reference_from(
    document_id: object, extensions: object, *, has_text: bool
) -> DocumentReference | None:
    """The document that is named instead of written out, or beside it."""
    if extensions is not None and not isinstance(extensions, dict):
        raise bad_request("extensions must be an object")
    persisted = (extensions or {}).get("persistedQuery")
    if document_id is None:
        return None if persisted is None else _automatic(persisted)
    if not isinstance(document_id, str) or not 0 < len(document_id) <= MAX_DOCUMENT_ID:
        raise bad_request("documentId must be the id of a document")
    if has_text or persisted is not None:
        raise bad_request("a document is named once: by its text, its hash or its documentId")
    return DocumentReference(document_id, is_automatic=False)


def _automatic(persisted: object) -> DocumentReference:
    match persisted:
        case {"version": 1, "sha256Hash": str(digest)} if _sha256.match(digest):
            return DocumentReference(SHA256 + digest, is_automatic=True)
        case _:
            message = "extensions.persistedQuery must have version 1 and a sha256Hash"
            raise bad_request(message)
