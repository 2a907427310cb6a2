"""What is said to a connection that is let go, and how a head is written again. Pure."""

from http import HTTPStatus
from typing import Final

from gateway.errors import ErrorCode, RequestRefused
from gateway.web.options import ConnectionOptions
from gateway.web.origins import RawHeaders

WISH: Final = (b"connection", b"upgrade", b"http2-settings")
"""Headers of a request that would go over to another protocol."""


def without_wish(method: bytes, url: bytes, headers: RawHeaders) -> bytes:
    """The head of a request again, but for its wish to go over to another protocol."""
    lines = [b"%b: %b" % header for header in headers if header[0] not in WISH]
    return b"\r\n".join([b"%b %b HTTP/1.1" % (method, url), *lines, b"", b""])


def malformed(message: str = "this is not HTTP/1.1 as it is spoken here") -> RequestRefused:
    """What cannot be read in one way alone."""
    return RequestRefused(HTTPStatus.BAD_REQUEST, ErrorCode.BAD_REQUEST, message)


def too_many(bounds: ConnectionOptions) -> RequestRefused:
    """A connection more than there may be."""
    return RequestRefused(
        HTTPStatus.SERVICE_UNAVAILABLE,
        ErrorCode.OVERLOADED,
        "too many connections; nothing was read: come back later",
        retry_after_s=bounds.retry_after_s,
    )


def head_too_large(bounds: ConnectionOptions) -> RequestRefused:
    """A head of too many bytes, or headers."""
    return RequestRefused(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        ErrorCode.HEAD_TOO_LARGE,
        f"a head has at most {bounds.head_limit_bytes} bytes and {bounds.header_limit} headers",
    )


def too_large() -> RequestRefused:
    """A body that is mostly wrapping."""
    return RequestRefused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        ErrorCode.BODY_TOO_LARGE,
        "there is far more around this body than in it",
    )


def late(code: ErrorCode, message: str) -> RequestRefused:
    """What did not come in time."""
    return RequestRefused(HTTPStatus.REQUEST_TIMEOUT, code, message)
