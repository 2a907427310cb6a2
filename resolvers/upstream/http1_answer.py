"""One answer of HTTP/1.1, read from the bytes as they come; no socket, no clock.

The parser is llhttp, that of Node.js, which refuses what could be read in two ways. Here is what
it leaves to its users: bounds, when an answer is whole, and whether another may follow it.
"""

from http import HTTPStatus

import httptools

from resolvers.upstream.transport import Response

HEAD_LIMIT_BYTES = 64 * 1024
"""Bytes of a head with all that came before it; as h11 has it, and no service needs a tenth."""


class BrokenAnswer(Exception):
    """The bytes are no answer, or not a whole one."""


class UnwantedAnswer(Exception):
    """An answer that must not be read: too large, or packed though nobody asked for that."""


class AnswerReader:
    """Reads one answer whose body has at most ``limit_bytes``.

    After `feed` or `end` has returned True the answer is whole, and `may_be_followed` tells whether
    the connection may carry another one.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._parser = httptools.HttpResponseParser(self)
        self._head_bytes = self._body_bytes = 0
        self._headers: dict[str, str] = {}
        self._chunks: list[bytes] = []
        self._status = 0
        self._is_head_read = self._is_whole = self._came_too_much = self._stays_open = False
        self._unwanted = ""

    @property
    def may_be_followed(self) -> bool:
        """Whether the connection stays open, and nothing came that nobody asked for."""
        return self._stays_open and not self._came_too_much

    @property
    def response(self) -> Response:
        """The answer, once it is whole."""
        return Response(self._status, self._headers, b"".join(self._chunks))

    def feed(self, data: bytes) -> bool:
        """Read on; return whether the answer is whole. Raise BrokenAnswer or UnwantedAnswer."""
        body_bytes = self._body_bytes
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as cause:
            if not self._is_whole:
                self._raise_if_unwanted()
                raise BrokenAnswer("no answer of HTTP/1.1") from cause
            self._came_too_much = True
        self._raise_if_unwanted()
        if self._body_bytes == body_bytes:  # a part of the head, or of what comes after the body
            self._head_bytes += len(data)
        if not self._is_whole and self._head_bytes > HEAD_LIMIT_BYTES:
            raise BrokenAnswer("the head has no end")
        return self._is_whole

    def end(self) -> bool:
        """Nothing more comes; return whether the answer is whole by that."""
        is_bounded = "content-length" in self._headers or "transfer-encoding" in self._headers
        return self._is_head_read and not is_bounded

    def let_go(self) -> None:
        """Read no more. Reader and parser hold each other, which only the collector would find."""
        del self._parser

    def _raise_if_unwanted(self) -> None:
        if self._unwanted:
            raise UnwantedAnswer(self._unwanted)

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._came_too_much = self._is_whole

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_head_read:
            return  # a trailer, or the head of an answer to nobody
        key, told = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        self._headers[key] = f"{self._headers[key]}, {told}" if key in self._headers else told

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._is_whole or status < HTTPStatus.OK:
            return
        self._status, self._is_head_read = status, True
        if self._headers.get("content-encoding", "identity") != "identity":
            self._unwanted = "a packed body"

    def on_body(self, body: bytes) -> None:
        if self._is_whole:
            return
        self._body_bytes += len(body)
        if self._body_bytes > self._limit_bytes:
            self._unwanted = "too large a body"
        else:
            self._chunks.append(body)

    def on_message_complete(self) -> None:
        if self._is_whole:
            return
        if self._is_head_read:
            self._is_whole, self._stays_open = True, self._parser.should_keep_alive()
        else:
            self._headers.clear()  # an interim answer (1xx): the one that counts is yet to come
